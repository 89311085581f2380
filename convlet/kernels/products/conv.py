"""Convolution: forward (which, on flipped filters, is also the gradient of the input) and filter gradient.

    y[n, oy, ox, f]    = b[f] + sum over kh, kw, c of  x[n, oy*S + kh, ox*S + kw, c] * w[kh, kw, c, f]
    dw[kh, kw, c, f]   =        sum over n, oy, ox of  x[n, oy*S + kh, ox*S + kw, c] * dy[n, oy, ox, f]
    db[f]              =        sum over n, oy, ox of  dy[n, oy, ox, f]

x is read inside its halo of zeros, so padding never shows here. Preconditions: every operand's address is that of
its first used element, halos included in x; arrays do not overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.extending import register_jitable

from convlet.kernels import tuned
from convlet.kernels.calling.frame import COUNT
from convlet.kernels.calling.operands import operand
from convlet.kernels.products.blocks import block_count, for_each_block
from convlet.kernels.products.pairs import filter_gradient_few
from convlet.kernels.products.sweep import conv_few
from convlet.kernels.products.tile import Tile, make_tile, written_strides
from convlet.kernels.shapes import FEW_FILTERS, ConvShape
from convlet.kernels.target import Target


def conv(shape: ConvShape, target: Target) -> Callable[..., None]:
    """Operands: x, w (KH, KW, C, F), b (F,), y, mask; for pooled outputs, winners (n, OH / 2, OW / 2, F) bytes as mask.

    Whole vectors of filters come first, then the few that are left over.
    """
    many, few = split_filters(shape.filters)
    parts = [_conv_many(shape, many, target)] if many else []
    return one_after_the_other(parts + ([conv_few(shape, many, target)] if few else []))


def split_filters(filters: int) -> tuple[int, int]:
    """How many filters go in whole vectors of sixteen, and how few are left for the kernels of few filters."""
    left = filters % (2 * FEW_FILTERS)
    few = left if left <= FEW_FILTERS else 0
    return filters - few, few


def one_after_the_other(parts: list[Callable[..., None]]) -> Callable[..., None]:
    """A kernel that runs one or two kernels on the same operands."""
    if len(parts) == 1:
        return parts[0]
    first, second = (register_jitable(part) for part in parts)

    def kernel(operands, frame):
        first(operands, frame)
        second(operands, frame)

    return kernel


def _conv_many(shape: ConvShape, filters: int, target: Target) -> Callable[..., None]:
    """The first `filters` filters. Loops: blocks of them, images, rows (or groups of short rows), tiles along a row."""
    spread = tuned.vectors(filters, target)
    rows, size, tiles, tail = _tiling(shape, len(spread.counts), target)

    def tile(counts: tuple[int, ...], columns: int) -> Any:
        return make_tile((0, 0, _conv_tile(shape, spread.lanes, counts, rows, columns)))

    multiply, multiply_tail = (for_each_block(spread, tile, columns) for columns in (size, tail or size))
    x_image, x_row, x_tile = (4 * n for n in (shape.x.image, shape.x.row * shape.stride, shape.x.pixel * shape.stride))
    (y_image, y_row, y_tile, y_channel), (m_image, m_row, m_tile, m_channel) = written_strides(shape)
    stored = (rows // 2, size // 2) if shape.pooled else (rows, size)
    x_row, y_row, m_row = x_row * rows, y_row * stored[0], m_row * stored[0]
    x_tile, y_tile, m_tile = x_tile * size, y_tile * stored[1], m_tile * stored[1]
    row_steps, blocks, channels, has_tail = shape.height // rows, block_count(spread), spread.step, bool(tail)

    def kernel(operands, frame):
        for block in range(blocks):
            channel = block * channels
            xs, w, b = operand(operands, frame, 0), operand(operands, frame, 1), operand(operands, frame, 2)
            ys, masks = operand(operands, frame, 3) + channel * y_channel, operand(operands, frame, 4)
            masks += channel * m_channel
            w, b = w + 4 * channel, b + 4 * channel
            for image in range(frame[COUNT]):
                for row in range(row_steps):
                    x_at = xs + image * x_image + row * x_row
                    y_at = ys + image * y_image + row * y_row
                    m_at = masks + image * m_image + row * m_row
                    for _ in range(tiles):
                        multiply(block, x_at, w, b, y_at, m_at, 0)
                        x_at, y_at, m_at = x_at + x_tile, y_at + y_tile, m_at + m_tile
                    if has_tail:
                        multiply_tail(block, x_at, w, b, y_at, m_at, 0)

    return kernel


def _tiling(shape: ConvShape, vector_count: int, target: Target) -> tuple[int, int, int, int]:
    """Rows and columns of a tile, tiles along a row, columns of the tile left over."""
    most = tuned.pixels(vector_count, target)
    if shape.pooled:
        size, tiles, tail = tuned.split(shape.width // 2, max(1, most // 4))
        return 2, 2 * size, tiles, 2 * tail
    size, tiles, tail = tuned.split(shape.width, most)
    rows = tuned.rows_together(shape.height, size, vector_count, most) if tiles == 1 and not tail else 1
    return rows, size, tiles, tail


def _conv_tile(shape: ConvShape, lanes: int, counts: tuple[int, ...], rows: int, size: int) -> Tile:
    places = [(row, column) for row in range(rows) for column in range(size)]
    written = [(0, column) for column in range(size // 2)] if shape.pooled else places
    mask = shape.mask or shape.y
    winners = tuple(column * shape.filters for _, column in written)
    return Tile(
        lanes=lanes,
        counts=counts,
        x_pixels=tuple(shape.stride * (r * shape.x.row + c * shape.x.pixel) for r, c in places),
        y_pixels=tuple(r * shape.y.row + c * shape.y.pixel for r, c in written),
        rows=shape.size,
        row_step=shape.x.row,
        run=shape.size * shape.channels,
        weight_step=shape.filters,
        weight_row_step=shape.size * shape.channels * shape.filters,
        start=shape.start,
        finish=shape.finish,
        mask_pixels=winners if shape.pooled else tuple(r * mask.row + c * mask.pixel for r, c in written),
        pooled=shape.pooled,
    )


def conv_filter_gradient(shape: ConvShape, target: Target) -> Callable[..., None]:
    """Operands: x, dy, dw (KH, KW, C, F), db (F,); dw and db go on from what they hold."""
    many, few = split_filters(shape.filters)
    if target.lanes < 2 * FEW_FILTERS:  # few filters fill a vector
        return _filter_gradient_many(shape, shape.filters, target)
    parts = [_filter_gradient_many(shape, many, target)] if many else []
    return one_after_the_other(parts + ([filter_gradient_few(shape, many, target)] if few else []))


def _filter_gradient_many(shape: ConvShape, filters: int, target: Target) -> Callable[..., None]:
    """The first `filters` filters.

    Lanes lie along F, the rows of a tile along taps and channels, the running index along pixels. The bias
    gradient is one more row of the first tile, whose input is always one.
    Loops: blocks of output channels, images, rows of the filter, tiles along (tap column, channel).
    """
    spread = tuned.vectors(filters, target)
    most = tuned.filter_gradient_rows(len(spread.counts), target)
    run = shape.size * shape.channels
    # Few channels make short runs, which would leave the units idle: there one tile goes across filter rows, if the
    # tiles of all rows, which are then written out, are not too many.
    looped = run >= most or shape.size * run * len(spread.counts) > tuned.MOST_WRITTEN
    outer = shape.size if looped else 1
    taps = [kh * shape.x.row + i for kh in range(shape.size // outer) for i in range(run)]
    size, tiles, tail = tuned.split(len(taps), most)
    if not looped:
        parts = [taps[at : at + size] for at in range(0, len(taps), size)]
        tiles, tail = 1, 0
    else:
        parts = [taps[:size]]

    def tile(counts: tuple[int, ...], chosen: list[list[int]], ones: bool) -> Any:
        """The tiles of these taps, one after the other; with `ones` the first also sums dy, for the biases."""
        lanes = spread.lanes
        tiles = (_gradient_tile(shape, lanes, counts, part, ones and not at) for at, part in enumerate(chosen))
        places = ((part[0], at * size * shape.filters) for at, part in enumerate(chosen))
        return make_tile(*((*place, one) for place, one in zip(places, tiles, strict=True)))

    last_taps = [taps[: tail or size]]
    first, multiply = (for_each_block(spread, tile, parts, ones) for ones in (True, False))
    last = for_each_block(spread, tile, last_taps, False)
    x_image, dy_image, x_row, w_row = (
        4 * shape.x.image,
        4 * shape.y.image,
        4 * shape.x.row,
        4 * run * shape.filters,
    )
    x_tile, w_tile, block_bytes = 4 * size, 4 * size * shape.filters, 4 * spread.step
    blocks, has_tail = block_count(spread), bool(tail)

    def kernel(operands, frame):
        for block in range(blocks):
            skip = block * block_bytes
            xs, dys = operand(operands, frame, 0), operand(operands, frame, 1) + skip
            dws, db = operand(operands, frame, 2) + skip, operand(operands, frame, 3) + skip
            for image in range(frame[COUNT]):
                x, dy = xs + image * x_image, dys + image * dy_image
                for kh in range(outer):
                    x_at, dw = x + kh * x_row, dws + kh * w_row
                    for tile in range(tiles):
                        if kh == 0 and tile == 0:
                            first(block, x_at, dy, db, dw, 0, 0)
                        else:
                            multiply(block, x_at, dy, db, dw, 0, 0)
                        x_at, dw = x_at + x_tile, dw + w_tile
                    if has_tail:
                        last(block, x_at, dy, db, dw, 0, 0)

    return kernel


def _gradient_tile(shape: ConvShape, lanes: int, counts: tuple[int, ...], taps: list[int], ones: bool) -> Tile:
    return Tile(
        lanes=lanes,
        counts=counts,
        x_pixels=tuple(tap - taps[0] for tap in taps),
        y_pixels=tuple(row * shape.filters for row in range(len(taps))),
        rows=shape.height,
        row_step=shape.stride * shape.x.row,
        run=shape.width,
        x_step=shape.stride * shape.x.pixel,
        weight_step=shape.y.pixel,
        weight_row_step=shape.y.row,
        ones=ones,
        start="load",
    )
