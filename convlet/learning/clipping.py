"""Gradient clipping: a gradient that is too long keeps its direction and gets the longest length allowed."""

from __future__ import annotations

from math import sqrt

import numpy as np

from convlet.layers.base import Array


def clip_norm(gradient: Array, longest: float) -> float:
    """Shorten `gradient` in place to the length `longest` where it is longer; returns its length before.

    g = g * longest / norm  where norm = sqrt(sum of g^2) > longest

    Squares are float64 and are added in pairs, which IEEE 754 defines to the last bit, so the length does not
    depend on the processor.

    Parameters
    ----------
    gradient : float32 (P,), finite

    Source: Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks", algorithm 1.
    """
    squares = gradient.astype(np.float64)
    squares *= squares
    while len(squares) > 1:
        half = len(squares) // 2
        rest = squares[2 * half :]
        squares = np.concatenate([squares[:half] + squares[half : 2 * half], rest])
    norm = sqrt(squares[0]) if len(squares) else 0.0
    if norm > longest:
        gradient *= np.float32(longest / norm)
    return norm
