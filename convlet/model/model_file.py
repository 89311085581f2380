"""Model files: a trained network, its classes and its preprocessing in one file that runs no code.

They are sealed files (see `sealed_file`): the parameters, then the running statistics, and in the metadata what
`model_header` writes. docs/format.md says it whole.
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

from convlet.errors import InputError, ModelFileError
from convlet.learning.setting_checks import short
from convlet.model.header import FORMAT, KIND, decode, encode
from convlet.model.model import Model
from convlet.system.atomic import write_atomically
from convlet.system.reading import kind, opened
from convlet.system.sealed import Refused, check_size, seal, unseal, unseal_file

UNNAMED = "the model"
"""What an error calls a model that is not written to a path."""

MARK = f'"format":"{FORMAT}"'.encode()
LOOKED_AT = 256
"""Bytes in which the mark stands: it is the first of the metadata."""


def save(model: Model, path: str | Path) -> None:
    """Write a model file; afterwards the path holds the whole new file, or what it held before.

    The same model gives the same bytes.

    Raises
    ------
    ModelFileError : the model does not fit into a file or has numbers that are none, or the path is no place for one
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
    try:
        return decode(*unseal_file(path, KIND, ModelFileError))
    except Refused as refused:
        raise ModelFileError(f"{path}: {refused}") from None


def is_model_file(path: str | Path) -> bool:
    """Whether there is a file at the path that says it is a model, of whatever version, damaged or not."""
    if kind(path) != "file":
        return False
    with opened(path, "a file") as file:
        return MARK in file.read(LOOKED_AT)


def to_bytes(model: Model) -> bytes:
    """Return the bytes that `save` writes; raises ModelFileError where the model does not fit into a file."""
    return b"".join(_parts(model, UNNAMED))


def from_bytes(data: bytes) -> Model:
    """Return the model in the bytes of a model file; raises ModelFileError as `load` does."""
    try:
        check_size(len(data), KIND)
        return decode(*unseal(BytesIO(data), len(data), KIND))
    except Refused as refused:
        raise ModelFileError(f"the model {refused}") from None


def _parts(model: Model, name: str) -> list[bytes]:
    """The bytes of a model file in pieces; `name` is what an error calls it. What `load` refuses is refused here."""
    if not isinstance(model, Model):
        raise ModelFileError(f"{name}: is not a convlet.Model but {short(model)}; save the model of a training")
    try:
        replace(model)  # built once more from its parts: the constructor checks them, and any may have been changed
    except InputError as error:
        raise ModelFileError(str(error) if name == UNNAMED else f"{name}: {error}") from None
    header = encode(model)
    size = 8 + len(header) + 4 * (len(model.parameters) + len(model.state))
    if len(header) > KIND.header_limit or size > KIND.file_limit:
        raise ModelFileError(
            f"{name}: a model file may have {KIND.file_limit} bytes, {KIND.header_limit} of them for its header, "
            f"but this model needs {size} and {len(header)}; use a smaller network or shorter class names"
        )
    return seal(header, (model.parameters, model.state))
