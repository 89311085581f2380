"""Checkpoint files: where a training stands between two steps, in a sealed file (see `sealed_file`).

The arrays are those of `State`, and the metadata has the rest of it as JSON, with what the training was made from.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from convlet.errors import CheckpointError
from convlet.model.finite import finite
from convlet.records.checkpoint import StateValues
from convlet.records.run import Origin
from convlet.system.atomic import write_atomically
from convlet.system.sealed import (
    Kind,
    Refused,
    as_json,
    check_arrays,
    encode_header,
    parse_header,
    refuse,
    seal,
    strict_json,
    unseal_file,
)
from convlet.training.state import State

FORMAT, VERSION = "convlet-checkpoint", "1"
KEYS = ("format", "version", "origin", "values", "sha256")

KIND = Kind("checkpoint", "checkpoint.safetensors", file_limit=2**33, header_limit=2**26)


def save(path: str | Path, state: State, origin: Origin) -> None:
    """Write a checkpoint; afterwards the path holds the whole new file, or what it held before.

    Parameters
    ----------
    origin : what the training was made from, in values that JSON knows; `load` gives it back

    Raises
    ------
    CheckpointError : the state is too large for a file, or holds parameters that are not finite
    RunError : the file could not be written
    """
    header = encode_header(
        {"format": FORMAT, "version": VERSION, "origin": as_json(origin), "values": as_json(state.values)},
        state.arrays,
    )
    size = 8 + len(header) + sum(4 * array.size for array in state.arrays.values())
    if len(header) > KIND.header_limit or size > KIND.file_limit:
        raise CheckpointError(
            f"{path}: a checkpoint may have {KIND.file_limit} bytes, {KIND.header_limit} of them for its header, "
            f"but this one needs {size} and {len(header)}; use a smaller network or fewer epochs"
        )
    for name in ("parameters", "state"):
        if not finite(state.arrays[name]):
            raise CheckpointError(f"{path}: the {name} are not finite, so they are not saved")
    write_atomically(path, seal(header, state.arrays.values()), CheckpointError)


def load(path: str | Path) -> tuple[State, Origin]:
    """Read a checkpoint: the state and the origin that were saved, or one error.

    Raises
    ------
    CheckpointError : no such file, no checkpoint, or a damaged one; names the file and the reason
    """
    try:
        header, payload = unseal_file(path, KIND, CheckpointError)
        metadata, entries = parse_header(header, KIND)
        if metadata.get("format") != FORMAT:
            refuse(f"is no convlet checkpoint: expected the format '{FORMAT}' in its metadata")
        if metadata.get("version") != VERSION:
            refuse(f"has a version this convlet does not know, expected {VERSION}; begin a new run")
        if set(metadata) != set(KEYS):
            refuse(f"has metadata other than {', '.join(KEYS)}")
        origin, values = (strict_json(metadata[key], KIND) for key in ("origin", "values"))
        check_arrays(entries, 4 * len(payload), KIND)
        if not isinstance(origin, dict) or not isinstance(values, dict) or not {"parameters", "state"} <= set(entries):
            refuse("describes no training")
    except Refused as refused:
        raise CheckpointError(f"{path}: {refused}") from None
    arrays = {}
    for name, entry in entries.items():
        begin, end = entry["data_offsets"]
        arrays[name] = payload[begin // 4 : end // 4].reshape(entry["shape"])
    return State(arrays, cast(StateValues, values)), origin  # who restores it refuses what does not fit
