"""Gaussian error linear unit, in its tanh form."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import Any, ClassVar

import numpy as np

from convlet.layers.base import Array, Arrays, Layer, Pass, Shape, overflow

SLOPE = sqrt(2 / pi)
CUBIC = 0.044715
SATURATED = 10.0
"""Beyond this |x| the tanh is 1 or -1 in any float type; cutting x there keeps its cube from overflowing."""


@dataclass(frozen=True)
class GELU(Layer):
    """Gaussian error linear unit, in its tanh form.

    y = x/2 (1 + t) with t = tanh(u), u = sqrt(2/pi) (x + 0.044715 x^3)
    dy/dx = (1 + t)/2 + x/2 (1 - t^2) du/dx

    Arrays: x and y (N, ...), of one float type.

    Source: Hendrycks, Gimpel 2016, "Gaussian error linear units", section 2.
    """

    kind: ClassVar[str] = "gelu"

    def token(self) -> str:
        return "gelu"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        cut = np.clip(x, -SATURATED, SATURATED)
        t = np.tanh(SLOPE * (cut + CUBIC * cut**3))
        return x / 2 * (1 + t) + overflow(x), (x, cut, t)

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        x, cut, t = saved
        du = SLOPE * (1 + 3 * CUBIC * cut**2)
        return dy * ((1 + t) / 2 + x / 2 * (1 - t * t) * du), {}
