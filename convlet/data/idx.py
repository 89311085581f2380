"""IDX files (LeCun, Cortes, Burges: "The MNIST database of handwritten digits"), plain or gzip, read with care.

A file is two zero bytes, a type byte (8: unsigned bytes), the number of axes, each axis as a big-endian 32-bit
number, then the bytes. Nothing is believed before it is checked: the declared size bounds what is inflated.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from io import BufferedReader
from math import prod
from pathlib import Path

import numpy as np

from convlet.data.arrays import same_count
from convlet.data.dataset import Array, ImageSet
from convlet.errors import DataError
from convlet.system import reading

UNSIGNED_BYTE = 8
MOST_BYTES = 8 * 2**30
"""More than this in one file is refused."""

INFLATES = 1032
"""Deflate makes at most so many bytes out of one."""

PIECE = 2**20
"""Bytes read at once."""

Source = BufferedReader | gzip.GzipFile

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
    try:
        with reading.opened(path, "an IDX file", refused=DataError) as file:
            start = file.read(16)
            if not start:
                raise DataError(f"{path}: the file is empty; get it again")
            if start[:1].lstrip() in (b"<", b"{") or start.lstrip()[:5].lower() in (b"<html", b"<!doc"):
                raise DataError(f"{path}: this is a web page or text, not an IDX file; get it again")
            file.seek(0)
            length = reading.size(file)
            if start[:2] != b"\x1f\x8b":
                return _array(path, file, axes, length)
            with gzip.GzipFile(fileobj=file) as inflated:
                return _array(path, inflated, axes, INFLATES * length)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(f"{path}: the gzip data is damaged or cut short; get the file again") from None


def _array(path: Path, file: Source, axes: int, most: int) -> Array:
    """The array in a file that holds at most `most` bytes, inflated."""
    kind = {3: "images (3 axes)", 1: "labels (1 axis)"}[axes]
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        if magic[:1] == b"<":
            raise DataError(f"{path}: this is a web page or text, not an IDX file; get it again")
        raise DataError(f"{path}: begins with {magic.hex(' ') or 'nothing'}, which no IDX file does; get it again")
    if magic[2] != UNSIGNED_BYTE:
        raise DataError(f"{path}: holds numbers of type {magic[2]}; expected type 8, unsigned bytes")
    if magic[3] != axes:
        found = {3: "images", 1: "labels"}.get(magic[3], f"an array of {magic[3]} axes")
        raise DataError(f"{path}: expected {kind}, but it holds {found}; are the files swapped?")
    header = file.read(4 * axes)
    if len(header) < 4 * axes:
        raise DataError(f"{path}: the file ends inside its header; get it again")
    shape = struct.unpack(f">{axes}I", header)
    size = prod(shape)
    declared = " x ".join(map(str, shape))
    if size == 0:
        raise DataError(f"{path}: declares {declared} values; expected at least one")
    if size > MOST_BYTES:
        raise DataError(f"{path}: declares {declared} values, more than {MOST_BYTES // 2**30} GiB")
    if size > most:
        raise DataError(f"{path}: declares {declared} values, but holds at most {most}; get the file again")
    return _values(path, file, shape, size)


def _values(path: Path, file: Source, shape: tuple[int, ...], size: int) -> Array:
    """The declared bytes; the caller has found that the file can hold so many, so a false header claims no memory."""
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
    return values.reshape(shape)


def find(folder: Path, name: str) -> Path | None:
    """The file `name`, or `name`.gz, or with a dot before idx, in `folder`."""
    for candidate in (name, f"{name}.gz", name.replace("-idx", ".idx"), name.replace("-idx", ".idx") + ".gz"):
        if reading.kind(folder / candidate) is not None:
            return folder / candidate
    return None


def is_idx_folder(folder: Path) -> bool:
    return any(find(folder, name) for names in NAMES.values() for name in names)


def load(folder: Path, classes: int = 10) -> dict[str, ImageSet]:
    """Training images, and test images where there are any, of a folder of IDX files.

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
        parts[part] = ImageSet(images[..., np.newaxis], labels.astype(np.int64))
    if "test" in parts and parts["test"].images.shape[1:] != parts["train"].images.shape[1:]:
        sizes = " and ".join(" x ".join(map(str, parts[p].images.shape[1:3])) for p in ("train", "test"))
        raise DataError(f"{folder}: training and test images differ in size: {sizes}")
    return parts
