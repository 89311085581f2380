"""Images that lie in a file: a large memory-mapped array is read image by image and never held in memory.

A shuffled epoch touches every page of a mapping, and each touch is a page fault that costs as much as training a small
network on the image; the pages then count as memory of this process. Reading each image at its place in the file is
several times cheaper and leaves nothing behind but the system's own file cache, so data may be larger than the memory.
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from convlet.errors import DataError
from convlet.layers.base import Array
from convlet.system import reading

LARGE_BYTES = 64 * 2**20
"""A smaller array is read through its mapping: its pages are soon all there, and are no burden."""


PIECE_BYTES = 2**20
"""Images that are looked at together; it bounds the memory, not the result."""


class ImageFile:
    """Images (n, H, W, C) at their place in a file.

    Parameters
    ----------
    path, start : the file, and the byte where image 0 begins
    shape, dtype : of the whole array, which lies there in C order

    Raises
    ------
    DataError : the file cannot be opened
    """

    def __init__(self, path: Path, start: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path, self.start, self.shape, self.dtype = path, start, shape, dtype
        self.image_bytes = prod(shape[1:]) * dtype.itemsize
        self._descriptor = reading.open_regular(path, "images", refused=DataError)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, numbers: Array) -> Array:
        """The images with these numbers, in this order: (b, H, W, C), newly read. Raises DataError."""
        images = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        room, size = images.reshape(-1).view(np.uint8).data, self.image_bytes
        for place, number in enumerate(numbers.tolist()):
            self._fill(room[place * size : (place + 1) * size], number)
        return images

    def read_range(self, first: int, end: int) -> Array:
        """Images `first` to `end` - 1: (end - first, H, W, C), newly read. Raises DataError."""
        images = np.empty((end - first, *self.shape[1:]), self.dtype)
        self._fill(images.reshape(-1).view(np.uint8).data, first)
        return images

    def _fill(self, room: memoryview, number: int) -> None:
        """Fill `room` with what stands in the file from image `number` on."""
        place, wanted = self.start + number * self.image_bytes, len(room)
        try:
            got = more = os.preadv(self._descriptor, [room], place)
            while more and got < wanted:  # a large read may come in parts
                more = os.preadv(self._descriptor, [room[got:]], place + got)
                got += more
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read any more ({error.strerror or error})") from None
        if got < wanted:
            raise DataError(
                f"{self.path}: ends before image {number + got // self.image_bytes} of {self.shape[0]}; "
                "it was cut short while it was in use"
            )


def image_file(images: Array) -> ImageFile | None:
    """The file behind a large memory-mapped array (n, H, W, C); None for any other array.

    None too for a copy-on-write mapping, which may differ from its file, for a view that is not in C order, for a file
    that is no longer the one that was mapped, and where the system has no positional reads.
    """
    if images.nbytes < LARGE_BYTES or not images.flags.c_contiguous or not hasattr(os, "preadv"):
        return None
    mapped = images
    while not isinstance(mapped, np.memmap):
        if not isinstance(mapped, np.ndarray) or mapped.base is None:
            return None
        mapped = mapped.base
    mapping = mapped._mmap  # type: ignore[attr-defined]
    if mapping is None or mapped.mode == "c" or mapped.filename is None:
        return None
    # a mapping begins at a page; the array begins wherever its header ends
    mapping_start = mapped.offset - mapped.offset % mmap.ALLOCATIONGRANULARITY
    distance = images.ctypes.data - np.frombuffer(mapping, np.uint8).ctypes.data
    try:
        found = ImageFile(Path(mapped.filename), mapping_start + distance, images.shape, images.dtype)
        ends = np.array([0, len(images) - 1])
        same = np.array_equal(found.read(ends), images[ends], equal_nan=images.dtype.kind == "f")
    except DataError:
        return None
    return found if same else None


def pieces(images: Array, most_bytes: int = PIECE_BYTES) -> Iterator[Array]:
    """Images (n, H, W, C) in order, as many at a time as fit; those of a large memory-mapped file are read from it."""
    file = image_file(images)
    count = max(1, most_bytes // (prod(images.shape[1:]) * images.itemsize))
    for first in range(0, len(images), count):
        end = min(first + count, len(images))
        yield images[first:end] if file is None else file.read_range(first, end)
