"""The images of a batch, picked by number, scaled and written into the padded array of the first layer.

    y = pixel * scale + offset

scale and offset are given for each number of a row (W x C), so grey and colour go through one loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convlet.kernels.calling.frame import COUNT, IMAGES, NUMBERS
from convlet.kernels.calling.operands import operand
from convlet.kernels.shapes import MapShape
from convlet.kernels.target import Target
from convlet.kernels.vectors.intrinsics import float32_at, int64_at, uint8_at


def gather_bytes(shape: MapShape, target: Target) -> Callable[..., None]:
    """Operands: y, scale (W x C,), offset (W x C,); the frame's images are uint8 (n, H, W, C)."""
    return _gather(shape, uint8_at, 1)


def gather_floats(shape: MapShape, target: Target) -> Callable[..., None]:
    """The same for float32 images."""
    return _gather(shape, float32_at, 4)


def _gather(shape: MapShape, at: Any, size: int) -> Callable[..., None]:
    height, run, y_row, y_image = shape.height, shape.width * shape.channels, shape.y.row, shape.y.image

    def kernel(operands, frame):
        numbers = int64_at(frame[NUMBERS])
        scale, offset = float32_at(operand(operands, frame, 1)), float32_at(operand(operands, frame, 2))
        for image in range(frame[COUNT]):
            for row in range(height):
                x = at(frame[IMAGES] + (numbers[image] * height + row) * run * size)
                y = float32_at(operand(operands, frame, 0) + 4 * (image * y_image + row * y_row))
                for i in range(run):
                    y[i] = np.float32(x[i]) * scale[i] + offset[i]

    return kernel
