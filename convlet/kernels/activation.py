"""Activations and their derivatives, copies and sums: one pass over rows of numbers.

Rows of pixels lie without gaps, so a row is one run of width x channels floats. Sizes are operands, see `RowsShape`:
one kernel serves all layers of a network, whatever their sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import register_jitable

from convlet.kernels.elementary import CUBIC, HALF, ONE, SLOPE, ZERO, sigmoid, tanh
from convlet.kernels.frame import COUNT
from convlet.kernels.operands import operand
from convlet.kernels.shapes import RowsShape
from convlet.kernels.simd import float32_at
from convlet.kernels.target import Target

THREE, SATURATED = np.float32(3), np.float32(10)


@register_jitable
def _cut(x):
    """x, or the nearest bound beyond which the tanh of gelu is 1 or -1: its cube could overflow. NaN stays NaN."""
    x = SATURATED if x > SATURATED else x
    return -SATURATED if x < -SATURATED else x


@register_jitable
def _gelu(x):
    cut = _cut(x)
    return HALF * x * (ONE + tanh(SLOPE * (cut + CUBIC * cut * cut * cut))) + (x - x)


@register_jitable
def _gelu_slope(x):
    cut = _cut(x)
    t = tanh(SLOPE * (cut + CUBIC * cut * cut * cut))
    return HALF * (ONE + t) + HALF * x * (ONE - t * t) * SLOPE * (ONE + THREE * CUBIC * cut * cut)


@register_jitable
def _silu_slope(x):
    s = sigmoid(x)
    return s * (ONE + x * (ONE - s))


def _function(shape: RowsShape) -> Any:
    slope = np.float32(shape.number)
    return {
        "relu": lambda x: x if x > ZERO else x - x,  # 0, or NaN if x is NaN or infinite
        "leaky_relu": lambda x: x if x > ZERO else slope * x,
        "tanh": lambda x: tanh(x),
        "sigmoid": lambda x: sigmoid(x),
        "gelu": lambda x: _gelu(x),
        "silu": lambda x: x * sigmoid(x),
    }[shape.function]


def _gradient(shape: RowsShape) -> Any:
    """dx from dy and what forward saved; relu selects, so an infinite dy is 0 where relu let nothing through."""
    slope = np.float32(shape.number)
    return {
        "relu": lambda dy, y: dy if y > ZERO else ZERO,
        "leaky_relu": lambda dy, y: dy if y > ZERO else slope * dy,
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
