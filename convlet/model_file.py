"""Model files: safetensors with architecture, classes and a checksum in the metadata, and no code.

    8 bytes   n, the length of the header, little-endian
    n bytes   the header, JSON: {"__metadata__": {...}, array name: {"dtype", "shape", "data_offsets"}, ...}
    the rest  the arrays, float32 little-endian, one after the other: parameters, then running statistics

The checksum in the metadata is the SHA-256 of the whole file with the checksum's own 64 digits written as 0.
So no bit of the file, header included, can change without being noticed, and the file stays one that any
safetensors library can read. Format: https://github.com/huggingface/safetensors, section "Format".
"""

from __future__ import annotations

import hashlib
import stat
from io import BufferedReader, BytesIO
from pathlib import Path

import numpy as np

from convlet.atomic import write_atomically
from convlet.errors import ModelFileError
from convlet.layers.base import Array
from convlet.model_header import DIGITS, FILE_LIMIT, Refused, decode, encode, refuse
from convlet.training.model import Model

HEADER_LIMIT = 2**20
"""Bytes of the longest header that is read or written."""

MARK = b'"sha256":"'
"""What the checksum's digits follow. It cannot lie inside a JSON string, where quotes are escaped."""


def save(model: Model, path: str | Path) -> None:
    """Write a model file; afterwards the path holds the whole new file, or what it held before.

    The same model gives the same bytes.

    Raises
    ------
    ModelFileError : the model does not fit into a file, or the path is no place for one
    RunError : the file could not be written
    """
    write_atomically(path, _parts(model, str(path)), ModelFileError)


def load(path: str | Path) -> Model:
    """Read a model file: what was saved, or one error.

    Memory: the size of the file and a small header; the sizes in it are checked before anything is allocated.

    Raises
    ------
    ModelFileError : no such file, no model file, or a damaged one; names the file and the reason
    """
    path = Path(path)
    try:
        size = _size(path)
        with path.open("rb") as file:
            return _read(file, size)
    except Refused as refused:
        raise ModelFileError(f"{path}: {refused}") from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror or error}") from None


def to_bytes(model: Model) -> bytes:
    """Return the bytes that `save` writes; raises ModelFileError where the model does not fit into a file."""
    return b"".join(_parts(model, "the model"))


def from_bytes(data: bytes) -> Model:
    """Return the model in the bytes of a model file; raises ModelFileError as `load` does."""
    try:
        if len(data) > FILE_LIMIT:
            refuse(f"is no model file: expected at most {FILE_LIMIT} bytes, but it has {len(data)}")
        return _read(BytesIO(data), len(data))
    except Refused as refused:
        raise ModelFileError(f"the model {refused}") from None


def _parts(model: Model, name: str) -> list[bytes]:
    """The bytes of a model file in pieces; `name` is what an error calls it."""
    header = encode(model)
    size = 8 + len(header) + 4 * (len(model.parameters) + len(model.state))
    if len(header) > HEADER_LIMIT or size > FILE_LIMIT:
        raise ModelFileError(
            f"{name}: a model file may have {FILE_LIMIT} bytes, {HEADER_LIMIT} of them for its header, "
            f"but this model needs {size} and {len(header)}; use a smaller network or shorter class names"
        )
    parts = [len(header).to_bytes(8, "little"), header]
    parts += [np.ascontiguousarray(values, "<f4").tobytes() for values in (model.parameters, model.state)]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    parts[1] = header.replace(MARK + b"0" * DIGITS, MARK + digest.hexdigest().encode(), 1)
    return parts


def _read(file: BufferedReader | BytesIO, size: int) -> Model:
    """The model in a file of `size` bytes; raises Refused."""
    header = _read_header(file, size)
    payload = _read_payload(file, size - 8 - len(header))
    _check_sum(header, payload)
    return decode(header, payload)


def _size(path: Path) -> int:
    """The size of a regular file, in bytes."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        refuse("is not a file; expected a model file such as model.safetensors")
    if status.st_size > FILE_LIMIT:
        refuse(f"is no model file: expected at most {FILE_LIMIT} bytes, but it has {status.st_size}")
    return status.st_size


def _read_header(file: BufferedReader | BytesIO, size: int) -> bytes:
    if size < 8:
        refuse(f"is no model file: expected at least 8 bytes, but it has {size}")
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= HEADER_LIMIT:
        refuse(f"is no model file: expected a header of 2 to {HEADER_LIMIT} bytes, but it says {length}")
    if length > size - 8:
        refuse(f"is cut off: its header should have {length} bytes, but {size - 8} are left; copy the file again")
    header = file.read(length)
    if not header.startswith(b"{") or len(header) != length:
        refuse("is no model file: its header is no JSON object")
    return header


def _read_payload(file: BufferedReader | BytesIO, size: int) -> Array:
    """The float32 values after the header."""
    if size % 4:
        refuse(f"is cut off: expected whole float32 values after the header, but got {size} bytes")
    payload = np.empty(size // 4, "<f4")
    if file.readinto(payload.view(np.uint8).data) != size or file.read(1):
        refuse("changed while it was read; try again")
    payload.flags.writeable = False
    return payload


def _check_sum(header: bytes, payload: Array) -> None:
    """Refuse a file whose bytes are not the ones that were written."""
    at = header.find(MARK) + len(MARK)
    if at < len(MARK) or header.count(MARK) != 1:
        refuse("is no model file: expected one sha256 in its metadata")
    digest = hashlib.sha256(len(header).to_bytes(8, "little"))
    digest.update(header[:at] + b"0" * DIGITS + header[at + DIGITS :])
    digest.update(payload.data)
    if header[at : at + DIGITS] != digest.hexdigest().encode():
        refuse("is damaged: its checksum does not fit its content; copy or train it again")
