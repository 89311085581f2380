"""Images picked by number, changed, scaled and written into the padded array of the first layer, in one pass.

The definition, with the order of everything, is `convlet.learning.augmenting`. Each image draws sixteen words from the
counter (0 to 3, place in the epoch, epoch, purpose and stream 0), the grid of the elastic change from stream 1; the
alternating flip is drawn from (0, image's number in the whole data set, 0, stream 2). What is pasted in comes from an
image of the same batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import register_jitable

from convlet.kernels.calling.frame import (
    BATCH,
    BATCH_NUMBERS,
    BATCH_POSITION,
    COUNT,
    EPOCH,
    IDENTITIES,
    IMAGES,
    NUMBERS,
    POSITION,
    SEED,
)
from convlet.kernels.calling.operands import operand
from convlet.kernels.shapes import MIX_BYTES, AugmentShape
from convlet.kernels.target import Target
from convlet.kernels.vectors.intrinsics import float32_at, int64_at, uint8_at
from convlet.kernels.vectors.philox import four_words

AUGMENT = 5 << 16  # the purpose, as in convlet.random
GRID, FLIP = AUGMENT | 1, AUGMENT | 2
ZERO = np.float32(0)


def augment_bytes(shape: AugmentShape, target: Target) -> Callable[..., None]:
    """Operands: y, scale (W x C,), offset (W x C,), spline of the rows (H, G) and of the columns (W, G), scratch
    (shape.scratch_floats), mixes (n, MIX_BYTES); the frame's images are uint8 (n, H, W, C)."""
    return _augment(shape, uint8_at, 1)


def augment_floats(shape: AugmentShape, target: Target) -> Callable[..., None]:
    """The same for float32 images."""
    return _augment(shape, float32_at, 4)


@register_jitable
def _unit(word):
    """Even over [0, 1), with 24 bits."""
    return np.float64(word >> 8) * 2.0**-24


@register_jitable
def _circle(angle):
    """Cosine and sine of -pi to pi, by their Taylor series: the same bits on every processor."""
    square, term, cosine, sine = angle * angle, 1.0, 0.0, 0.0
    for n in range(0, 28, 2):
        cosine = cosine + term
        sine = sine + term / (n + 1.0)
        term = -term * square / ((n + 1.0) * (n + 2.0))
    return cosine, sine * angle


@register_jitable
def _within(place, last):
    """The place, or the edge that it lies beyond."""
    place = place if place > ZERO else ZERO
    return place if place < last else last


@register_jitable
def _box(height, width, tall, wide, row, column):
    """Top, bottom, left and right of a rectangle about a random pixel, cut off at the edges."""
    top, bottom = _side(height, np.int64(tall), row)
    left, right = _side(width, np.int64(wide), column)
    return top, bottom, left, right


@register_jitable
def _side(length, wanted, word):
    """Where a side of a rectangle begins and ends: `wanted` pixels, at most `length`, about a random one."""
    wanted = wanted if wanted < length else length
    first = ((word * length) >> 32) - wanted // 2
    end = first + wanted
    return (first if first > 0 else 0), (end if end < length else length)


