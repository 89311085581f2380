"""IDX files (LeCun, Cortes, Burges: "The MNIST database of handwritten digits"), plain or gzip, read with care.

A file is two zero bytes, a type byte (8: unsigned bytes), the number of axes, each axis as a big-endian 32-bit
number, then the bytes. Nothing is believed before it is checked: the declared size bounds what is inflated.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from convlet.data.arrays import same_count
from convlet.data.dataset import Array, ImageSet, Rows
from convlet.errors import DataError
from convlet.system import reading

UNSIGNED_BYTE = 8
MOST_BYTES = 8 * 2**30
"""More than this in one file is refused."""

INFLATES = 1032
"""Deflate makes at most so many bytes out of one."""

PIECE = 2**20
"""Bytes read at once."""

SIGNED_INT = 12
SIZES = {UNSIGNED_BYTE: 1, SIGNED_INT: 4}
"""Bytes of a value; signed integers are read for the labels of QMNIST alone."""

Source = IO[bytes] | gzip.GzipFile

NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def read(path: Path, axes: int) -> Array:
    """The uint8 array of an IDX file.

    Parameters
    ----------
    path : the file; one that begins as gzip does is inflated
    axes : how many axes it must have: 3 for images, 1 for labels

    Raises
    ------
    DataError : anything but one whole IDX file of this kind; the message says what was found and what to do
    """
    with reading.opened(path, "an IDX file", refused=DataError) as file:
        return read_open(str(path), file, reading.size(file), axes)


def read_open(shown: str, file: IO[bytes], length: int, axes: int) -> Array:
    """The same from an open file of so many bytes; `shown` is its name in errors."""
    try:
        with _inflated(shown, file, length) as (values, most):
            kind, shape = _header(shown, values, axes, most)
            found = _values(shown, values, shape, kind)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(f"{shown}: the gzip data is damaged or cut short; get the file again") from None
    return found[:, 0] if found.ndim > axes else found  # QMNIST: the first column is the class


def declared(shown: str, file: IO[bytes], length: int, axes: int) -> tuple[int, ...]:
    """The shape that the header of an open file declares; errors as of `read`."""
    try:
        with _inflated(shown, file, length) as (values, most):
            return _header(shown, values, axes, most)[1]
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(f"{shown}: the gzip data is damaged or cut short; get the file again") from None


@contextmanager
def _inflated(shown: str, file: IO[bytes], length: int) -> Iterator[tuple[Source, int]]:
    """The file, inflated if it begins as gzip does, and how many bytes it can hold."""
    start = file.read(16)
    if not start:
        raise DataError(f"{shown}: the file is empty; get it again")
    if start[:1].lstrip() in (b"<", b"{") or start.lstrip()[:5].lower() in (b"<html", b"<!doc"):
        raise DataError(f"{shown}: this is a web page or text, not an IDX file; get it again")
    file.seek(0)
    if start[:2] != b"\x1f\x8b":
        yield file, length
    else:
        with gzip.GzipFile(fileobj=file) as inflated:
            yield inflated, INFLATES * length


def _header(path: str, file: Source, axes: int, most: int) -> tuple[int, tuple[int, ...]]:
    """Type and shape of the array in a file that holds at most `most` bytes, inflated."""
    kind = {3: "images (3 axes)", 1: "labels (1 axis)"}[axes]
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        if magic[:1] == b"<":
            raise DataError(f"{path}: this is a web page or text, not an IDX file; get it again")
        raise DataError(f"{path}: begins with {magic.hex(' ') or 'nothing'}, which no IDX file does; get it again")
    of_qmnist = axes == 1 and magic[2:] == bytes((SIGNED_INT, 2))
    if magic[2] != UNSIGNED_BYTE and not of_qmnist:
        raise DataError(f"{path}: holds numbers of type {magic[2]}; expected type 8, unsigned bytes")
    if magic[3] != axes and not of_qmnist:
        found = {3: "images", 1: "labels"}.get(magic[3], f"an array of {magic[3]} axes")
        raise DataError(f"{path}: expected {kind}, but it holds {found}; are the files swapped?")
    header = file.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise DataError(f"{path}: the file ends inside its header; get it again")
    shape = struct.unpack(f">{magic[3]}I", header)
    size = prod(shape) * SIZES[magic[2]]
    declared = " x ".join(map(str, shape))
    if size == 0:
        raise DataError(f"{path}: declares {declared} values; expected at least one")
    if size > MOST_BYTES:
        raise DataError(f"{path}: declares {declared} values, more than {MOST_BYTES // 2**30} GiB")
    if size > most:
        raise DataError(f"{path}: declares {declared} values, but holds at most {most}; get the file again")
    return magic[2], shape


def _values(path: str, file: Source, shape: tuple[int, ...], kind: int) -> Array:
    """The declared values; the caller has found that the file can hold so many, so a false header claims no memory."""
    size = prod(shape) * SIZES[kind]
    values = np.empty(size, np.uint8)
    got = 0
    while got < size:
        part = file.read(min(PIECE, size - got))
        if not part:
            raise DataError(f"{path}: declares {size} values, but only {got} are there; get the file again")
        values[got : got + len(part)] = np.frombuffer(part, np.uint8)
        got += len(part)
    if file.read(1):
        raise DataError(f"{path}: there is more after the {size} values it declares; get the file again")
    values.flags.writeable = False
    return values.reshape(shape) if kind == UNSIGNED_BYTE else values.view(">i4").reshape(shape)


def find(folder: Path, name: str) -> Path | None:
    """The file `name`, or `name`.gz, or with a dot before idx, in `folder`."""
    for candidate in (name, f"{name}.gz", name.replace("-idx", ".idx"), name.replace("-idx", ".idx") + ".gz"):
        if reading.kind(folder / candidate) is not None:
            return folder / candidate
    return None


def load(folder: Path, classes: int = 10) -> dict[str, ImageSet]:
    """Training images, and test images if there are any, of a named set's folder; others go by `idx_folders`.

    Raises
    ------
    DataError : a file that is missing or damaged, counts that differ, or a label outside 0 to classes - 1
    """
    parts = {}
    for part, names in NAMES.items():
        paths = [find(folder, name) for name in names]
        if part == "test" and paths == [None, None]:
            continue
        for name, path in zip(names, paths, strict=True):
            if path is None:
                raise DataError(f"{folder}: there is no {name} or {name}.gz; a folder of IDX files needs it")
        image_path, label_path = (path for path in paths if path is not None)
        images, labels = read(image_path, 3), read(label_path, 1)
        same_count(images, labels, str(folder))
        if labels.max() >= classes:
            raise DataError(f"{label_path}: label {labels.max()} is outside 0 to {classes - 1}; are the files swapped?")
        parts[part] = ImageSet(
            images[..., np.newaxis], labels.astype(np.int64), Rows.all_of(str(image_path), len(labels))
        )
    if "test" in parts and parts["test"].images.shape[1:] != parts["train"].images.shape[1:]:
        sizes = " and ".join(" x ".join(map(str, parts[p].images.shape[1:3])) for p in ("train", "test"))
        raise DataError(f"{folder}: training and test images differ in size: {sizes}")
    return parts
