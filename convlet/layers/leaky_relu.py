"""Leaky rectified linear unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from convlet.layers.base import Array, Arrays, Layer, Pass, Shape
from convlet.layers.checks import decimal, fraction


@dataclass(frozen=True)
class LeakyReLU(Layer):
    """Leaky rectified linear unit.

    y = x where x > 0, slope * x elsewhere

    Parameters
    ----------
    slope : from 0 to below 1

    Arrays: x and y (N, ...), of one float type.

    Raises
    ------
    ArchitectureError : slope out of range

    Source: Maas, Hannun, Ng 2013, "Rectifier nonlinearities improve neural network acoustic models",
    section 2.
    """

    slope: float = 0.01

    kind: ClassVar[str] = "leaky_relu"

    def __post_init__(self) -> None:
        object.__setattr__(self, "slope", fraction("leakyrelu slope", self.slope, 0, 1, least=1e-6))

    def token(self) -> str:
        return "leakyrelu" if self.slope == 0.01 else f"leakyrelu{decimal(self.slope)}"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        positive = x > 0
        return np.where(positive, x, self.slope * x), positive

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        positive = saved
        return np.where(positive, dy, self.slope * dy), {}
