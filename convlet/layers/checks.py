"""Checks of what a layer is made with and of the shape it is given; each refusal is one ArchitectureError.

The limits are wide enough for any network a CPU can train and keep a hostile word from asking for more.
"""

from __future__ import annotations

import math
import operator
from typing import SupportsFloat, cast

import numpy as np

from convlet.errors import ArchitectureError
from convlet.layers.base import Shape

FILTERS_LIMIT = 4096
UNITS_LIMIT = 65536
SIZE_LIMIT = 63
STRIDE_LIMIT = 63


def shorten(text: str, limit: int = 60) -> str:
    """The text itself, or its beginning followed by `...` where it is longer than `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def whole_number(name: str, value: object, high: int) -> int:
    """The value as an int from 1 to `high`; raises ArchitectureError naming `name` for anything else."""
    try:
        number = operator.index(cast(int, value))
    except TypeError:
        number = 0
    if isinstance(value, bool) or not 1 <= number <= high:
        came = shorten(repr(value))
        raise ArchitectureError(f"{name} must be a whole number from 1 to {high}, but got {came}")
    return number


def fraction(name: str, value: object, low: float, high: float, *, least: float = 0.0) -> float:
    """The value as a float with `low <= value < high`, and not between 0 and `least`.

    `least` keeps the number short enough to be written out in an architecture word.
    """
    try:
        number = float(cast(SupportsFloat, value)) if not isinstance(value, (str, bytes, bool)) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not low <= number < high or 0 < number < least:
        allowed = f"from {decimal(low)} to below {decimal(high)}"
        if least > low:
            allowed += f", and if not 0 at least {decimal(least)}"
        raise ArchitectureError(f"{name} must be a number {allowed}, but got {shorten(repr(value))}")
    return number


def decimal(value: float) -> str:
    """The shortest decimal that gives this float again, without an exponent: `0.5`, `0.00001`, `1`."""
    return np.format_float_positional(value, trim="-")


def times(shape: Shape) -> str:
    """A shape for people: `28x28x1`."""
    return "x".join(map(str, shape))


def image_shape(token: str, shape: Shape) -> tuple[int, int, int]:
    """The shape `(H, W, C)` if it is one of images; ArchitectureError naming `token` if it is not."""
    if len(shape) != 3 or min(shape) < 1:
        raise ArchitectureError(
            f"{token} needs images of shape HxWxC, but got shape {times(shape) or '()'}; "
            "put it before any dense, gap or flatten"
        )
    return shape[0], shape[1], shape[2]


def window_fits(token: str, size: int, shape: Shape) -> None:
    """Raise ArchitectureError naming `token` where a size x size window is larger than the image."""
    height, width = shape[:2]
    if size > min(height, width):
        raise ArchitectureError(
            f"{token} needs at least {size}x{size} pixels, but got {height}x{width} of shape {times(shape)}; "
            "pool less before it or use larger images"
        )
