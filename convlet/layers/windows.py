"""Where a square window stands on an image: the padding around it and the pixels under each of its taps.

A tap is one of the size x size places inside a window. Convolution and pooling both loop over taps and do
each tap for all windows at once, so that the loops stay short and the definition stays readable.
"""

from __future__ import annotations

from collections.abc import Iterator

Pixels = tuple[slice, slice, slice]
"""An index for (N, H, W, C) that takes every image and the chosen rows and columns."""


def same_padding(length: int, size: int, stride: int) -> tuple[int, int]:
    """Zeros before and after `length` pixels so that the output has ceil(length / stride) pixels.

    An odd total puts the extra zero at the end.
    """
    output = -(-length // stride)
    total = max((output - 1) * stride + size - length, 0)
    return total // 2, total - total // 2


def window_count(length: int, size: int, stride: int) -> int:
    """How many windows of `size` pixels fit into `length` pixels, one every `stride` pixels."""
    return (length - size) // stride + 1


def taps(size: int, stride: int, oh: int, ow: int) -> Iterator[tuple[int, int, Pixels]]:
    """Each tap (i, j) in row-major order, with the pixels that lie under it in the OH x OW windows."""
    for i in range(size):
        for j in range(size):
            rows = slice(i, i + stride * (oh - 1) + 1, stride)
            columns = slice(j, j + stride * (ow - 1) + 1, stride)
            yield i, j, (slice(None), rows, columns)
