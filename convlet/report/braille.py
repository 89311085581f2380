"""Curves in braille characters: two columns and four rows of dots in each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

BLANK = 0x2800
"""The braille character without a dot; the eight dots are the eight bits above it."""

BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bit of the dot in each of the four rows and two columns of a character."""


def dots(xs: Sequence[float], ys: Sequence[float], low: float, high: float, columns: int, rows: int) -> Array:
    """A curve as bool (4 rows, 2 columns): the dots that a line through the points touches.

    Parameters
    ----------
    xs : from 0 at the left edge to 1 at the right one, rising
    ys : as many values; `low` is the lowest row of dots and `high` the highest, what lies beyond is cut
    """
    found = np.zeros((4 * rows, 2 * columns), bool)
    if not len(xs):
        return found
    places = np.asarray(xs, np.float64) * (2 * columns - 1)
    share = (np.asarray(ys, np.float64) - low) / (high - low if high > low else 1.0)
    levels = np.clip((1 - share) * (4 * rows - 1), 0, 4 * rows - 1)
    first, last = round(places[0]), round(places[-1])
    at = np.rint(np.interp(np.arange(first, last + 1), places, levels)).astype(np.int64)
    found[at, np.arange(first, last + 1)] = True
    for column, (before, level) in enumerate(pairwise(at), start=first):
        # a steep line has no gaps: both columns reach to half way
        upper, lower = min(before, level), max(before, level)
        middle = (upper + lower) // 2
        found[upper : middle + 1, column + (before > level)] = True
        found[min(middle + 1, lower) : lower + 1, column + (before < level)] = True
    return found


def characters(found: Array) -> list[str]:
    """Dots, bool (4 rows, 2 columns), as lines of text."""
    height, width = found.shape
    cells = found.reshape(height // 4, 4, width // 2, 2).transpose(0, 2, 1, 3)
    numbers = BLANK + (cells * BITS).sum(axis=(2, 3))
    return ["".join(map(chr, row)) for row in numbers.tolist()]
