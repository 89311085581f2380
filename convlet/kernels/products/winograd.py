"""Winograd's F(2x2, 3x3): a 3x3 convolution with 16 products for each 2x2 outputs, where the direct one has 36.

    y = A' ((G g G') * (B' d B)) A      of 4x4 inputs d, 3x3 filters g, to 2x2 outputs y

Lavin and Gray 2015, "Fast algorithms for convolutional neural networks", section 4.1. The product * is taken place
by place and summed over the channels: for each of the 16 places of a tile it is a matrix product, tiles by channels
times channels by filters, on the register tile of `tile`. Arrays, all float32:

    u  each block of filters (16, C, block)    the filters, transformed once after each update
    v  (16, tiles, C)                          inputs of a few rows of tiles, transformed
    m  (16, tiles, block)                      the products, for one block of filters at a time

Lanes lie along channels in v, along filters in u and m, never along a sum. v and m fit the second-level cache.
Preconditions: `suits_winograd(shape)`; where rows or columns are odd in number, one more of x can be read; u is what
`winograd_filters` wrote; scratch has `tuned.winograd_scratch_bytes(shape)`.
"""

from __future__ import annotations

from collections.abc import Callable

from numba.extending import register_jitable

from convlet.kernels import tuned
from convlet.kernels.calling.frame import COUNT
from convlet.kernels.calling.operands import operand
from convlet.kernels.products.tile import Tile, make_tile, written_strides
from convlet.kernels.products.winograd_tiles import make_filter_transform, make_input_transform, make_output_transform
from convlet.kernels.shapes import WINOGRAD_PLACES, ConvShape, PackShape, winograd_tiles
from convlet.kernels.target import Target

GAP = 4 * tuned.WINOGRAD_GAP  # bytes


def winograd(shape: ConvShape, target: Target) -> Callable[..., None]:
    """Operands: x, u, b (F,), y, mask (for pooled outputs, the winners), scratch. Otherwise as `conv`.

    Loops: groups of rows of tiles (an image's rows after another's), blocks of filters.
    """
    (down, across), together = winograd_tiles(shape), tuned.winograd_rows(shape)
    spread = tuned.vectors(shape.filters, target)
    blocks, step, channels = spread.blocks, spread.step, shape.channels
    whole, edge = (
        register_jitable(_block(shape, target, counts)) for counts in (spread.counts, spread.edge or spread.counts)
    )
    has_edge, places = bool(spread.edge), WINOGRAD_PLACES
    transform = register_jitable(transformed_inputs(shape, target, _v_place(shape)))
    y_channel, mask_channel = (strides[3] for strides in written_strides(shape))
    u_block, y_block, mask_block = 4 * places * channels * step, y_channel * step, mask_channel * step
    m_offset = places * (4 * (together * across + tuned.WINOGRAD_SLACK) * channels + GAP)

    def kernel(operands, frame):
        v = operand(operands, frame, 5)
        m = v + m_offset
        rows = frame[COUNT] * down
        for first in range(0, rows, together):
            last = min(first + together, rows)
            transform(operand(operands, frame, 0), v, first, last)
            u, b, y = operand(operands, frame, 1), operand(operands, frame, 2), operand(operands, frame, 3)
            mask = operand(operands, frame, 4)
            for _ in range(blocks):
                whole(v, u, m, b, y, mask, first, last)
                u, b, y, mask = u + u_block, b + 4 * step, y + y_block, mask + mask_block
            if has_edge:
                edge(v, u, m, b, y, mask, first, last)

    return kernel


def _v_place(shape: ConvShape) -> int:
    """Bytes of v from one place to the next: not a power of two, so that the places do not share cache sets."""
    (_, across), together = winograd_tiles(shape), tuned.winograd_rows(shape)
    return 4 * (together * across + tuned.WINOGRAD_SLACK) * shape.channels + GAP


