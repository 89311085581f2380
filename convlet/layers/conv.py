"""Convolution: every output pixel is a weighted sum of the pixels around it, over all input channels."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, ClassVar

import numpy as np

from convlet.errors import ArchitectureError
from convlet.layers.base import Array, Arrays, Draws, Layer, Pass, Shape
from convlet.layers.checks import (
    FILTERS_LIMIT,
    SIZE_LIMIT,
    STRIDE_LIMIT,
    image_shape,
    shorten,
    whole_number,
    window_fits,
)
from convlet.layers.windows import same_padding, taps, window_count


@dataclass(frozen=True)
class Conv(Layer):
    """Convolution with square filters.

    y[n, p, q, f] = biases[f]
        + sum over i, j, c of padded_x[n, p*stride + i, q*stride + j, c] * weights[i, j, c, f]

    As everywhere in deep learning this is a cross-correlation: the filters are not flipped.

    Parameters
    ----------
    filters : number of filters F, the channels of the output
    size : height and width of a filter, KH = KW
    stride : pixels from one output to the next, SH = SW
    padding : "same" (zeros so that out = ceil(in / stride), the extra pixel at the end) or "valid" (none)

    Arrays: x (N, H, W, C), y (N, OH, OW, F), weights (KH, KW, C, F), biases (F,), all of one float type.

    Raises
    ------
    ArchitectureError : a number out of range, or filters larger than an image without padding

    Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition",
    section II.A.
    """

    filters: int
    size: int = 3
    stride: int = 1
    padding: str = "same"

    kind: ClassVar[str] = "conv"

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", whole_number("conv filters", self.filters, FILTERS_LIMIT))
        object.__setattr__(self, "size", whole_number("conv size", self.size, SIZE_LIMIT))
        object.__setattr__(self, "stride", whole_number("conv stride", self.stride, STRIDE_LIMIT))
        if self.padding not in ("same", "valid"):
            came = shorten(repr(self.padding))
            raise ArchitectureError(f"conv padding must be 'same' or 'valid', but got {came}")

    def token(self) -> str:
        size = f"k{self.size}" if self.size != 3 else ""
        stride = f"s{self.stride}" if self.stride != 1 else ""
        valid = "v" if self.padding == "valid" else ""
        return f"conv{self.filters}{size}{stride}{valid}"

    def pads(self, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Zeros (above, below) and (left, right) of an image of height x width."""
        if self.padding == "valid":
            return (0, 0), (0, 0)
        return same_padding(height, self.size, self.stride), same_padding(width, self.size, self.stride)

    def output_shape(self, input_shape: Shape) -> Shape:
        h, w, _ = image_shape(self.token(), input_shape)
        if self.padding == "valid":
            window_fits(self.token(), self.size, input_shape)
        (above, below), (left, right) = self.pads(h, w)
        oh = window_count(above + h + below, self.size, self.stride)
        ow = window_count(left + w + right, self.size, self.stride)
        return oh, ow, self.filters

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        _, _, c = image_shape(self.token(), input_shape)
        return {"weights": (self.size, self.size, c, self.filters), "biases": (self.filters,)}

    def initial_parameters(self, input_shape: Shape, draws: Draws) -> dict[str, Array]:
        """Weights normal with variance 2 / (KH KW C) (He et al. 2015, equation 10), biases zero."""
        shapes = self.parameter_shapes(input_shape)
        kh, kw, c, _ = shapes["weights"]
        weights = draws.normal(shapes["weights"]) * np.float32(sqrt(2 / (kh * kw * c)))
        return {"weights": weights, "biases": np.zeros(shapes["biases"], np.float32)}

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        weights, biases = parameters["weights"], parameters["biases"]
        oh, ow, f = self.output_shape(x.shape[1:])
        padded = np.pad(x, ((0, 0), *self.pads(*x.shape[1:3]), (0, 0)))

        y = np.empty((len(x), oh, ow, f), x.dtype)
        y[...] = biases
        for i, j, pixels in taps(self.size, self.stride, oh, ow):
            y += padded[pixels] @ weights[i, j]  # (N, OH, OW, C) @ (C, F)
        return y, (x.shape, padded)

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        """Each tap hands dy back to the filter weights and to the pixels that it multiplied.

        dweights[i, j] = sum over n, p, q of padded_x[n, p*stride + i, q*stride + j]^T dy[n, p, q]
        dpadded_x[n, p*stride + i, q*stride + j] += dy[n, p, q] weights[i, j]^T
        """
        (_, _, _, c), padded = saved
        _, oh, ow, f = dy.shape

        dweights = np.empty_like(parameters["weights"])
        for i, j, pixels in taps(self.size, self.stride, oh, ow):
            dweights[i, j] = padded[pixels].reshape(-1, c).T @ dy.reshape(-1, f)
        dbiases = dy.sum(axis=(0, 1, 2))
        return self.input_gradient(dy, saved, parameters), {"weights": dweights, "biases": dbiases}

    def input_gradient(self, dy: Array, saved: Any, parameters: Arrays) -> Array:
        """The second formula of `backward`."""
        (_, h, w, _), padded = saved
        _, oh, ow, _ = dy.shape

        dpadded = np.zeros_like(padded)
        for i, j, pixels in taps(self.size, self.stride, oh, ow):
            dpadded[pixels] += dy @ parameters["weights"][i, j].T
        (above, _), (left, _) = self.pads(h, w)
        return dpadded[:, above : above + h, left : left + w]

    def multiply_adds(self, input_shape: Shape) -> int:
        oh, ow, f = self.output_shape(input_shape)
        return oh * ow * self.size * self.size * input_shape[2] * f
