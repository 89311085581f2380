"""Where each named parameter and state array of a network lies in the flat vectors."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, cast

import numpy as np

from convlet.layers.base import Array, Layer, Shape
from convlet.layers.dropout import Dropout
from convlet.layers.residual import Residual
from convlet.layers.sequential import Sequential
from convlet.random import InitialDraws


class Layout:
    """The order of a network's arrays in one flat vector of parameters and one of state.

    The arrays follow each other without gaps, in the order in which the network names them, each in C order.

    Parameters
    ----------
    network : with its head
    input_shape : shape of one image (H, W, C); ArchitectureError where the network does not fit it

    Attributes
    ----------
    names, shapes, offsets : of each parameter array; its values are
        vector[offset : offset + prod(shape)]
    parameter_count : P, the length of the vector of parameters
    state_names, state_shapes, state_offsets, state_count : the same for the state; S is its length
    """

    def __init__(self, network: Sequential, input_shape: Shape) -> None:
        parameters, state = network.parameter_shapes(input_shape), network.state_shapes(input_shape)
        self.names, self.shapes = tuple(parameters), tuple(parameters.values())
        self.offsets, self.parameter_count = _offsets(self.shapes)
        self.state_names, self.state_shapes = tuple(state), tuple(state.values())
        self.state_offsets, self.state_count = _offsets(self.state_shapes)

    def views(self, vector: Array) -> dict[str, Array]:
        """Each parameter array by name: views into `vector` (P,), or (..., P) with the leading axes kept."""
        return _views(vector, self.names, self.shapes, self.offsets)

    def state_views(self, vector: Array) -> dict[str, Array]:
        """Each state array by name: views into `vector` (S,), or (..., S) with the leading axes kept."""
        return _views(vector, self.state_names, self.state_shapes, self.state_offsets)

    def front(self, layers: int) -> tuple[int, int]:
        """How many parameters, and how many numbers of state, the first layers of the network have."""

        def end(names: tuple[str, ...], shapes: tuple[Shape, ...]) -> int:
            own = zip(names, shapes, strict=True)
            return sum(prod(shape) for name, shape in own if int(name.partition(".")[0]) < layers)

        return end(self.names, self.shapes), end(self.state_names, self.state_shapes)

    def decay_mask(self) -> Array:
        """Float32 (P,): 1 on weights, which weight decay applies to, and 0 on all other parameters."""
        mask = np.zeros(self.parameter_count, np.float32)
        for name, values in self.views(mask).items():
            values[...] = name.rpartition(".")[2] == "weights"
        return mask

    def initial_parameters(self, network: Sequential, input_shape: Shape, seed: int) -> Array:
        """Float32 (P,): the parameters before the first step; the same seed gives the same values."""
        return self._gather(
            network.initial_parameters(input_shape, InitialDraws(seed)), self.names, self.parameter_count
        )

    def initial_state(self, network: Sequential, input_shape: Shape) -> Array:
        """Float32 (S,): the state before the first step."""
        return self._gather(network.initial_state(input_shape), self.state_names, self.state_count)

    def state_momentum(self, network: Sequential, input_shape: Shape) -> Array:
        """Float32 (S,): how much of each state value a step keeps; the `momentum` of the layer it is in."""
        momentum = np.zeros(self.state_count, np.float32)
        views = self.state_views(momentum)
        for prefix, _, layer, shape in leaves(network, input_shape):
            for name in layer.state_shapes(shape):
                views[prefix + name][...] = cast(Any, layer).momentum
        return momentum

    @staticmethod
    def _gather(arrays: dict[str, Array], names: tuple[str, ...], count: int) -> Array:
        parts = [np.asarray(arrays[name], np.float32).reshape(-1) for name in names]
        return np.concatenate([*parts, np.zeros(0, np.float32)]).reshape(count)


def leaves(
    layer: Layer, shape: Shape, prefix: str = "", path: tuple[int, ...] = ()
) -> Iterator[tuple[str, tuple[int, ...], Layer, Shape]]:
    """Each layer that holds no others, depth first: the prefix of its names, its path, itself, its input."""
    if isinstance(layer, Sequential):
        parts = list(layer.parts(shape))
    elif isinstance(layer, Residual):
        parts = [(name, branch, shape) for name, branch in layer.branches(shape).items()]
    else:
        yield prefix, path, layer, shape
        return
    for index, (name, inner, inner_shape) in enumerate(parts):
        yield from leaves(inner, inner_shape, prefix + name, (*path, index))


def dropout_streams(network: Sequential, input_shape: Shape) -> dict[tuple[int, ...], int]:
    """The stream of random numbers of each dropout layer by its path: 0, 1, ... in depth-first order."""
    paths = [path for _, path, layer, _ in leaves(network, input_shape) if isinstance(layer, Dropout)]
    return {path: stream for stream, path in enumerate(paths)}


def _offsets(shapes: tuple[Shape, ...]) -> tuple[tuple[int, ...], int]:
    """Where each array begins, and where the last one ends."""
    ends = [0]
    for shape in shapes:
        ends.append(ends[-1] + prod(shape))
    return tuple(ends[:-1]), ends[-1]


def _views(
    vector: Array, names: tuple[str, ...], shapes: tuple[Shape, ...], offsets: tuple[int, ...]
) -> dict[str, Array]:
    return {
        name: vector[..., offset : offset + prod(shape)].reshape(*vector.shape[:-1], *shape)
        for name, shape, offset in zip(names, shapes, offsets, strict=True)
    }
