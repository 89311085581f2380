"""Flatten: an image as one vector."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from convlet.layers.base import Array, Arrays, Layer, Pass, Shape


@dataclass(frozen=True)
class Flatten(Layer):
    """The values of an image as one vector, in the order rows, columns, channels.

    Arrays: x (N, H, W, C) or (N, K), y (N, H W C) or (N, K), of one float type.
    """

    kind: ClassVar[str] = "flatten"

    def token(self) -> str:
        return "flatten"

    def output_shape(self, input_shape: Shape) -> Shape:
        return (prod(input_shape),)

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        return x.reshape(len(x), -1), x.shape

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        return dy.reshape(saved), {}
