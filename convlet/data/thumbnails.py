"""Images in another size: small pictures of images of any size, and maps stretched to the size of an image."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any, cast

import numpy as np

Array = np.ndarray[Any, Any]

LARGEST = 64
"""Pixels of the longer side, for images that are at most twice as long as wide."""

LONGEST = 8
"""How many times longer than wide a small picture may be. A longer image is shown compressed along its length."""

READ_BYTES = 2**24
"""Memory of the images that are read at once."""


def thumbnails(images: Array, largest: int | None = None) -> Array:
    """Images (n, H, W, ...) of few pixels and of the same type, each pixel the mean over a block of pixels.

    Neither side becomes 0. An image that is LONGEST times longer than wide, or more, gets blocks that are longer than
    wide; if it is still too thin, its rows (or columns) are repeated. Other images of up to LARGEST pixels a side stay
    as they are. If a side is not a whole number of blocks, the pixels at its end are left out.

    largest : most pixels of the longer side; None for LARGEST, or more for long images, so that all cover the same area
    """
    (rows, row_repeats), (columns, column_repeats) = _plan(images.shape[1], images.shape[2], largest)
    if rows > 1 or columns > 1:
        n, height, width, *rest = images.shape
        down, right = height // rows, width // columns
        cut = images[:, : down * rows, : right * columns].reshape(n, down, rows, right, columns, *rest)
        means = np.stack([image.mean(axis=(1, 3)) for image in cut]) if n else np.empty((0, down, right, *rest))
        images = (np.rint(means) if images.dtype == np.uint8 else means).astype(images.dtype)
    if row_repeats > 1:
        images = images.repeat(row_repeats, axis=1)
    return cast(Array, images.repeat(column_repeats, axis=2) if column_repeats > 1 else images)


def chosen(images: Array, numbers: Array) -> Array:
    """The small pictures of the images with these numbers (m,), a few of which are read at once."""
    together = max(1, READ_BYTES // max(1, images[:1].nbytes))
    parts = [thumbnails(images[numbers[k : k + together]]) for k in range(0, len(numbers), together)]
    return np.concatenate(parts) if parts else thumbnails(images[:0])


def size(height: int, width: int) -> tuple[int, int]:
    """Height and width of the small picture of an image."""
    (rows, row_repeats), (columns, column_repeats) = _plan(height, width)
    return height // rows * row_repeats, width // columns * column_repeats


def _plan(height: int, width: int, largest: int | None = None) -> tuple[tuple[int, int], tuple[int, int]]:
    """For rows, then columns: pixels along a block, and how often each mean is repeated."""
    long, short = max(height, width), min(height, width)
    ratio = min(long / short, LONGEST)
    limit = largest or (LARGEST if ratio <= 2 else int(LARGEST * sqrt(ratio)))
    block = ceil(long / limit)
    least = ceil(long // block / LONGEST)
    across = max(1, min(block, short // least))
    repeats = max(1, round(least / (short // across)))
    along, other = (block, 1), (across, repeats)
    return (along, other) if height >= width else (other, along)


def resize(maps: Array, height: int, width: int) -> Array:
    """Maps (n, h, w) brought to (n, height, width), linear between the centres of pixels; the edges go on outwards."""
    return _stretched(_stretched(maps, 2, width), 1, height).astype(maps.dtype)


def _stretched(maps: Array, axis: int, wanted: int) -> Array:
    """Maps with `wanted` pixels along an axis, each between the two nearest ones: float64."""
    length, numbers = maps.shape[axis], np.arange(wanted)
    place = np.clip((numbers + 0.5) * length / wanted - 0.5, 0, length - 1)
    below = np.minimum(place.astype(np.int64), length - 1)
    share = (place - below).reshape([-1 if number == axis else 1 for number in range(maps.ndim)])
    above = np.minimum(below + 1, length - 1)
    return cast(Array, maps.take(below, axis) * (1 - share) + maps.take(above, axis) * share)


def smoothed(x: Array, share: float) -> Array:
    """x (n, H, W, C) with this share of each pixel replaced by the mean of its four neighbours, edges repeated."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    around = padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]
    return cast(Array, (np.float32(1 - share) * x + np.float32(share / 4) * around).astype(np.float32))
