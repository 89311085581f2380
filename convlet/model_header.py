"""The header of a model file: made from a model, and read back with every part checked."""

from __future__ import annotations

import json
from math import prod
from typing import Any, NoReturn

import numpy as np

from convlet.architecture import parse, with_head
from convlet.errors import ArchitectureError, SettingsError
from convlet.layers.base import Array, Shape
from convlet.training.finite import finite
from convlet.training.layout import Layout
from convlet.training.model import NUMERICS_VERSION, Model
from convlet.training.preprocessing import Preprocessing
from convlet.training.settings import Settings

FORMAT = "convlet-model"

FILE_LIMIT = 2**30
"""Bytes of the largest file that is read or written."""

SIDE_LIMIT = 2**16
"""The largest height, width or number of channels of an image."""

GROUP = 2**20
"""Values that are checked at once; it bounds the memory."""

DIGITS = 64
"""Hexadecimal digits of a SHA-256."""

KEYS = {
    "1": (
        *("format", "version", "numerics", "architecture", "input_shape", "classes"),
        *("preprocessing", "settings", "sha256"),
    ),
}
"""The keys of the metadata, in their order, for each version of the format that can be read."""

VERSION = "1"
"""The version that is written."""


class Refused(Exception):
    """Why a file is no model; whoever reads the file puts its name in front."""


def refuse(reason: str) -> NoReturn:
    """Raise Refused."""
    raise Refused(reason)


def encode(model: Model) -> bytes:
    """Return the header of a model, with a checksum of zeros.

    It ends in spaces, so that the arrays begin at a multiple of 8 bytes.
    """
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "numerics": model.numerics,
        "architecture": model.architecture,
        "input_shape": _json(list(model.input_shape)),
        "classes": _json(list(model.classes)),
        "preprocessing": _json(model.preprocessing.as_dict()),
        "settings": _json(model.settings),
        "sha256": "0" * DIGITS,
    }
    header: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, values in model.arrays().items():
        begin, end = end, end + 4 * values.size
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [begin, end]}
    text = _json(header).encode()
    return text + b" " * (-len(text) % 8)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def decode(text: bytes, payload: Array) -> Model:
    """Return the model that a header and its arrays describe; raises Refused where they describe none.

    Parameters
    ----------
    text : the header as it stands in the file
    payload : float32, the values of all arrays; read only
    """
    header = _parse(text)
    metadata = _metadata(header.pop("__metadata__", None))
    architecture = metadata["architecture"]
    shape, classes = _input_shape(metadata), _classes(metadata)
    try:
        preprocessing = Preprocessing.from_dict(_strict_json(metadata["preprocessing"]))
    except ValueError as error:
        refuse(f"has unusable preprocessing: {error}")
    if len(preprocessing.mean) != shape[-1]:
        refuse(f"has preprocessing for {len(preprocessing.mean)} channels, but images of {shape[-1]}")
    settings = _settings(metadata)
    _check_arrays(header, 4 * len(payload))
    try:
        layout = Layout(with_head(parse(architecture), len(classes)), shape)
    except ArchitectureError as error:
        refuse(f"has an unusable architecture: {error}")
    _check_names(header, layout)
    if not all(finite(payload[first : first + GROUP]) for first in range(0, len(payload), GROUP)):
        refuse("has parameters that are not finite; train it again")
    values = payload.astype(np.float32, copy=False)
    parameters, state = values[: layout.parameter_count], values[layout.parameter_count :]
    return Model(
        architecture, shape, classes, preprocessing, parameters, state, settings, numerics=metadata["numerics"]
    )


def _parse(header: bytes) -> dict[str, Any]:
    """The header as a dictionary, with no key twice."""
    try:
        parsed = _strict_json(header.decode())
    except UnicodeDecodeError:
        refuse("is no model file: its header is not UTF-8")
    if not isinstance(parsed, dict):
        refuse("is no model file: its header is no JSON object")
    return parsed


