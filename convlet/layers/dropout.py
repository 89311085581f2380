"""Dropout: in training, each value is set to zero with a given probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from convlet.errors import InputError
from convlet.layers.base import Array, Arrays, Layer, Pass, Shape
from convlet.layers.checks import decimal, fraction


@dataclass(frozen=True)
class Dropout(Layer):
    """Inverted dropout: what is kept is scaled up in training, so inference does nothing.

    training: y = x keep / (1 - rate) with keep = (uniform >= rate); inference: y = x

    Parameters
    ----------
    rate : probability of setting a value to zero, from 0 to below 1

    Arrays: x and y (N, ...), of one float type; the uniform numbers come from the pass, in x's shape.

    Raises
    ------
    ArchitectureError : rate out of range
    InputError : a training pass that brings no random numbers

    Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014, "Dropout", section 10.
    """

    rate: float

    kind: ClassVar[str] = "dropout"

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", fraction("dropout rate", self.rate, 0, 1, least=1e-6))

    def token(self) -> str:
        return f"dropout{decimal(self.rate)}"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        if not run.training:
            return x, None
        if run.uniform is None:
            raise InputError(
                f"{self.token()} needs random numbers in a training pass, but got none; "
                "give them as Pass(training=True, uniform=...)"
            )
        keep = run.uniform(run.path, x.shape) >= self.rate
        return x * keep / (1 - self.rate), keep

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        keep = saved
        dx = dy if keep is None else dy * keep / (1 - self.rate)
        return dx, {}
