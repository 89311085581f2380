"""Residual block: two convolutions whose result is added to their input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from convlet.layers.base import Array, Arrays, Draws, Layer, Pass, Shape, overflow
from convlet.layers.batch_norm import BatchNorm
from convlet.layers.checks import FILTERS_LIMIT, STRIDE_LIMIT, image_shape, whole_number
from convlet.layers.conv import Conv
from convlet.layers.relu import ReLU
from convlet.layers.sequential import Sequential, under_prefix, with_prefix


@dataclass(frozen=True)
class Residual(Layer):
    """Residual block of two 3x3 convolutions with batch normalisation.

    y = relu(main(x) + shortcut(x))
    main = conv, batch normalisation, relu, conv, batch normalisation
    shortcut = 1x1 convolution and batch normalisation where the shape changes, else x itself

    Parameters
    ----------
    filters : number of filters F of each convolution
    stride : pixels from one output to the next, in the first convolution and the shortcut

    Arrays: x (N, H, W, C), y (N, OH, OW, F) with OH = ceil(H / stride); those of the two branches are named
    as in `main.0.conv.weights` and `shortcut.0.conv.weights`; all of one float type.

    Raises
    ------
    ArchitectureError : a number out of range, or an input that is no image

    Source: He, Zhang, Ren, Sun 2016, "Deep residual learning for image recognition", section 3.3, option B.
    """

    filters: int
    stride: int = 1

    kind: ClassVar[str] = "residual"

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", whole_number("res filters", self.filters, FILTERS_LIMIT))
        object.__setattr__(self, "stride", whole_number("res stride", self.stride, STRIDE_LIMIT))

    def token(self) -> str:
        return f"res{self.filters}" if self.stride == 1 else f"res{self.filters}s{self.stride}"

    @property
    def main(self) -> Sequential:
        """The branch that learns what to add."""
        first, second = Conv(self.filters, 3, self.stride), Conv(self.filters, 3)
        return Sequential((first, BatchNorm(), ReLU(), second, BatchNorm()))

    def shortcut(self, input_shape: Shape) -> Sequential | None:
        """The branch that brings x to the shape of the output; None where x has that shape already."""
        if self.output_shape(input_shape) == input_shape:
            return None
        return Sequential((Conv(self.filters, 1, self.stride), BatchNorm()))

    def branches(self, input_shape: Shape) -> dict[str, Sequential]:
        """The branches that have arrays, by the prefix of their names."""
        shortcut = self.shortcut(input_shape)
        return {"main.": self.main} if shortcut is None else {"main.": self.main, "shortcut.": shortcut}

    def output_shape(self, input_shape: Shape) -> Shape:
        image_shape(self.token(), input_shape)
        return self.main.output_shape(input_shape)

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {}
        for prefix, branch in self.branches(input_shape).items():
            shapes |= with_prefix(prefix, branch.parameter_shapes(input_shape))
        return shapes

    def state_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {}
        for prefix, branch in self.branches(input_shape).items():
            shapes |= with_prefix(prefix, branch.state_shapes(input_shape))
        return shapes

    def initial_parameters(self, input_shape: Shape, draws: Draws) -> dict[str, Array]:
        parameters: dict[str, Array] = {}
        for prefix, branch in self.branches(input_shape).items():
            parameters |= with_prefix(prefix, branch.initial_parameters(input_shape, draws))
        return parameters

    def initial_state(self, input_shape: Shape) -> dict[str, Array]:
        state: dict[str, Array] = {}
        for prefix, branch in self.branches(input_shape).items():
            state |= with_prefix(prefix, branch.initial_state(input_shape))
        return state

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        outputs, saved = [], {}
        for index, (prefix, branch) in enumerate(self.branches(x.shape[1:]).items()):
            own, running = under_prefix(prefix, parameters), under_prefix(prefix, state)
            output, saved[prefix] = branch.forward(x, own, running, run.at(index))
            outputs.append(output)
        main, shortcut = outputs if len(outputs) == 2 else (*outputs, x)
        total = main + shortcut
        positive = total > 0
        return np.where(positive, total, overflow(total)), (x.shape[1:], positive, saved)

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        """Both branches get the gradient of the sum; what they give back is added at x."""
        input_shape, positive, kept = saved
        dsum = np.where(positive, dy, 0).astype(dy.dtype, copy=False)
        gradients: dict[str, Array] = {}
        dxs = []
        for prefix, branch in self.branches(input_shape).items():
            dx, own = branch.backward(dsum, kept[prefix], under_prefix(prefix, parameters))
            gradients |= with_prefix(prefix, own)
            dxs.append(dx)
        dmain, dshortcut = dxs if len(dxs) == 2 else (*dxs, dsum)
        return dmain + dshortcut, gradients

    def input_gradient(self, dy: Array, saved: Any, parameters: Arrays) -> Array:
        input_shape, positive, kept = saved
        dsum = dy * positive
        dxs = [
            branch.input_gradient(dsum, kept[prefix], under_prefix(prefix, parameters))
            for prefix, branch in self.branches(input_shape).items()
        ]
        return cast(Array, dxs[0] + (dxs[1] if len(dxs) == 2 else dsum))

    def observed(self, saved: Any) -> dict[str, Array]:
        input_shape, _, kept = saved
        observed: dict[str, Array] = {}
        for prefix, branch in self.branches(input_shape).items():
            observed |= with_prefix(prefix, branch.observed(kept[prefix]))
        return observed

    def multiply_adds(self, input_shape: Shape) -> int:
        return sum(branch.multiply_adds(input_shape) for branch in self.branches(input_shape).values())
