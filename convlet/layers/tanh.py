"""Hyperbolic tangent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from convlet.layers.base import Array, Arrays, Layer, Pass, Shape, overflow


@dataclass(frozen=True)
class Tanh(Layer):
    """Hyperbolic tangent.

    y = tanh(x), dy/dx = 1 - y^2

    Arrays: x and y (N, ...), of one float type.

    Source: LeCun, Bottou, Orr, Müller 1998, "Efficient backprop", section 4.4.
    """

    kind: ClassVar[str] = "tanh"

    def token(self) -> str:
        return "tanh"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        y = np.tanh(x) + overflow(x)
        return y, y

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        y = saved
        return dy * (1 - y * y), {}
