"""Dropout with the counter-based numbers of `convlet.random`, drawn inside the kernel.

    y = x * keep / (1 - rate),   keep = uniform >= rate

Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011): four words for
each counter (element / 4, image's position in the epoch, epoch, purpose and stream), keyed by the seed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba.extending import register_jitable

from convlet.kernels.frame import COUNT, EPOCH, POSITION, SEED
from convlet.kernels.operands import operand
from convlet.kernels.shapes import MapShape
from convlet.kernels.simd import float32_at, uint8_at
from convlet.kernels.target import Target

ROUNDS = 10
MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW, HIGH_BITS = np.uint64(0xFFFFFFFF), np.uint64(32)
DROPOUT = 3  # the purpose, as in convlet.random


@register_jitable
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Four 32-bit words, each in a uint64."""
    for _ in range(ROUNDS):
        first, second = MULTIPLIER_0 * c0, MULTIPLIER_1 * c2
        c0, c2 = (second >> HIGH_BITS) ^ c1 ^ k0, (first >> HIGH_BITS) ^ c3 ^ k1
        c1, c3 = second & LOW, first & LOW
        k0, k1 = (k0 + WEYL_0) & LOW, (k1 + WEYL_1) & LOW
    return c0, c1, c2, c3


def dropout(shape: MapShape, target: Target) -> Callable[..., None]:
    """Operands: x, y, keep (n, elements rounded up to 4) bytes."""
    height, run, x_grid, y_grid = shape.height, shape.width * shape.channels, shape.x, shape.y
    x_row, x_image, y_row, y_image = x_grid.row, x_grid.image, y_grid.row, y_grid.image
    blocks = -(-height * run // 4)
    # A word counts as kept when its upper 24 bits, over 2^24, reach the rate: an integer comparison.
    threshold = np.uint64(int(np.ceil(np.float32(shape.number) * np.float64(2**24))))
    scale, zero = np.float32(1.0 / (1.0 - shape.number)), np.float32(0)
    third = np.uint64(DROPOUT << 16 | shape.stream)
    eight = np.uint64(8)

    def kernel(operands, frame):  # type: ignore[no-untyped-def]
        seed = np.uint64(frame[SEED])
        k0, k1 = seed & LOW, seed >> HIGH_BITS
        for image in range(frame[COUNT]):
            keep = uint8_at(operand(operands, frame, 2) + image * blocks * 4)
            position, epoch = np.uint64(frame[POSITION] + image), np.uint64(frame[EPOCH])
            for block in range(blocks):
                w0, w1, w2, w3 = philox(np.uint64(block), position, epoch, third, k0, k1)
                keep[4 * block] = (w0 >> eight) >= threshold
                keep[4 * block + 1] = (w1 >> eight) >= threshold
                keep[4 * block + 2] = (w2 >> eight) >= threshold
                keep[4 * block + 3] = (w3 >> eight) >= threshold
            for row in range(height):
                x = float32_at(operand(operands, frame, 0) + 4 * (image * x_image + row * x_row))
                y = float32_at(operand(operands, frame, 1) + 4 * (image * y_image + row * y_row))
                kept = uint8_at(operand(operands, frame, 2) + image * blocks * 4 + row * run)
                for i in range(run):
                    y[i] = x[i] * scale if kept[i] != 0 else zero

    return kernel


def dropout_gradient(shape: MapShape, target: Target) -> Callable[..., None]:
    """Operands: dy, dx, keep. The shape's x is dx's grid, its y is dy's."""
    height, run, x_grid, y_grid = shape.height, shape.width * shape.channels, shape.x, shape.y
    x_row, x_image, y_row, y_image = x_grid.row, x_grid.image, y_grid.row, y_grid.image
    blocks = -(-height * run // 4)
    scale, zero = np.float32(1.0 / (1.0 - shape.number)), np.float32(0)

    def kernel(operands, frame):  # type: ignore[no-untyped-def]
        for image in range(frame[COUNT]):
            for row in range(height):
                dy = float32_at(operand(operands, frame, 0) + 4 * (image * y_image + row * y_row))
                dx = float32_at(operand(operands, frame, 1) + 4 * (image * x_image + row * x_row))
                kept = uint8_at(operand(operands, frame, 2) + image * blocks * 4 + row * run)
                for i in range(run):
                    dx[i] = dy[i] * scale if kept[i] != 0 else zero

    return kernel
