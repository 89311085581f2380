"""Dropout with the counter-based numbers of `convlet.random`, drawn inside the kernel.

    y = x * keep / (1 - rate),   keep = uniform >= rate

What is dropped is multiplied by 0, so that NaN and infinity are not lost with it.

Four words come from each counter (element / 4, image's position in the epoch, epoch, purpose and stream), keyed by
the seed: see `philox`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convlet.kernels.calling.frame import COUNT, EPOCH, POSITION, SEED
from convlet.kernels.calling.operands import operand
from convlet.kernels.shapes import MapShape, kept_bytes
from convlet.kernels.target import Target
from convlet.kernels.vectors.intrinsics import float32_at, uint8_at
from convlet.kernels.vectors.philox import make_flags

DROPOUT = 3  # the purpose, as in convlet.random


def dropout(shape: MapShape, target: Target) -> Callable[..., None]:
    """Operands: x, y, keep (n, kept_bytes(elements))."""
    height, run, x_grid, y_grid = shape.height, shape.width * shape.channels, shape.x, shape.y
    x_row, x_image, y_row, y_image = x_grid.row, x_grid.image, y_grid.row, y_grid.image
    blocks, image_bytes = -(-height * run // 4), kept_bytes(height * run)
    # A word counts as kept when its upper 24 bits, over 2^24, reach the rate: an integer comparison.
    threshold = int(np.ceil(np.float32(shape.number) * np.float64(2**24))) << 8
    at_once, flags = make_flags(target)
    scale, zero = np.float32(1.0 / (1.0 - shape.number)), np.float32(0)
    purpose = DROPOUT << 16 | shape.stream

    def kernel(operands, frame):
        seed, epoch = frame[SEED], frame[EPOCH]
        for image in range(frame[COUNT]):
            keep, position = operand(operands, frame, 2) + image * image_bytes, frame[POSITION] + image
            for call in range(-(-blocks // at_once)):
                flags(keep, call * at_once, position, epoch, purpose, seed, threshold)
            for row in range(height):
                x = float32_at(operand(operands, frame, 0) + 4 * (image * x_image + row * x_row))
                y = float32_at(operand(operands, frame, 1) + 4 * (image * y_image + row * y_row))
                kept = uint8_at(operand(operands, frame, 2) + image * image_bytes + row * run)
                for i in range(run):
                    y[i] = x[i] * (scale if kept[i] != 0 else zero)

    return kernel


def dropout_gradient(shape: MapShape, target: Target) -> Callable[..., None]:
    """Operands: dy, dx, keep. The shape's x is dx's grid, its y is dy's."""
    height, run, x_grid, y_grid = shape.height, shape.width * shape.channels, shape.x, shape.y
    x_row, x_image, y_row, y_image = x_grid.row, x_grid.image, y_grid.row, y_grid.image
    image_bytes = kept_bytes(height * run)
    scale, zero = np.float32(1.0 / (1.0 - shape.number)), np.float32(0)

    def kernel(operands, frame):
        for image in range(frame[COUNT]):
            for row in range(height):
                dy = float32_at(operand(operands, frame, 0) + 4 * (image * y_image + row * y_row))
                dx = float32_at(operand(operands, frame, 1) + 4 * (image * x_image + row * x_row))
                kept = uint8_at(operand(operands, frame, 2) + image * image_bytes + row * run)
                for i in range(run):
                    dx[i] = dy[i] * (scale if kept[i] != 0 else zero)

    return kernel
