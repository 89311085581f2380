"""One array of a .npz archive, read with a strict grammar: nothing in the file is evaluated.

An .npy file is the magic bytes, two bytes of version, the length of a header, the header, then the values. The header
is text such as {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }. NumPy reads it with a Python
parser; here a regular expression does. Format: NumPy, "NEP 1: a simple file format for NumPy arrays".
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from math import prod
from typing import IO

import numpy as np

from convlet.data.dataset import Array

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 2**12
PIECE = 2**20
"""Bytes read at once."""

ITEM = r"""\s*(?:'descr':\s*'([^']{1,40})'|'fortran_order':\s*(True|False)|'shape':\s*\(([0-9,\s]*)\))\s*"""
HEADER = re.compile(rf"\{{{ITEM},{ITEM},{ITEM},?\s*\}}\s*")
TYPE = re.compile(r"[<>|=](?:b1|[ui][1248]|f[248]|[US][1-9][0-9]{0,4})")
"""Truth values, whole numbers, floats and texts."""


class Unreadable(Exception):
    """Why an array cannot be read."""


@dataclass(frozen=True)
class Header:
    """What an .npy file declares.

    start : the bytes before its values
    """

    dtype: np.dtype
    fortran: bool
    shape: tuple[int, ...]
    start: int


def header(file: IO[bytes], size: int) -> Header:
    """The header of an .npy file; the file is left at its first value.

    Parameters
    ----------
    file : at its beginning
    size : how many bytes it has

    Raises
    ------
    Unreadable : another format, other kinds of values, or another number of bytes than the header declares
    """
    start = _exactly(file, 8)
    if start[:6] != MAGIC or start[6] not in (1, 2, 3):
        raise Unreadable(f"begins with {start[:4].hex(' ')}, which no array does")
    digits = 2 if start[6] == 1 else 4
    length = int.from_bytes(_exactly(file, digits), "little")
    if length > LONGEST_HEADER:
        raise Unreadable(f"declares a header of {length:,} bytes; expected at most {LONGEST_HEADER:,}")
    kind, fortran, shape = _parse(_exactly(file, length).decode("latin-1"))
    count, left = prod(shape), size - 8 - digits - length
    if count * kind.itemsize != left:
        raise Unreadable(f"declares {count * kind.itemsize:,} bytes of values, but holds {left:,}")
    return Header(kind, fortran, shape, 8 + digits + length)


def read(file: IO[bytes], size: int) -> Array:
    """The array in an .npy file; parameters and errors as of `header`. The caller has found `size` acceptable."""
    found = header(file, size)
    values = np.empty(prod(found.shape), found.dtype)
    _fill(file, values.view(np.uint8))
    if file.read(1):  # the end of the file is also where its checksum is compared
        raise Unreadable("holds more bytes than it declares")
    if found.dtype.kind in "US":
        values = _texts(values)
    return values.reshape(found.shape[::-1]).T if found.fortran else values.reshape(found.shape)


def _parse(text: str) -> tuple[np.dtype, bool, tuple[int, ...]]:
    found = HEADER.fullmatch(text)
    groups = found.groups() if found else ()
    descr, fortran, shape = (next((g for g in groups[k::3] if g is not None), None) for k in range(3))
    if "'descr': '|O'" in text:
        raise Unreadable("holds Python objects, which are never read; save plain numbers and strings")
    if descr is None or fortran is None or shape is None:
        raise Unreadable("has a header that describes no plain array; save plain numbers and strings")
    if not TYPE.fullmatch(descr):
        raise Unreadable(f"holds values of type {descr}; save plain numbers and strings")
    sides = [side.strip() for side in shape.split(",")]
    if sides and not sides[-1]:
        sides.pop()
    if len(sides) > 8 or not all(re.fullmatch(r"[0-9]{1,18}", side) for side in sides):
        raise Unreadable(f"has the shape ({shape:.60}); expected at most 8 whole numbers")
    return np.dtype(descr), fortran == "True", tuple(map(int, sides))


def _exactly(file: IO[bytes], count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise Unreadable("ends inside its header")
    return data


def _fill(file: IO[bytes], place: Array) -> None:
    """Read into `place`, uint8 (n,), piece by piece."""
    for first in range(0, len(place), PIECE):
        wanted = place[first : first + PIECE]
        data = file.read(len(wanted))
        if len(data) != len(wanted):
            raise Unreadable("ends inside its values")
        wanted[:] = np.frombuffer(data, np.uint8)


def _texts(values: Array) -> Array:
    """Texts as Python can hold them; bytes are UTF-8."""
    try:
        if values.dtype.kind == "S":
            return np.array([text.decode() for text in values.tolist()], np.str_)
        values = values.astype(values.dtype.newbyteorder("="))
        if values.size and values.view(np.uint32).max() > sys.maxunicode:
            raise ValueError
        "".join(values.tolist()).encode()
        return values
    except ValueError:
        raise Unreadable("holds texts that are not Unicode") from None
