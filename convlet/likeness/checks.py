"""Numbers of a description: checked when it is made, rounded so that a model file stays small."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

LARGEST = 1e38
"""The largest size of a number; it must stay a float32."""


def numbers(name: str, rows: Any, width: int) -> list[list[float]]:
    """Rows of `width` finite numbers each; ValueError for anything else."""
    if not isinstance(rows, list | tuple):
        raise ValueError(f"{name} must be a list of rows")
    return [row_of(name, row, width) for row in rows]


def row_of(name: str, row: Any, width: int) -> list[float]:
    """`width` finite numbers; ValueError for anything else."""
    if not isinstance(row, list | tuple) or len(row) != width:
        raise ValueError(f"{name} must have {width} numbers in a row")
    if any(type(value) not in (int, float) or abs(value) > LARGEST or not isfinite(value) for value in row):
        raise ValueError(f"{name} must be finite numbers of at most {LARGEST:g}")
    return [float(value) for value in row]


def rounded(rows: Iterable[Iterable[Any]]) -> tuple[tuple[float, ...], ...]:
    """Rows with each number rounded to six digits, as the file holds it."""
    return tuple(tuple(float(f"{float(value):.6g}") for value in row) for row in rows)