def transformed_inputs(shape: ConvShape, target: Target, place: int) -> Callable[..., None]:
    """transform(x, v, first, last) writes v for these rows of tiles. Loops: rows, vectors of channels, tiles.

    place : bytes of v from one place of a tile to the next
    """
    down, across = winograd_tiles(shape)
    lanes = tuned.vectors(shape.channels, target, 1).lanes
    transform = make_input_transform(shape.x, lanes, across, shape.channels, place // 4)
    x_image, x_row, v_row = 4 * shape.x.image, 8 * shape.x.row, 4 * across * shape.channels
    row_bytes, vector_bytes = 4 * shape.channels, 4 * lanes

    def kernel(xs, v, first, last):
        for row in range(first, last):
            image = row // down
            x = xs + image * x_image + (row - image * down) * x_row
            for skip in range(0, row_bytes, vector_bytes):
                transform(x + skip, v + (row - first) * v_row + skip)

    return kernel


def _block(shape: ConvShape, target: Target, counts: tuple[int, ...]) -> Callable[..., None]:
    """One block of filters: the products, then the outputs of these rows of tiles."""
    (down, across), together = winograd_tiles(shape), tuned.winograd_rows(shape)
    channels, width = shape.channels, sum(counts)
    size = tuned.split(together * across, tuned.pixels(len(counts), target))[0]
    multiply = make_tile((0, 0, _product(channels, size, counts)))
    v_place, m_place = _v_place(shape), 4 * (together * across + tuned.WINOGRAD_SLACK) * width + GAP
    u_place, v_tile, m_tile = 4 * channels * width, 4 * size * channels, 4 * size * width
    places = WINOGRAD_PLACES
    store = register_jitable(_outputs(shape, counts, m_place // 4))
    (y_image, y_row, *_), (mask_image, mask_row, *_) = written_strides(shape)
    stored = 1 if shape.pooled else 2
    y_row, mask_row, m_row = stored * y_row, stored * mask_row, 4 * across * width

    def kernel(v, u, m, b, y, mask, first, last):
        tiles = ((last - first) * across + size - 1) // size
        for place in range(places):
            u_at, v_at, m_at = u + place * u_place, v + place * v_place, m + place * m_place
            for _ in range(tiles):
                multiply(v_at, u_at, 0, m_at, 0, 0)
                v_at, m_at = v_at + v_tile, m_at + m_tile
        for row in range(first, last):
            image = row // down
            at = row - image * down
            y_at = y + image * y_image + at * y_row
            store(m + (row - first) * m_row, b, y_at, mask + image * mask_image + at * mask_row, at == down - 1)

    return kernel


def _product(channels: int, size: int, counts: tuple[int, ...]) -> Tile:
    """`size` tiles of one place; those behind the last are computed too, and never read."""
    return Tile(
        lanes=counts[0],
        counts=counts,
        x_pixels=tuple(tile * channels for tile in range(size)),
        y_pixels=tuple(tile * sum(counts) for tile in range(size)),
        rows=1,
        row_step=0,
        run=channels,
        weight_step=sum(counts),
        start="zero",
    )


def _outputs(shape: ConvShape, counts: tuple[int, ...], place: int) -> Callable[..., None]:
    """store(m, b, y, mask, last) writes the outputs of one row of tiles; the last row and tile may be cut off."""
    _, across = winograd_tiles(shape)
    odd_rows, odd_columns = shape.height % 2, shape.width % 2
    whole, last_column, last_row, corner = (
        make_output_transform(shape, counts, place, rows, columns)
        for rows in (2, 2 - odd_rows)
        for columns in (2, 2 - odd_columns)
    )
    (_, _, y_tile, _), (_, _, mask_tile, _) = written_strides(shape)
    stored, full = 1 if shape.pooled else 2, across - odd_columns
    y_tile, mask_tile, m_tile = stored * y_tile, stored * mask_tile, 4 * sum(counts)

    def whole_row(m, b, y, mask, last):
        for _ in range(full):
            whole(m, b, y, mask)
            m, y, mask = m + m_tile, y + y_tile, mask + mask_tile

    def any_row(m, b, y, mask, last):
        for _ in range(full):
            if last:
                last_row(m, b, y, mask)
            else:
                whole(m, b, y, mask)
            m, y, mask = m + m_tile, y + y_tile, mask + mask_tile
        if full < across:
            if last:
                corner(m, b, y, mask)
            else:
                last_column(m, b, y, mask)

    return any_row if odd_rows or odd_columns else whole_row


def winograd_filters(shape: PackShape, target: Target) -> Callable[..., None]:
    """Operands: w (3, 3, C, F), u. Loops: blocks of filters, channels, vectors."""
    spread = tuned.vectors(shape.units, target)
    inputs, units, lanes, step = shape.inputs, shape.units, spread.lanes, spread.step
    row_bytes, places = 4 * units, WINOGRAD_PLACES
    edge = sum(spread.edge) or step
    whole, last = (make_filter_transform(lanes, inputs * units, inputs * width) for width in (step, edge))

    def kernel(operands, frame):
        w, u = operand(operands, frame, 0), operand(operands, frame, 1)
        for first in range(0, units, step):
            width = min(step, units - first)
            for channel in range(inputs):
                w_at = w + 4 * first + channel * row_bytes
                u_at = u + 4 * (places * first * inputs + channel * width)
                for number in range(0, width, lanes):
                    if width == step:
                        whole(w_at + 4 * number, u_at + 4 * number)
                    else:
                        last(w_at + 4 * number, u_at + 4 * number)

    return kernel
