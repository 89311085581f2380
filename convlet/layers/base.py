"""What a layer is: a frozen description with its shapes, initial values, forward and backward in plain NumPy.

Axes: N images in the shard; H W C input; F filters; KH KW filter size; SH SW stride; OH OW output.
A shape is that of one example, without N: `(H, W, C)` for images, `(K,)` for vectors.

A layer keeps nothing it computes. Parameters and state are handed in; what backward needs is handed back
by forward as `saved`. The definition works in any float type: float64 in the gradient checks, float32
where it runs in place of the compiled kernels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

Shape = tuple[int, ...]
Array = np.ndarray[Any, Any]
Arrays = Mapping[str, Array]


class Draws(Protocol):
    """A stream of random numbers for initial values; the same seed gives the same numbers."""

    def uniform(self, shape: Shape) -> Array:
        """Float32 numbers of this shape, even over [0, 1)."""

    def normal(self, shape: Shape) -> Array:
        """Float32 numbers of this shape with mean 0 and variance 1."""


@dataclass(frozen=True)
class Pass:
    """How a forward pass is run: for training or for inference, and where dropout gets its numbers.

    `uniform(path, shape)` returns float32 numbers even over [0, 1) for the layer at `path` (its place in
    the network, from the outside in); shape is `(N, ...)`. Only training passes need it. The first `frozen` layers of
    the network do not learn.
    """

    training: bool = False
    uniform: Callable[[tuple[int, ...], Shape], Array] | None = None
    path: tuple[int, ...] = ()
    frozen: int = 0

    @property
    def observes(self) -> bool:
        """Whether batch normalisation uses the shard's statistics rather than the running ones."""
        return self.training and not (self.path and self.path[0] < self.frozen)

    def at(self, index: int) -> Pass:
        """The same pass, seen from the layer `index` inside this one."""
        return Pass(self.training, self.uniform, (*self.path, index), self.frozen)


def overflow(x: Array) -> Array:
    """Return 0 where x is finite and NaN elsewhere, of x's shape and float type.

    A layer whose output would be finite for an infinite or NaN input adds it: tanh would make 1 of infinity, and relu 0
    of minus infinity, so that a network which overflows would train on and answer as if it were well.
    """
    with np.errstate(invalid="ignore"):
        return x - x


@dataclass(frozen=True)
class Layer(ABC):
    """The contract of every layer."""

    kind: ClassVar[str]
    """The name of the layer in parameter names and model files; from a closed list."""

    @abstractmethod
    def token(self) -> str:
        """The layer's token in an architecture word, such as `conv16k5`."""

    @abstractmethod
    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one example after this layer; raises ArchitectureError where it does not fit."""

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """The shape of each parameter, in the order of the flat parameter vector."""
        return {}

    def state_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """The shape of each array that training observes rather than learns (running statistics)."""
        return {}

    def initial_parameters(self, input_shape: Shape, draws: Draws) -> dict[str, Array]:
        """Float32 values of `parameter_shapes` before the first step."""
        return {}

    def initial_state(self, input_shape: Shape) -> dict[str, Array]:
        """Float32 values of `state_shapes` before the first step."""
        return {}

    @abstractmethod
    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        """The output y `(N, *output_shape)` for x `(N, *input_shape)`, and what backward needs."""

    @abstractmethod
    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        """The gradient dx, of x's shape, and the gradient of each parameter, for dy of y's shape."""

    def input_gradient(self, dy: Array, saved: Any, parameters: Arrays) -> Array:
        """The dx of `backward` alone. Layers with parameters override it: the gradients of those cost as much again."""
        return self.backward(dy, saved, parameters)[0]

    def observed(self, saved: Any) -> dict[str, Array]:
        """This shard's own values of `state_shapes`, seen in a training pass."""
        return {}

    def multiply_adds(self, input_shape: Shape) -> int:
        """Multiply-adds of one example's forward pass."""
        return 0
