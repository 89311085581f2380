"""Max pooling: the largest pixel of each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from convlet.layers.base import Array, Arrays, Pass, overflow
from convlet.layers.pool import Pool
from convlet.layers.windows import taps


@dataclass(frozen=True, init=False)
class MaxPool(Pool):
    """The largest pixel of each window, channel by channel.

    y[n, p, q, c] = max over i, j of x[n, p*stride + i, q*stride + j, c]

    Parameters
    ----------
    size : height and width of a window
    stride : pixels from one window to the next; `size` if not given

    Arrays: x (N, H, W, C), y (N, OH, OW, C) of one float type.

    Raises
    ------
    ArchitectureError : a number out of range, or a window larger than the image

    Source: Scherer, Müller, Behnke 2010, "Evaluation of pooling operations in convolutional architectures".
    """

    kind: ClassVar[str] = "max_pool"
    word: ClassVar[str] = "pool"

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        """Keeps which tap won each window; of equal pixels the first one wins, in row-major order.

        NaN or infinity in a window gives NaN, which the largest pixel alone would hide.
        """
        oh, ow, c = self.output_shape(x.shape[1:])
        y = np.full((len(x), oh, ow, c), -np.inf, x.dtype)
        winner, hidden = np.zeros(y.shape, np.int16), np.zeros(y.shape, x.dtype)
        for i, j, pixels in taps(self.size, self.stride, oh, ow):
            larger = x[pixels] > y
            y = np.where(larger, x[pixels], y)
            winner[larger] = i * self.size + j
            hidden += overflow(x[pixels])
        y = np.where(np.isnan(hidden), hidden, y)
        return y, (x.shape, winner)

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        """The whole gradient of a window goes to the one pixel that won it."""
        x_shape, winner = saved
        _, oh, ow, _ = dy.shape
        dx = np.zeros(x_shape, dy.dtype)
        for i, j, pixels in taps(self.size, self.stride, oh, ow):
            dx[pixels] += np.where(winner == i * self.size + j, dy, 0)
        return dx, {}
