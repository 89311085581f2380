"""Average pooling: the mean pixel of each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from convlet.layers.base import Array, Arrays, Pass
from convlet.layers.pool import Pool
from convlet.layers.windows import taps


@dataclass(frozen=True, init=False)
class AvgPool(Pool):
    """The mean pixel of each window, channel by channel.

    y[n, p, q, c] = mean over i, j of x[n, p*stride + i, q*stride + j, c]

    Parameters
    ----------
    size : height and width of a window
    stride : pixels from one window to the next; `size` if not given

    Arrays: x (N, H, W, C), y (N, OH, OW, C) of one float type.

    Raises
    ------
    ArchitectureError : a number out of range, or a window larger than the image

    Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition",
    section II.A (there with a learned factor and bias).
    """

    kind: ClassVar[str] = "avg_pool"
    word: ClassVar[str] = "avgpool"

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        oh, ow, c = self.output_shape(x.shape[1:])
        y = np.zeros((len(x), oh, ow, c), x.dtype)
        for _, _, pixels in taps(self.size, self.stride, oh, ow):
            y += x[pixels]
        return y / self.size**2, x.shape

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        """Every pixel of a window gets an equal part of its gradient."""
        _, oh, ow, _ = dy.shape
        dx = np.zeros(saved, dy.dtype)
        for _, _, pixels in taps(self.size, self.stride, oh, ow):
            dx[pixels] += dy / self.size**2
        return dx, {}
