"""Activations and their derivatives, copies and sums: one pass over rows of numbers.

Rows of pixels lie without gaps, so a row is one run of width x channels floats. Sizes are operands, see `RowsShape`:
one kernel serves all layers of a network, whatever their sizes.

No activation may turn NaN or infinity into a number, as tanh would into 1: whether a sum overflows to one or the other
depends on its order. So those that would add 0 x, which is NaN for an infinite x.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import register_jitable

from convlet.kernels.calling.frame import COUNT
from convlet.kernels.calling.operands import operand
from convlet.kernels.shapes import RowsShape
from convlet.kernels.target import Target
from convlet.kernels.vectors.elementary import CUBIC, HALF, ONE, SLOPE, ZERO, sigmoid, tanh
from convlet.kernels.vectors.intrinsics import float32_at, fma_scalar

THREE = np.float32(3)
SATURATED = np.float32(100)  # beyond this x^2 gelu's tanh is 1 or -1


@register_jitable
def _gelu(x):
    return HALF * x * (ONE + tanh(SLOPE * (x + CUBIC * x * x * x)))


@register_jitable
def _gelu_slope(x):
    t = tanh(SLOPE * (x + CUBIC * x * x * x))
    square = x * x
    square = SATURATED if square > SATURATED else square  # else 0 times infinity for a large x
    return HALF * (ONE + t) + HALF * x * (ONE - t * t) * SLOPE * (ONE + THREE * CUBIC * square)


@register_jitable
def _silu_slope(x):
    s = sigmoid(x)
    return s * (ONE + x * (ONE - s))


def _function(shape: RowsShape) -> Any:
    slope = np.float32(shape.number)
    return {
        "relu": lambda x: fma_scalar(x, ZERO, x if x > ZERO else ZERO),
        "leaky_relu": lambda x: x if x > ZERO else slope * x,
        "tanh": lambda x: fma_scalar(x, ZERO, tanh(x)),
        "sigmoid": lambda x: fma_scalar(x, ZERO, sigmoid(x)),
        "gelu": lambda x: _gelu(x),
        "silu": lambda x: x * sigmoid(x),
    }[shape.function]


def _gradient(shape: RowsShape) -> Any:
    """dx from dy and what forward left. Relu chooses instead of multiplying: 0 times an infinite dy is NaN."""
    slope = np.float32(shape.number)
    return {
        "relu": lambda dy, y: dy if y > ZERO else ZERO,
        "leaky_relu": lambda dy, y: dy * (ONE if y > ZERO else slope),
        "tanh": lambda dy, y: dy * (ONE - y * y),
        "sigmoid": lambda dy, y: dy * (y * (ONE - y)),
        "gelu": lambda dy, x: dy * _gelu_slope(x),
        "silu": lambda dy, x: dy * _silu_slope(x),
    }[shape.function]


def activate(shape: RowsShape, target: Target) -> Callable[..., None]:
    """Operands: x, y, sizes."""
    function = register_jitable(_function(shape))

    def kernel(operands, frame):
        height, run = operand(operands, frame, 2), operand(operands, frame, 3) * operand(operands, frame, 4)
        x_row, x_image = operand(operands, frame, 5), operand(operands, frame, 6)
        y_row, y_image = operand(operands, frame, 8), operand(operands, frame, 9)
        for image in range(frame[COUNT]):
            for row in range(height):
                x = float32_at(operand(operands, frame, 0) + 4 * (image * x_image + row * x_row))
                y = float32_at(operand(operands, frame, 1) + 4 * (image * y_image + row * y_row))
                for i in range(run):
                    y[i] = function(x[i])

    return kernel


def activate_gradient(shape: RowsShape, target: Target) -> Callable[..., None]:
    """Operands: dy, dx, saved (forward's input for FROM_INPUT, else its output), sizes. dx may be dy itself.

    Of the sizes, those of x are dx's, those of y are dy's.
    """
    gradient = register_jitable(_gradient(shape))

    def kernel(operands, frame):
        height, run = operand(operands, frame, 3), operand(operands, frame, 4) * operand(operands, frame, 5)
        x_row, x_image = operand(operands, frame, 6), operand(operands, frame, 7)
        y_row, y_image = operand(operands, frame, 9), operand(operands, frame, 10)
        s_row, s_image = operand(operands, frame, 12), operand(operands, frame, 13)
        for image in range(frame[COUNT]):
            for row in range(height):
                dy = float32_at(operand(operands, frame, 0) + 4 * (image * y_image + row * y_row))
                dx = float32_at(operand(operands, frame, 1) + 4 * (image * x_image + row * x_row))
                s = float32_at(operand(operands, frame, 2) + 4 * (image * s_image + row * s_row))
                for i in range(run):
                    dx[i] = gradient(dy[i], s[i])

    return kernel


def copy(shape: RowsShape, target: Target) -> Callable[..., None]:
    """Operands: x, y, sizes. y = x; pixels may lie apart (a gradient spread out for a convolution with strides)."""

    def kernel(operands, frame):
        height, width, channels = operand(operands, frame, 2), operand(operands, frame, 3), operand(operands, frame, 4)
        x_row, x_image, x_pixel = operand(operands, frame, 5), operand(operands, frame, 6), operand(operands, frame, 7)
        y_row, y_image, y_pixel = operand(operands, frame, 8), operand(operands, frame, 9), operand(operands, frame, 10)
        if x_pixel == channels and y_pixel == channels:  # pixels without gaps: a row is one run
            channels, width = width * channels, 1
        for image in range(frame[COUNT]):
            for row in range(height):
                x = float32_at(operand(operands, frame, 0) + 4 * (image * x_image + row * x_row))
                y = float32_at(operand(operands, frame, 1) + 4 * (image * y_image + row * y_row))
                for column in range(width):
                    for channel in range(channels):
                        y[column * y_pixel + channel] = x[column * x_pixel + channel]

    return kernel


def add(shape: RowsShape, target: Target) -> Callable[..., None]:
    """Operands: x, y, sizes. y = y + x."""

    def kernel(operands, frame):
        height, run = operand(operands, frame, 2), operand(operands, frame, 3) * operand(operands, frame, 4)
        x_row, x_image = operand(operands, frame, 5), operand(operands, frame, 6)
        y_row, y_image = operand(operands, frame, 8), operand(operands, frame, 9)
        for image in range(frame[COUNT]):
            for row in range(height):
                x = float32_at(operand(operands, frame, 0) + 4 * (image * x_image + row * x_row))
                y = float32_at(operand(operands, frame, 1) + 4 * (image * y_image + row * y_row))
                for i in range(run):
                    y[i] = y[i] + x[i]

    return kernel
