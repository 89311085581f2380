"""The operations of inference: what is done with which values, and the names of the arrays that it takes.

An array of an operation is named `NAME.ROLE`, such as "0.conv.weights", as in a model file. The layers' own files
define what each operation computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convlet.layers.base import Shape

Pads = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Operation:
    """One step of a prediction.

    Parameters
    ----------
    name : of the layer that does it, such as "0.conv" or "2.residual.main.0.conv"
    reads : the numbers of the values it reads
    takes, gives : the shape of one example before and after it
    """

    name: str
    reads: tuple[int, ...]
    takes: Shape
    gives: Shape

    ROLES: ClassVar[tuple[str, ...]] = ()
    """What its arrays are for."""

    @property
    def array_names(self) -> tuple[str, ...]:
        """The names of its arrays, in the order of ROLES."""
        return tuple(f"{self.name}.{role}" for role in self.ROLES)


@dataclass(frozen=True)
class Convolution(Operation):
    """See `convlet.layers.conv`. pads : zeros (above, below) and (left, right); the two of a pair may differ."""

    size: int
    stride: int
    pads: Pads

    ROLES: ClassVar[tuple[str, ...]] = ("weights", "biases")


@dataclass(frozen=True)
class Pooling(Operation):
    """See `convlet.layers.pool`: windows without padding. how : "max" or "avg"."""

    how: str
    size: int
    stride: int


@dataclass(frozen=True)
class GlobalMean(Operation):
    """The mean of each channel over all pixels: (H, W, C) becomes (C,)."""


@dataclass(frozen=True)
class Flattening(Operation):
    """An image (H, W, C) as one vector, in the order rows, columns, channels."""


@dataclass(frozen=True)
class FullyConnected(Operation):
    """See `convlet.layers.dense`; it takes vectors."""

    ROLES: ClassVar[tuple[str, ...]] = ("weights", "biases")


@dataclass(frozen=True)
class Activation(Operation):
    """A function of each value. kind : the `kind` of its layer. slope : of leaky_relu below 0; 0 for the others."""

    kind: str
    slope: float = 0.0


@dataclass(frozen=True)
class Normalisation(Operation):
    """Batch normalisation by running statistics, channel by channel (the last axis)."""

    epsilon: float

    ROLES: ClassVar[tuple[str, ...]] = ("scale", "shift", "mean", "variance")


@dataclass(frozen=True)
class Sum(Operation):
    """The sum of two values of one shape."""
