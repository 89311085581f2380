"""Max and average pooling, with lanes along channels.

Forward max pooling keeps which position of the window won (kh * KW + kw), as one byte or as two if the window has more
than 256 positions; the first of equal values wins. A window that holds NaN or infinity gives NaN, so that pooling never
hides that a network overflows. Backward writes the gradient there and zero elsewhere. Windows that overlap add up;
pixels that no window covers stay zero, as the workspace began.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convlet.kernels import tuned
from convlet.kernels.calling.frame import COUNT
from convlet.kernels.calling.operands import operand
from convlet.kernels.shapes import PoolShape
from convlet.kernels.target import Target
from convlet.kernels.vectors import intrinsics


def max_pool(shape: PoolShape, target: Target) -> Callable[..., None]:
    """Operands: x, y, winners (n, OH, OW, C) of `shape.winner_bytes` bytes each."""
    lanes = tuned.even_lanes(shape.channels, target)
    load, store = intrinsics.make_load(lanes), intrinsics.make_store(lanes)
    store_winners = intrinsics.make_store_unsigned(lanes, shape.winner_bytes)
    choose, splat = intrinsics.make_choose_greater(intrinsics.floats(lanes)), intrinsics.make_splat(lanes)
    multiply_add, add = intrinsics.make_fma(lanes), intrinsics.make_add(lanes)
    choose_index = intrinsics.make_choose_greater(intrinsics.integers(lanes))
    index = intrinsics.make_splat_integer(lanes)
    (rows, columns), (x, y) = shape.window, (shape.x, shape.y)
    height, width, channels, stride = shape.height, shape.width, shape.channels, shape.stride
    x_row, x_image, x_pixel, y_row, y_image, y_pixel = x.row, x.image, x.pixel, y.row, y.image, y.pixel

    def kernel(operands, frame):
        xs, ys, winners = (
            operand(operands, frame, 0),
            operand(operands, frame, 1),
            operand(operands, frame, 2),
        )
        zero = splat(np.float32(0))
        for image in range(frame[COUNT]):
            for row in range(height):
                for column in range(width):
                    at = image * x_image + row * stride * x_row + column * stride * x_pixel
                    to = image * y_image + row * y_row + column * y_pixel
                    won = ((image * height + row) * width + column) * channels
                    for channel in range(0, channels, lanes):
                        best, winner = load(xs, at + channel), index(0)
                        overflow = zero
                        for kh in range(rows):
                            for kw in range(columns):
                                value = load(xs, at + channel + kh * x_row + kw * x_pixel)
                                winner = choose_index(value, best, index(kh * columns + kw), winner)
                                best = choose(value, best, value, best)
                                overflow = multiply_add(value, zero, overflow)  # 0, or NaN
                        store(add(best, overflow), ys, to + channel)
                        store_winners(winner, winners, won + channel)

    return kernel


def max_pool_gradient(shape: PoolShape, target: Target) -> Callable[..., None]:
    """Operands: dy, winners, dx, y (only where the shape has a mask)."""
    lanes = tuned.even_lanes(shape.channels, target)
    load, store = intrinsics.make_load(lanes), intrinsics.make_store(lanes)
    load_winners = intrinsics.make_load_unsigned(lanes, shape.winner_bytes)
    splat, index, add = intrinsics.make_splat(lanes), intrinsics.make_splat_integer(lanes), intrinsics.make_add(lanes)
    choose, equal = intrinsics.make_choose_greater(intrinsics.floats(lanes)), intrinsics.make_choose_equal(lanes)
    (rows, columns), x, y, mask = shape.window, shape.x, shape.y, shape.mask or shape.y
    height, width, channels, stride = shape.height, shape.width, shape.channels, shape.stride
    x_row, x_image, x_pixel, y_row, y_image, y_pixel = x.row, x.image, x.pixel, y.row, y.image, y.pixel
    m_row, m_image, m_pixel = mask.row, mask.image, mask.pixel
    masked, overlap = shape.mask is not None, stride < max(rows, columns)
    in_height, in_width = shape.in_height, shape.in_width

    def kernel(operands, frame):
        dys, winners = operand(operands, frame, 0), operand(operands, frame, 1)
        dxs, ys = operand(operands, frame, 2), operand(operands, frame, 3)
        zero = splat(np.float32(0))
        for image in range(frame[COUNT]):
            if overlap:
                for row in range(in_height):
                    for place in range(0, in_width * channels, lanes):
                        store(zero, dxs, image * x_image + row * x_row + place)
            for row in range(height):
                for column in range(width):
                    at = image * x_image + row * stride * x_row + column * stride * x_pixel
                    to = image * y_image + row * y_row + column * y_pixel
                    won = ((image * height + row) * width + column) * channels
                    for channel in range(0, channels, lanes):
                        dy, winner = load(dys, to + channel), load_winners(winners, won + channel)
                        if masked:
                            kept = load(ys, image * m_image + row * m_row + column * m_pixel + channel)
                            dy = choose(kept, zero, dy, zero)
                        for kh in range(rows):
                            for kw in range(columns):
                                place = at + channel + kh * x_row + kw * x_pixel
                                share = equal(winner, index(kh * columns + kw), dy, zero)
                                if overlap:
                                    share = add(share, load(dxs, place))
                                store(share, dxs, place)

    return kernel


def average_pool(shape: PoolShape, target: Target) -> Callable[..., None]:
    """Operands: x, y."""
    lanes = tuned.even_lanes(shape.channels, target)
    load, store, splat = intrinsics.make_load(lanes), intrinsics.make_store(lanes), intrinsics.make_splat(lanes)
    add, multiply = intrinsics.make_add(lanes), intrinsics.make_multiply(lanes)
    (rows, columns), (x, y) = shape.window, (shape.x, shape.y)
    height, width, channels, stride = shape.height, shape.width, shape.channels, shape.stride
    x_row, x_image, x_pixel, y_row, y_image, y_pixel = x.row, x.image, x.pixel, y.row, y.image, y.pixel
    share = np.float32(1.0 / (rows * columns))

    def kernel(operands, frame):
        xs, ys = operand(operands, frame, 0), operand(operands, frame, 1)
        for image in range(frame[COUNT]):
            for row in range(height):
                for column in range(width):
                    at = image * x_image + row * stride * x_row + column * stride * x_pixel
                    to = image * y_image + row * y_row + column * y_pixel
                    for channel in range(0, channels, lanes):
                        total = splat(np.float32(0))
                        for kh in range(rows):
                            for kw in range(columns):
                                total = add(total, load(xs, at + channel + kh * x_row + kw * x_pixel))
                        store(multiply(total, splat(share)), ys, to + channel)

    return kernel


def average_pool_gradient(shape: PoolShape, target: Target) -> Callable[..., None]:
    """Operands: dy, dx."""
    lanes = tuned.even_lanes(shape.channels, target)
    load, store, splat = intrinsics.make_load(lanes), intrinsics.make_store(lanes), intrinsics.make_splat(lanes)
    add, multiply = intrinsics.make_add(lanes), intrinsics.make_multiply(lanes)
    (rows, columns), (x, y) = shape.window, (shape.x, shape.y)
    height, width, channels, stride = shape.height, shape.width, shape.channels, shape.stride
    x_row, x_image, x_pixel, y_row, y_image, y_pixel = x.row, x.image, x.pixel, y.row, y.image, y.pixel
    share, overlap = np.float32(1.0 / (rows * columns)), stride < max(rows, columns)
    in_height, in_width = shape.in_height, shape.in_width

    def kernel(operands, frame):
        dys, dxs = operand(operands, frame, 0), operand(operands, frame, 1)
        zero = splat(np.float32(0))
        for image in range(frame[COUNT]):
            if overlap:
                for row in range(in_height):
                    for place in range(0, in_width * channels, lanes):
                        store(zero, dxs, image * x_image + row * x_row + place)
            for row in range(height):
                for column in range(width):
                    at = image * x_image + row * stride * x_row + column * stride * x_pixel
                    to = image * y_image + row * y_row + column * y_pixel
                    for channel in range(0, channels, lanes):
                        part = multiply(load(dys, to + channel), splat(share))
                        for kh in range(rows):
                            for kw in range(columns):
                                place = at + channel + kh * x_row + kw * x_pixel
                                if overlap:
                                    store(add(part, load(dxs, place)), dxs, place)
                                else:
                                    store(part, dxs, place)

    return kernel
