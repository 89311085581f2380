"""The filter gradient of a 3x3 convolution by Winograd's F(2x2, 3x3): 16 products for each 2x2 outputs, not 36.

    dg = G' ((B' d B) * (A dy A')) G      of 4x4 inputs d and gradients dy of 2x2 outputs, to that of 3x3 filters

It is `winograd` read backwards; * is taken place by place and summed over the tiles of an image. So for each of the
16 places of a tile there is a matrix product, channels by tiles times tiles by filters. Arrays, all float32:

    v  (16, tiles, C)    inputs of a few rows of tiles, transformed
    w  (16, tiles, F)    gradients of the same outputs, transformed
    m  (16, C, F)        the products, summed over the tiles of `winograd_images(shape)` images, and then
                         transformed and added to dw

Each sum over tiles is one chain in the order of the tiles, however many rows of tiles go together; the number of images
whose sums are transformed together follows from the shape alone.
Preconditions: `suits_winograd(shape)`; where rows or columns are odd in number, x and dy go on with one more, of zeros;
scratch has `tuned.winograd_gradient_bytes(shape)`; groups of images are whole `winograd_images(shape)`, but the last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.extending import register_jitable

from convlet.kernels import tuned
from convlet.kernels.calling.frame import COUNT
from convlet.kernels.calling.operands import operand
from convlet.kernels.products.blocks import block_count, for_each_block
from convlet.kernels.products.tile import Tile, make_tile
from convlet.kernels.products.winograd import transformed_inputs
from convlet.kernels.products.winograd_tiles import make_clear, make_gradient_transform, make_sum_transform
from convlet.kernels.shapes import WINOGRAD_PLACES, ConvShape, winograd_images, winograd_tiles
from convlet.kernels.target import Target

GAP = 4 * tuned.WINOGRAD_GAP  # bytes


def winograd_filter_gradient(shape: ConvShape, target: Target) -> Callable[..., None]:
    """Operands: x, dy, dw (3, 3, C, F), db (F,), scratch; dw and db go on from what they hold.

    Loops: sets of images, groups of rows of tiles (an image's rows after another's).
    """
    down, across = winograd_tiles(shape)
    images, together = winograd_images(shape), tuned.winograd_gradient_rows(shape)
    channels, filters = shape.channels, shape.filters
    v_place, w_place = (4 * together * across * numbers + GAP for numbers in (channels, filters))
    m_place = 4 * channels * filters + GAP
    w_offset = WINOGRAD_PLACES * v_place
    m_offset = w_offset + WINOGRAD_PLACES * w_place
    inputs = register_jitable(transformed_inputs(shape, target, v_place))
    gradients = register_jitable(_gradients(shape, target, w_place))
    multiply = register_jitable(_products(shape, target, v_place, w_place, m_place))
    add = register_jitable(_add(shape, target, m_place))
    clear = make_clear(WINOGRAD_PLACES * m_place // 4)
    x_images, dy_images = 4 * images * shape.x.image, 4 * images * shape.y.image

    def kernel(operands, frame):
        x, dy = operand(operands, frame, 0), operand(operands, frame, 1)
        dw, db, v = operand(operands, frame, 2), operand(operands, frame, 3), operand(operands, frame, 4)
        w, m = v + w_offset, v + m_offset
        for image in range(0, frame[COUNT], images):
            rows = min(images, frame[COUNT] - image) * down
            clear(m)
            for first in range(0, rows, together):
                last = min(first + together, rows)
                inputs(x, v, first, last)
                gradients(dy, db, w, first, last)
                multiply(v, w, m, (last - first) * across)
            add(m, dw)
            x, dy = x + x_images, dy + dy_images

    return kernel


def _gradients(shape: ConvShape, target: Target, place: int) -> Callable[..., None]:
    """transform(dy, db, w, first, last) writes w for these rows of tiles. Loops: rows, vectors of filters, tiles."""
    down, across = winograd_tiles(shape)
    lanes = tuned.vectors(shape.filters, target, 1).lanes
    transform = make_gradient_transform(shape.y, lanes, across, shape.filters, place // 4)
    y_image, y_row, w_row = 4 * shape.y.image, 8 * shape.y.row, 4 * across * shape.filters
    row_bytes, vector_bytes = 4 * shape.filters, 4 * lanes

    def kernel(dys, db, w, first, last):
        for row in range(first, last):
            image = row // down
            dy = dys + image * y_image + (row - image * down) * y_row
            for skip in range(0, row_bytes, vector_bytes):
                transform(dy + skip, db + skip, w + (row - first) * w_row + skip)

    return kernel


def _products(shape: ConvShape, target: Target, v_place: int, w_place: int, m_place: int) -> Callable[..., None]:
    """multiply(v, w, m, tiles) adds the products of all places. Loops: places, blocks of filters, tiles of channels."""
    channels, filters = shape.channels, shape.filters
    spread = tuned.vectors(filters, target)
    size, tiles, tail = tuned.split(channels, tuned.filter_gradient_rows(len(spread.counts), target))

    def tile(counts: tuple[int, ...], rows: int) -> Any:
        return make_tile((0, 0, _product(shape, spread.lanes, counts, rows)))

    multiply, multiply_tail = (for_each_block(spread, tile, rows) for rows in (size, tail or size))
    blocks, block_bytes, has_tail = block_count(spread), 4 * spread.step, bool(tail)
    v_tile, m_tile, places = 4 * size, 4 * size * filters, WINOGRAD_PLACES

    def kernel(v, w, m, count):
        for place in range(places):
            for block in range(blocks):
                v_at, w_at = v + place * v_place, w + place * w_place + block * block_bytes
                m_at = m + place * m_place + block * block_bytes
                for _ in range(tiles):
                    multiply(block, v_at, w_at, 0, m_at, 0, count)
                    v_at, m_at = v_at + v_tile, m_at + m_tile
                if has_tail:
                    multiply_tail(block, v_at, w_at, 0, m_at, 0, count)

    return kernel


def _product(shape: ConvShape, lanes: int, counts: tuple[int, ...], rows: int) -> Tile:
    """`rows` channels of one place, over as many tiles as the call says."""
    return Tile(
        lanes=lanes,
        counts=counts,
        x_pixels=tuple(range(rows)),
        y_pixels=tuple(row * shape.filters for row in range(rows)),
        rows=1,
        row_step=0,
        run=0,
        x_step=shape.channels,
        weight_step=shape.filters,
        start="load",
    )


def _add(shape: ConvShape, target: Target, m_place: int) -> Callable[..., None]:
    """add(m, dw) transforms the sums and adds them. Loops: channels, vectors of filters."""
    channels, filters = shape.channels, shape.filters
    lanes = tuned.vectors(filters, target, 1).lanes
    transform = make_sum_transform(lanes, m_place // 4, channels * filters)
    numbers, step = 4 * channels * filters, 4 * lanes

    def kernel(m, dw):
        for skip in range(0, numbers, step):
            transform(m + skip, dw + skip)

    return kernel
