"""From layers to the operations of inference."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from convlet.errors import ArchitectureError
from convlet.export.operations import (
    Activation,
    Convolution,
    Flattening,
    FullyConnected,
    GlobalMean,
    Normalisation,
    Operation,
    Pooling,
    Sum,
)
from convlet.layers import (
    GELU,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sequential,
    Shape,
    Sigmoid,
    SiLU,
    Tanh,
)
from convlet.layers.pool import Pool

Lowered = list[Operation]


def lowered(network: Sequential, input_shape: Shape) -> tuple[Operation, ...]:
    """Return the operations of a network with its head; value 0 is what it reads, the last value the logits.

    Raises
    ------
    ArchitectureError : a layer that has no rule here
    """
    done: Lowered = []
    _lower(network, "", input_shape, 0, done)
    return tuple(done)


def _lower(layer: Layer, name: str, shape: Shape, source: int, done: Lowered) -> int:
    """Append what a layer does to the value `source` of this shape; the number of the value it gives."""
    rule = RULES.get(type(layer))
    if rule is None:
        raise ArchitectureError(
            f"layer {name} ({layer.token()}) cannot be exported: no operation is known for it; "
            "replace it by layers that the README lists"
        )
    return rule(layer, name, shape, source, done)


def _append(done: Lowered, operation: Operation) -> int:
    done.append(operation)
    return len(done)


def _sequential(layer: Sequential, name: str, shape: Shape, source: int, done: Lowered) -> int:
    for prefix, inner, inner_shape in layer.parts(shape):
        source = _lower(inner, name + prefix.removesuffix("."), inner_shape, source, done)
    return source


def _residual(layer: Residual, name: str, shape: Shape, source: int, done: Lowered) -> int:
    ends = [
        _sequential(branch, f"{name}.{prefix}", shape, source, done) for prefix, branch in layer.branches(shape).items()
    ]
    gives = layer.output_shape(shape)
    first, second = ends if len(ends) == 2 else (*ends, source)
    total = _append(done, Sum(f"{name}.sum", (first, second), gives, gives))
    return _append(done, Activation(f"{name}.relu", (total,), gives, gives, "relu"))


def _conv(layer: Conv, name: str, shape: Shape, source: int, done: Lowered) -> int:
    form = (name, (source,), shape, layer.output_shape(shape))
    return _append(done, Convolution(*form, layer.size, layer.stride, layer.pads(*shape[:2])))


def _pool(layer: Pool, name: str, shape: Shape, source: int, done: Lowered) -> int:
    form = (name, (source,), shape, layer.output_shape(shape))
    return _append(done, Pooling(*form, layer.kind.removesuffix("_pool"), layer.size, layer.stride))


def _global_mean(layer: Layer, name: str, shape: Shape, source: int, done: Lowered) -> int:
    return _append(done, GlobalMean(name, (source,), shape, layer.output_shape(shape)))


def _flatten(layer: Layer, name: str, shape: Shape, source: int, done: Lowered) -> int:
    if len(shape) == 1:
        return source
    return _append(done, Flattening(name, (source,), shape, layer.output_shape(shape)))


def _dense(layer: Dense, name: str, shape: Shape, source: int, done: Lowered) -> int:
    """An image before it is flattened by an operation of its own."""
    if len(shape) == 3:
        flat = (prod(shape),)
        source = _append(done, Flattening(f"{name}.flatten", (source,), shape, flat))
        shape = flat
    return _append(done, FullyConnected(name, (source,), shape, layer.output_shape(shape)))


def _activation(layer: Layer, name: str, shape: Shape, source: int, done: Lowered) -> int:
    slope = layer.slope if isinstance(layer, LeakyReLU) else 0.0
    return _append(done, Activation(name, (source,), shape, shape, layer.kind, slope))


def _batch_norm(layer: BatchNorm, name: str, shape: Shape, source: int, done: Lowered) -> int:
    return _append(done, Normalisation(name, (source,), shape, shape, layer.epsilon))


def _nothing(layer: Layer, name: str, shape: Shape, source: int, done: Lowered) -> int:
    """Dropout does nothing at inference."""
    return source


Rule = Callable[[Any, str, Shape, int, Lowered], int]

RULES: dict[type[Layer], Rule] = {
    AvgPool: _pool,
    BatchNorm: _batch_norm,
    Conv: _conv,
    Dense: _dense,
    Dropout: _nothing,
    Flatten: _flatten,
    GELU: _activation,
    GlobalAvgPool: _global_mean,
    LeakyReLU: _activation,
    MaxPool: _pool,
    ReLU: _activation,
    Residual: _residual,
    Sequential: _sequential,
    SiLU: _activation,
    Sigmoid: _activation,
    Tanh: _activation,
}
"""One row for each layer there is."""