def _make_grid(points: int, most: float) -> Any:
    """grid(scratch, position, epoch, seed) draws how far each control point moves: float32 (2, G, G) at scratch."""
    numbers, size, twice = 2 * points * points, np.float32(most), np.float32(2 * most)

    @register_jitable
    def grid(scratch, position, epoch, seed):
        for block in range((numbers + 3) // 4):
            words = four_words(block, position, epoch, GRID, seed)
            for k in range(4):
                if 4 * block + k < numbers:
                    scratch[4 * block + k] = np.float32(_unit(words[k])) * twice - size

    return grid


def _augment(shape: AugmentShape, at: Any, size: int) -> Callable[..., None]:
    height, width, channels, points = shape.height, shape.width, shape.channels, shape.points
    y_row, y_image, image_bytes = shape.y.row, shape.y.image, height * width * channels * size
    shift, flip, erase, cutmix = shape.shift, shape.flip, float(shape.erase), float(shape.cutmix)
    rotate, zoom, elastic = float(shape.rotate) * np.pi / 180, float(shape.zoom), shape.elastic > 0
    brightness, contrast = float(shape.brightness), float(shape.contrast)
    turns, between = rotate > 0 or zoom > 0, rotate > 0 or zoom > 0 or elastic
    lights, erases, mixes = brightness > 0 or contrast > 0, erase > 0, cutmix > 0
    random_flip, alternate = flip == "random", flip == "alternate"
    draw_grid, row_floats = _make_grid(points, shape.elastic), 2 * points * points
    last_row, last_column = np.float32(height - 1), np.float32(width - 1)
    middle_row, middle_column = np.float32((height - 1) / 2), np.float32((width - 1) / 2)
    pixel = _make_pixel(at, height, width, channels, size)

    def kernel(operands, frame):
        seed, epoch, numbers = frame[SEED], frame[EPOCH], int64_at(frame[NUMBERS])
        of_batch, identities = int64_at(frame[BATCH_NUMBERS]), int64_at(frame[IDENTITIES])
        scale, offset = float32_at(operand(operands, frame, 1)), float32_at(operand(operands, frame, 2))
        of_rows, of_columns = float32_at(operand(operands, frame, 3)), float32_at(operand(operands, frame, 4))
        scratch = float32_at(operand(operands, frame, 5))
        for image in range(frame[COUNT]):
            number, position = numbers[image], frame[POSITION] + image
            w0, w1, w2, w3 = four_words(0, position, epoch, AUGMENT, seed)
            down = np.float32(((w0 * (2 * shift + 1)) >> 32) - shift)
            right = np.float32(((w1 * (2 * shift + 1)) >> 32) - shift)
            mirrored = random_flip and w2 >= 2147483648
            if alternate:
                identity = identities[position - frame[BATCH_POSITION]]
                mirrored = (four_words(0, identity, 0, FLIP, seed)[0] + epoch) % 2 == 1
            angle = (2 * _unit(w3) - 1) * rotate
            w0, w1, w2, w3 = four_words(1, position, epoch, AUGMENT, seed)
            grown = 1 + (2 * _unit(w0) - 1) * zoom
            light, depth = (2 * _unit(w1) - 1) * brightness, 1 + (2 * _unit(w2) - 1) * contrast
            area = np.sqrt(_unit(w3) * erase)
            w0, w1, w2, w3 = four_words(2, position, epoch, AUGMENT, seed)
            ratio = 2 * _unit(w0) - 1
            ratio = 1 + ratio if ratio >= 0 else 1 / (1 - ratio)
            e0, e1, e2, e3 = _box(height, width, area * ratio * height, area / ratio * width, w1, w2)
            mixed = mixes and _unit(w3) < cutmix
            w0, w1, w2, w3 = four_words(3, position, epoch, AUGMENT, seed)
            side = np.sqrt(_unit(w1)) if mixed else 0.0
            b0, b1, b2, b3 = _box(height, width, side * height, side * width, w2, w3)
            partner = of_batch[(w0 * frame[BATCH]) >> 32] if mixed else number
            if mixes:
                place = operand(operands, frame, 6) + image * MIX_BYTES
                int64_at(place)[0] = partner
                float32_at(place + 8)[0] = np.float32(1 - (b1 - b0) * (b3 - b2) / (height * width))
            cosine, sine = _circle(angle)
            cosine, sine = np.float32(cosine / grown), np.float32(sine / grown)
            if elastic:
                draw_grid(scratch, position, epoch, seed)
            for row in range(height):
                y = float32_at(operand(operands, frame, 0) + 4 * (image * y_image + row * y_row))
                if elastic:
                    for k in range(2):
                        for j in range(points):
                            total = ZERO
                            for i in range(points):
                                total = total + of_rows[row * points + i] * scratch[(k * points + i) * points + j]
                            scratch[row_floats + k * points + j] = total
                for column in range(width):
                    r, c = np.float32(row), np.float32(width - 1 - column if mirrored else column)
                    if turns:
                        below, beside = r - middle_row, c - middle_column
                        r = cosine * below + sine * beside + middle_row
                        c = cosine * beside - sine * below + middle_column
                    r, c = r - down, c - right
                    if elastic:
                        for j in range(points):
                            r = r + of_columns[column * points + j] * scratch[row_floats + j]
                            c = c + of_columns[column * points + j] * scratch[row_floats + points + j]
                    r, c = _within(r, last_row), _within(c, last_column)
                    inside = mixed and b0 <= row < b1 and b2 <= column < b3
                    source = frame[IMAGES] + (partner if inside else number) * image_bytes
                    gone = erases and e0 <= row < e1 and e2 <= column < e3
                    for channel in range(channels):
                        k = column * channels + channel
                        value = pixel(source, r, c, channel, between) * scale[k] + offset[k]
                        if lights:
                            value = value * np.float32(depth) + np.float32(light)
                        y[k] = ZERO if gone else value

    return kernel


def _make_pixel(at: Any, height: int, width: int, channels: int, size: int) -> Any:
    """pixel(source, r, c, channel, between) -> the channel's value at row r, column c of the image at `source`."""

    @register_jitable
    def pixel(source, r, c, channel, between):
        x = at(source)
        top, left = np.int64(r), np.int64(c)
        first = np.float32(x[(top * width + left) * channels + channel])
        if not between:
            return first
        below, beside = top + 1 if top + 1 < height else top, left + 1 if left + 1 < width else left
        down, right = r - np.float32(top), c - np.float32(left)
        upper_right = np.float32(x[(top * width + beside) * channels + channel])
        lower = np.float32(x[(below * width + left) * channels + channel])
        lower_right = np.float32(x[(below * width + beside) * channels + channel])
        upper = first + right * (upper_right - first)
        lower = lower + right * (lower_right - lower)
        return upper + down * (lower - upper)

    return pixel
