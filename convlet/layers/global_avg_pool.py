"""Global average pooling: the mean of each channel over the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from convlet.layers.base import Array, Arrays, Layer, Pass, Shape
from convlet.layers.checks import image_shape


@dataclass(frozen=True)
class GlobalAvgPool(Layer):
    """The mean of each channel over all pixels.

    y[n, c] = mean over h, w of x[n, h, w, c]

    Arrays: x (N, H, W, C), y (N, C) of one float type.

    Raises
    ------
    ArchitectureError : the input is no image

    Source: Lin, Chen, Yan 2014, "Network in network", section 3.2.
    """

    kind: ClassVar[str] = "global_avg_pool"

    def token(self) -> str:
        return "gap"

    def output_shape(self, input_shape: Shape) -> Shape:
        _, _, c = image_shape(self.token(), input_shape)
        return (c,)

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        return x.mean(axis=(1, 2)), x.shape

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        """Every pixel gets an equal part of its channel's gradient."""
        _, h, w, _ = saved
        dx = np.empty(saved, dy.dtype)
        dx[...] = dy[:, None, None, :] / (h * w)
        return dx, {}
