"""Rectified linear unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from convlet.layers.base import Array, Arrays, Layer, Pass, Shape, overflow


@dataclass(frozen=True)
class ReLU(Layer):
    """Rectified linear unit.

    y = max(x, 0); its slope at 0 is taken as 0

    Arrays: x and y (N, ...), of one float type.

    Source: Nair, Hinton 2010, "Rectified linear units improve restricted Boltzmann machines".
    """

    kind: ClassVar[str] = "relu"

    def token(self) -> str:
        return "relu"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        positive = x > 0
        return np.where(positive, x, overflow(x)), positive

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        positive = saved
        return np.where(positive, dy, 0).astype(dy.dtype, copy=False), {}
