"""Dense: every output is a weighted sum of every input."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt
from typing import Any, ClassVar

import numpy as np

from convlet.errors import ArchitectureError
from convlet.layers.base import Array, Arrays, Draws, Layer, Pass, Shape
from convlet.layers.checks import UNITS_LIMIT, shorten, times, whole_number

GAIN_LIMIT = 100.0


@dataclass(frozen=True)
class Dense(Layer):
    """Fully connected layer; an image is read as one vector, in the order rows, columns, channels.

    y = x weights + biases

    Parameters
    ----------
    units : number of outputs
    gain : factor of the initial weights; 1 suits a relu behind the layer, less the head of a classifier, whose
        first logits should be near zero. It has no token: the head of an architecture word sets it

    Arrays: x (N, K) or (N, H, W, C) with K = H W C, y (N, units), weights (K, units), biases (units,), of one
    float type.

    Raises
    ------
    ArchitectureError : units out of range, or an input of no values
    """

    units: int
    gain: float = 1.0

    kind: ClassVar[str] = "dense"

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", whole_number("dense units", self.units, UNITS_LIMIT))
        if not (isinstance(self.gain, int | float) and 0 <= self.gain <= GAIN_LIMIT):
            came = shorten(repr(self.gain))
            raise ArchitectureError(f"dense gain must be a number from 0 to {GAIN_LIMIT}, but got {came}")

    def token(self) -> str:
        return f"dense{self.units}"

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape or min(input_shape) < 1:
            raise ArchitectureError(
                f"{self.token()} needs at least one value, but got shape {times(input_shape) or '()'}"
            )
        return (self.units,)

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return {"weights": (prod(input_shape), self.units), "biases": (self.units,)}

    def initial_parameters(self, input_shape: Shape, draws: Draws) -> dict[str, Array]:
        """Weights normal with variance gain^2 2 / K (He et al. 2015, equation 10), biases zero."""
        shapes = self.parameter_shapes(input_shape)
        weights = draws.normal(shapes["weights"]) * np.float32(self.gain * sqrt(2 / prod(input_shape)))
        return {"weights": weights, "biases": np.zeros(shapes["biases"], np.float32)}

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        y = x.reshape(len(x), -1) @ parameters["weights"] + parameters["biases"]
        return y, x

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        dweights = saved.reshape(len(saved), -1).T @ dy
        dbiases = dy.sum(axis=0)
        return self.input_gradient(dy, saved, parameters), {"weights": dweights, "biases": dbiases}

    def input_gradient(self, dy: Array, saved: Any, parameters: Arrays) -> Array:
        x: Array = saved
        return (dy @ parameters["weights"].T).reshape(x.shape)

    def multiply_adds(self, input_shape: Shape) -> int:
        return prod(input_shape) * self.units