def _strict_json(text: str) -> Any:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            refuse("is no model file: a key stands twice in its header")
        return found

    def constant(name: str) -> NoReturn:
        refuse(f"is no model file: its header holds {name}")

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except (ValueError, RecursionError):  # a number of thousands of digits is a ValueError too
        refuse("is no model file: its header is not valid JSON")


def _metadata(metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        refuse("is no model file: expected metadata of texts in its header")
    if metadata.get("format") != FORMAT:
        refuse(f"is no convlet model: expected the format '{FORMAT}' in its metadata")
    if metadata.get("version") not in KEYS:
        refuse(f"has a version this convlet does not know, expected {' or '.join(KEYS)}; update convlet")
    keys = KEYS[metadata["version"]]
    if set(metadata) != set(keys):
        refuse(f"has metadata other than {', '.join(keys)}")
    if metadata["numerics"] not in map(str, range(1, int(NUMERICS_VERSION) + 1)):
        refuse(
            f"has a numerics version this convlet does not know, expected at most {NUMERICS_VERSION}; update convlet"
        )
    return metadata


def _input_shape(metadata: dict[str, str]) -> Shape:
    shape = _strict_json(metadata["input_shape"])
    if not isinstance(shape, list) or len(shape) != 3 or not all(_whole(side, 1, SIDE_LIMIT) for side in shape):
        refuse(f"has an unusable input shape: expected three whole numbers from 1 to {SIDE_LIMIT}")
    return tuple(shape)


def _classes(metadata: dict[str, str]) -> tuple[str, ...]:
    classes = _strict_json(metadata["classes"])
    if not isinstance(classes, list) or len(classes) < 2 or not all(isinstance(name, str) for name in classes):
        refuse("has unusable classes: expected a list of at least 2 names")
    return tuple(classes)


def _settings(metadata: dict[str, str]) -> dict[str, Any]:
    settings = _strict_json(metadata["settings"])
    if not isinstance(settings, dict):
        refuse("has unusable settings: expected a JSON object")
    try:
        return Settings.from_dict(settings).as_dict()
    except SettingsError as error:
        refuse(f"has unusable settings: {error}")


def _check_arrays(header: dict[str, Any], size: int) -> None:
    """Refuse arrays of an unknown form, and any that overlap, leave a hole or do not fill `size` bytes."""
    end = 0
    for name, entry in header.items():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            refuse(f"array {name!r:.60}: expected dtype, shape and data_offsets, and nothing else")
        if entry["dtype"] != "F32":
            refuse(f"array {name!r:.60}: expected dtype F32, but got {entry['dtype']!r:.60}")
        shape, offsets = entry["shape"], entry["data_offsets"]
        for numbers in (shape, offsets):
            if not isinstance(numbers, list) or not all(_whole(n, 0, FILE_LIMIT) for n in numbers):
                refuse(f"array {name!r:.60}: expected lists of whole numbers from 0 to {FILE_LIMIT}")
        if len(offsets) != 2 or len(shape) > 8 or offsets != [end, end + 4 * prod(shape)]:
            refuse(
                f"array {name!r:.60}: expected bytes from {end} on, as many as its shape needs, "
                f"but got {offsets!r:.60}; arrays may not overlap or leave holes"
            )
        end = offsets[1]
    if end != size:
        refuse(f"is cut off or too long: expected {end} bytes of arrays, but it has {size}; copy it again")


def _check_names(header: dict[str, Any], layout: Layout) -> None:
    """Refuse arrays that are not the architecture's own, in its own order."""
    expected = dict(zip(layout.names, layout.shapes, strict=True))
    expected |= dict(zip(layout.state_names, layout.state_shapes, strict=True))
    found = {name: tuple(entry["shape"]) for name, entry in header.items()}
    if list(found.items()) == list(expected.items()):
        return
    for name in [*expected, *found]:
        if found.get(name) != expected.get(name):
            refuse(
                f"array {name!r:.60} does not fit the architecture: expected "
                f"{expected.get(name, 'none of that name')}, but got {found.get(name, 'none')}"
            )
    refuse("has its arrays in another order than its architecture")


def _whole(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high
