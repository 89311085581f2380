"""Sequential: layers one after the other; the network itself is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar, TypeVar

from convlet.errors import ArchitectureError
from convlet.layers.base import Array, Arrays, Draws, Layer, Pass, Shape
from convlet.layers.checks import shorten

Value = TypeVar("Value")


def with_prefix(prefix: str, arrays: dict[str, Value]) -> dict[str, Value]:
    """The same values under their names with `prefix` in front."""
    return {prefix + name: value for name, value in arrays.items()}


def under_prefix(prefix: str, arrays: Arrays) -> dict[str, Array]:
    """The arrays whose names begin with `prefix`, under their names without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


@dataclass(frozen=True, init=False, repr=False)
class Sequential(Layer):
    """Layers one after the other: y = last(... second(first(x))).

    The arrays of layer number i (from 0) are named `{i}.{kind}.{name}`, such as `0.conv.weights`. A
    Sequential among the layers is replaced by the layers it holds.

    Parameters
    ----------
    layers : list or tuple of layers, at least one; kept as a tuple

    Arrays: x (N, *input_shape), y (N, *output_shape), of one float type.

    Raises
    ------
    ArchitectureError : no layers, something that is no layer, or a layer that does not fit what it is given
    """

    layers: tuple[Layer, ...]

    kind: ClassVar[str] = "sequential"

    def __init__(self, layers: Sequence[Layer]) -> None:
        object.__setattr__(self, "layers", tuple(unnested(layers)))
        if not self.layers:
            raise ArchitectureError("Sequential needs at least one layer, but got none")

    def __repr__(self) -> str:
        lines = "".join(f"    {layer!r},\n" for layer in self.layers)
        return f"Sequential([\n{lines}])"

    def _repr_html_(self) -> str:
        """A table of the layers, for notebooks; a model, which knows its images, shows more."""
        rows = "".join(
            f'<tr><td style="text-align:right">{number}</td><td style="text-align:left">{escape(repr(layer))}</td></tr>'
            for number, layer in enumerate(self.layers)
        )
        head = f"<caption>{escape(self.token())}</caption><thead><tr><th></th><th>layer</th></tr></thead>"
        return f"<table>{head}<tbody>{rows}</tbody></table>"

    def token(self) -> str:
        return "-".join(layer.token() for layer in self.layers)

    def prefixes(self) -> list[str]:
        """What the names of each layer's arrays begin with: `0.conv.`, `1.relu.`, ..."""
        return [f"{index}.{layer.kind}." for index, layer in enumerate(self.layers)]

    def shapes(self, input_shape: Shape) -> list[Shape]:
        """The shape of one example before each layer and after the last: one more than there are layers."""
        shapes = [input_shape]
        for number, layer in enumerate(self.layers, start=1):
            try:
                shapes.append(layer.output_shape(shapes[-1]))
            except ArchitectureError as error:
                token = layer.token()
                reason = str(error).removeprefix(f"{token} ")
                raise ArchitectureError(f"layer {number} ({token}): {reason}") from None
        return shapes

    def parts(self, input_shape: Shape) -> Iterator[tuple[str, Layer, Shape]]:
        """Each layer with its prefix and the shape of one example before it."""
        return zip(self.prefixes(), self.layers, self.shapes(input_shape)[:-1], strict=True)

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.shapes(input_shape)[-1]

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {}
        for prefix, layer, shape in self.parts(input_shape):
            shapes |= with_prefix(prefix, layer.parameter_shapes(shape))
        return shapes

    def state_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {}
        for prefix, layer, shape in self.parts(input_shape):
            shapes |= with_prefix(prefix, layer.state_shapes(shape))
        return shapes

    def initial_parameters(self, input_shape: Shape, draws: Draws) -> dict[str, Array]:
        parameters: dict[str, Array] = {}
        for prefix, layer, shape in self.parts(input_shape):
            parameters |= with_prefix(prefix, layer.initial_parameters(shape, draws))
        return parameters

    def initial_state(self, input_shape: Shape) -> dict[str, Array]:
        state: dict[str, Array] = {}
        for prefix, layer, shape in self.parts(input_shape):
            state |= with_prefix(prefix, layer.initial_state(shape))
        return state

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        saved = []
        for index, (prefix, layer) in enumerate(zip(self.prefixes(), self.layers, strict=True)):
            own, running = under_prefix(prefix, parameters), under_prefix(prefix, state)
            x, kept = layer.forward(x, own, running, run.at(index))
            saved.append(kept)
        return x, saved

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        """The chain rule: from the last layer to the first, each one's dx is the dy of the one before it."""
        gradients: dict[str, Array] = {}
        for prefix, layer, kept in reversed(list(zip(self.prefixes(), self.layers, saved, strict=True))):
            dy, own = layer.backward(dy, kept, under_prefix(prefix, parameters))
            gradients = with_prefix(prefix, own) | gradients
        return dy, gradients

    def input_gradient(self, dy: Array, saved: Any, parameters: Arrays) -> Array:
        for prefix, layer, kept in reversed(list(zip(self.prefixes(), self.layers, saved, strict=True))):
            dy = layer.input_gradient(dy, kept, under_prefix(prefix, parameters))
        return dy

    def observed(self, saved: Any) -> dict[str, Array]:
        observed: dict[str, Array] = {}
        for prefix, layer, kept in zip(self.prefixes(), self.layers, saved, strict=True):
            observed |= with_prefix(prefix, layer.observed(kept))
        return observed

    def multiply_adds(self, input_shape: Shape) -> int:
        return sum(layer.multiply_adds(shape) for _, layer, shape in self.parts(input_shape))


def unnested(layers: Iterable[Layer]) -> Iterator[Layer]:
    """The layers in order, those inside a Sequential in its place; ArchitectureError for what is no layer."""
    if not isinstance(layers, Iterable) or isinstance(layers, str):
        came = shorten(repr(layers))
        raise ArchitectureError(f"Sequential needs a list or tuple of layers, but got {came}")
    for number, layer in enumerate(layers, start=1):
        if isinstance(layer, Sequential):
            yield from layer.layers
        elif isinstance(layer, Layer):
            yield layer
        else:
            came = shorten(repr(layer))
            raise ArchitectureError(f"Sequential needs layers, but number {number} is {came}; make it as in Conv(8)")
