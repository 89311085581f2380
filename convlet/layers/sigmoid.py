"""Logistic sigmoid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from convlet.layers.base import Array, Arrays, Layer, Pass, Shape, overflow


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) for an array of any shape and float type, without overflow.

    Below zero it is written exp(x) / (1 + exp(x)), so the exponent is never positive. NaN unless x is finite.
    """
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small) + overflow(x)


@dataclass(frozen=True)
class Sigmoid(Layer):
    """Logistic sigmoid.

    y = 1 / (1 + exp(-x)), dy/dx = y (1 - y)

    Arrays: x and y (N, ...), of one float type.

    Source: Rumelhart, Hinton, Williams 1986, "Learning representations by back-propagating errors",
    equation 2.
    """

    kind: ClassVar[str] = "sigmoid"

    def token(self) -> str:
        return "sigmoid"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        y = sigmoid(x)
        return y, y

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        y = saved
        return dy * y * (1 - y), {}
