"""What a network costs: shapes, parameters, memory and multiply-adds of each layer, per image and per training step."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from convlet.layers import Layer, Residual, Sequential, Shape
from convlet.records.layers import LayerRow

FLOAT32_BYTES = 4

PASSES = ("forward", "input_gradient", "filter_gradient")


@dataclass(frozen=True)
class Work:
    """Multiply-adds of one image in a training step, by pass."""

    forward: int = 0
    input_gradient: int = 0
    filter_gradient: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(*(getattr(self, name) + getattr(other, name) for name in PASSES))

    @property
    def total(self) -> int:
        """Of the three passes together."""
        return self.forward + self.input_gradient + self.filter_gradient


def layers_work(network: Sequential, input_shape: Shape) -> list[Work]:
    """The work of each layer, counted from its own `Layer.multiply_adds`.

    A multiply-add of the forward pass has one in each gradient: x w gives dx += dy w and dw += x dy. dx is needed where
    something before the layer learns, dw where the layer has parameters.

    Parameters
    ----------
    input_shape : shape of one image (H, W, C); ArchitectureError where the network does not fit it
    """
    return _sequence(network, input_shape, learns=False)


def _sequence(network: Sequential, input_shape: Shape, learns: bool) -> list[Work]:
    """Of each layer; `learns` says whether the images themselves depend on something learned."""
    found = []
    for _, layer, shape in network.parts(input_shape):
        if isinstance(layer, Residual):
            branches = layer.branches(shape).values()
            inner = [own for branch in branches for own in _sequence(branch, shape, learns)]
            found.append(sum(inner, Work()))
            learns = True
        else:
            count, learned = layer.multiply_adds(shape), bool(layer.parameter_shapes(shape))
            found.append(Work(count, count if learns else 0, count if learned else 0))
            learns = learns or learned
    return found


def describe(network: Sequential, input_shape: Shape) -> list[LayerRow]:
    """One row per layer for images of `input_shape` (H, W, C): shapes, parameters, memory and cost.

    Raises
    ------
    ArchitectureError : a layer does not fit the images
    """
    return [
        LayerRow(
            token=layer.token(),
            kind=layer.kind,
            output_shape=layer.output_shape(shape),
            parameters=sum(map(prod, layer.parameter_shapes(shape).values())),
            activation_bytes=FLOAT32_BYTES * _activations(layer, shape),
            multiply_adds=layer.multiply_adds(shape),
        )
        for _, layer, shape in network.parts(input_shape)
    ]


def _activations(layer: Layer, input_shape: Shape) -> int:
    """How many values a layer puts out, with those inside a residual block."""
    count = prod(layer.output_shape(input_shape))
    if isinstance(layer, Residual):
        for branch in layer.branches(input_shape).values():
            count += sum(_activations(inner, shape) for _, inner, shape in branch.parts(input_shape))
    return count
