"""Sigmoid-weighted linear unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from convlet.layers.base import Array, Arrays, Layer, Pass, Shape
from convlet.layers.sigmoid import sigmoid


@dataclass(frozen=True)
class SiLU(Layer):
    """Sigmoid-weighted linear unit, also called swish.

    y = x s(x) with the sigmoid s, dy/dx = s(x) (1 + x (1 - s(x)))

    Arrays: x and y (N, ...), of one float type.

    Source: Elfwing, Uchibe, Doya 2018, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning", equations 5 and 6.
    """

    kind: ClassVar[str] = "silu"

    def token(self) -> str:
        return "silu"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        s = sigmoid(x)
        return x * s, (x, s)

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        x, s = saved
        return dy * s * (1 + x * (1 - s)), {}
