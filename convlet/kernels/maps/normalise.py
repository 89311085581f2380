"""Batch normalisation over the images of a shard (Ioffe and Szegedy, 2015, algorithm 1), lanes along channels.

    y = scale * (x - mean) / sqrt(variance + epsilon) + shift

In training mean and variance are the shard's own, so a shard goes through as one group.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from convlet.kernels import tuned
from convlet.kernels.calling.frame import COUNT
from convlet.kernels.calling.operands import operand
from convlet.kernels.shapes import MapShape, RowsShape
from convlet.kernels.target import Target
from convlet.kernels.vectors import intrinsics
from convlet.kernels.vectors.intrinsics import float32_at


def batch_norm(shape: RowsShape, target: Target) -> Callable[..., None]:
    """Operands: x, y, scale, shift, observed mean, observed variance, inverse deviation (C,), sizes."""
    lanes = tuned.even_lanes(shape.divisor, target)
    load, store, splat = intrinsics.make_load(lanes), intrinsics.make_store(lanes), intrinsics.make_splat(lanes)
    add, subtract, multiply, fma = (
        make(lanes)
        for make in (intrinsics.make_add, intrinsics.make_subtract, intrinsics.make_multiply, intrinsics.make_fma)
    )
    epsilon = np.float32(shape.number)

    def kernel(operands, frame):
        height, width, channels = operand(operands, frame, 7), operand(operands, frame, 8), operand(operands, frame, 9)
        x_row, x_image = operand(operands, frame, 10), operand(operands, frame, 11)
        y_row, y_image = operand(operands, frame, 13), operand(operands, frame, 14)
        count = frame[COUNT]
        share = splat(np.float32(1.0) / np.float32(count * height * width))
        xs, ys = operand(operands, frame, 0), operand(operands, frame, 1)
        scales, shifts = operand(operands, frame, 2), operand(operands, frame, 3)
        means, variances, inverses = (
            operand(operands, frame, 4),
            operand(operands, frame, 5),
            operand(operands, frame, 6),
        )
        for channel in range(0, channels, lanes):
            total = splat(np.float32(0))
            for image in range(count):
                for row in range(height):
                    for column in range(width):
                        total = add(total, load(xs, image * x_image + row * x_row + column * channels + channel))
            mean = multiply(total, share)
            store(mean, means, channel)
            squares = splat(np.float32(0))
            for image in range(count):
                for row in range(height):
                    for column in range(width):
                        away = subtract(load(xs, image * x_image + row * x_row + column * channels + channel), mean)
                        squares = fma(away, away, squares)
            store(multiply(squares, share), variances, channel)
            for lane in range(channel, channel + lanes):
                float32_at(inverses)[lane] = np.float32(1.0) / math.sqrt(float32_at(variances)[lane] + epsilon)
            factor = multiply(load(scales, channel), load(inverses, channel))
            for image in range(count):
                for row in range(height):
                    for column in range(width):
                        away = subtract(load(xs, image * x_image + row * x_row + column * channels + channel), mean)
                        place = image * y_image + row * y_row + column * channels + channel
                        store(fma(away, factor, load(shifts, channel)), ys, place)

    return kernel


def batch_norm_inference(shape: MapShape, target: Target) -> Callable[..., None]:
    """Operands: x, y, scale, shift, running mean, running variance (C,)."""
    height, width, channels, (x, y) = shape.height, shape.width, shape.channels, (shape.x, shape.y)
    x_row, x_image, y_row, y_image, epsilon = x.row, x.image, y.row, y.image, np.float32(shape.number)

    def kernel(operands, frame):
        scale, shift = float32_at(operand(operands, frame, 2)), float32_at(operand(operands, frame, 3))
        mean, variance = float32_at(operand(operands, frame, 4)), float32_at(operand(operands, frame, 5))
        for channel in range(channels):
            factor = scale[channel] * (np.float32(1.0) / math.sqrt(variance[channel] + epsilon))
            for image in range(frame[COUNT]):
                for row in range(height):
                    xs = float32_at(operand(operands, frame, 0) + 4 * (image * x_image + row * x_row))
                    ys = float32_at(operand(operands, frame, 1) + 4 * (image * y_image + row * y_row))
                    for column in range(width):
                        place = column * channels + channel
                        ys[place] = intrinsics.fma_scalar(xs[place] - mean[channel], factor, shift[channel])

    return kernel


def batch_norm_gradient(shape: RowsShape, target: Target) -> Callable[..., None]:
    """Operands: dy, dx, x, scale, mean, inverse deviation, dscale, dshift (C,), sizes; dscale and dshift are added to.

    With xhat = (x - mean) / deviation over the M numbers of a channel:
        dshift = sum dy,  dscale = sum dy * xhat
        dx = scale / deviation * (dy - dshift / M - xhat * dscale / M)
    Of the sizes, those of x are dx's, those of y are dy's, the saved array's are those of x.
    """
    lanes = tuned.even_lanes(shape.divisor, target)
    load, store, splat = intrinsics.make_load(lanes), intrinsics.make_store(lanes), intrinsics.make_splat(lanes)
    add, subtract, multiply, fma = (
        make(lanes)
        for make in (intrinsics.make_add, intrinsics.make_subtract, intrinsics.make_multiply, intrinsics.make_fma)
    )

    def kernel(operands, frame):
        height, width, channels = operand(operands, frame, 8), operand(operands, frame, 9), operand(operands, frame, 10)
        x_row, x_image = operand(operands, frame, 11), operand(operands, frame, 12)
        y_row, y_image = operand(operands, frame, 14), operand(operands, frame, 15)
        s_row, s_image = operand(operands, frame, 17), operand(operands, frame, 18)
        count = frame[COUNT]
        share = splat(np.float32(1.0) / np.float32(count * height * width))
        dys, dxs, xs = operand(operands, frame, 0), operand(operands, frame, 1), operand(operands, frame, 2)
        scales, means, inverses = (
            operand(operands, frame, 3),
            operand(operands, frame, 4),
            operand(operands, frame, 5),
        )
        dscales, dshifts = operand(operands, frame, 6), operand(operands, frame, 7)
        zero = splat(np.float32(0))
        for channel in range(0, channels, lanes):
            mean, inverse = load(means, channel), load(inverses, channel)
            dshift, dscale = zero, zero
            for image in range(count):
                for row in range(height):
                    for column in range(width):
                        place = column * channels + channel
                        dy = load(dys, image * y_image + row * y_row + place)
                        away = subtract(load(xs, image * s_image + row * s_row + place), mean)
                        dshift, dscale = add(dshift, dy), fma(dy, multiply(away, inverse), dscale)
            store(add(load(dscales, channel), dscale), dscales, channel)
            store(add(load(dshifts, channel), dshift), dshifts, channel)
            factor = multiply(load(scales, channel), inverse)
            dshift, dscale = multiply(dshift, share), multiply(dscale, share)
            for image in range(count):
                for row in range(height):
                    for column in range(width):
                        place = column * channels + channel
                        dy = load(dys, image * y_image + row * y_row + place)
                        away = subtract(load(xs, image * s_image + row * s_row + place), mean)
                        rest = subtract(subtract(dy, dshift), multiply(multiply(away, inverse), dscale))
                        store(multiply(factor, rest), dxs, image * x_image + row * x_row + place)

    return kernel
