"""Dense layers on the same register tile: images take the place of pixels.

    y[n, u]  = b[u] + sum over k of  x[n, k] * w[k, u]
    dw[k, u] =        sum over n of  x[n, k] * dy[n, u]
    db[u]    =        sum over n of  dy[n, u]

With transposed weights the first is also the gradient of the input. Preconditions: an image's inputs and outputs
each lie without gaps; arrays do not overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convlet.kernels import tuned
from convlet.kernels.calling.frame import COUNT
from convlet.kernels.calling.operands import operand
from convlet.kernels.products.blocks import block_count, for_each_block
from convlet.kernels.products.tile import Tile, make_tile
from convlet.kernels.shapes import DenseShape
from convlet.kernels.target import Target


def dense(shape: DenseShape, target: Target) -> Callable[..., None]:
    """Operands: x (n, K), w (K, rows x U), b (U,), y (n, rows, U), mask (n, rows, U).

    Loops: rows of outputs, blocks of units, tiles of many images, then of a few, then of one.
    """
    spread = tuned.vectors(shape.units, target)
    sizes = tuned.dense_images(target)

    def tile(counts: tuple[int, ...], images: int) -> Any:
        return make_tile((0, 0, _dense_tile(shape, spread.lanes, counts, images)))

    many, few, one = (for_each_block(spread, tile, images) for images in sizes)
    at_once, at_least = sizes[:2]
    mask = shape.mask or shape.y
    x_image, y_image, m_image = 4 * shape.x, 4 * shape.y.image, 4 * mask.image
    rows, w_row, y_row, m_row = shape.rows, 4 * shape.units, 4 * shape.y.row, 4 * mask.row
    block_bytes, per_row = 4 * spread.step, block_count(spread)

    def kernel(operands, frame):
        count = frame[COUNT]
        for piece in range(rows * per_row):
            row, block = piece // per_row, piece % per_row
            skip = block * block_bytes
            xs, b = operand(operands, frame, 0), operand(operands, frame, 2) + skip
            w = operand(operands, frame, 1) + skip + row * w_row
            ys = operand(operands, frame, 3) + skip + row * y_row
            ms = operand(operands, frame, 4) + skip + row * m_row
            image = 0
            while image < count:
                x, y, m = xs + image * x_image, ys + image * y_image, ms + image * m_image
                if count - image >= at_once:
                    many(block, x, w, b, y, m, 0)
                    image += at_once
                elif count - image >= at_least:
                    few(block, x, w, b, y, m, 0)
                    image += at_least
                else:
                    one(block, x, w, b, y, m, 0)
                    image += 1

    return kernel


def _dense_tile(shape: DenseShape, lanes: int, counts: tuple[int, ...], images: int) -> Tile:
    mask = shape.mask or shape.y
    return Tile(
        lanes=lanes,
        counts=counts,
        x_pixels=tuple(image * shape.x for image in range(images)),
        y_pixels=tuple(image * shape.y.image for image in range(images)),
        rows=1,
        row_step=0,
        run=shape.inputs,
        weight_step=shape.rows * shape.units,
        start=shape.start,
        finish=shape.finish,
        mask_pixels=tuple(image * mask.image for image in range(images)),
    )


def dense_filter_gradient(shape: DenseShape, target: Target) -> Callable[..., None]:
    """Operands: x (n, K), dy (n, U), dw (K, U), db (U,); dw and db go on from what they hold.

    Loops: blocks of units, tiles of inputs; the running index goes along images.
    """
    spread = tuned.vectors(shape.units, target)
    size, tiles, tail = tuned.split(shape.inputs, tuned.filter_gradient_rows(len(spread.counts), target))

    def tile(counts: tuple[int, ...], rows: int, ones: bool) -> Any:
        return make_tile((0, 0, _gradient_tile(shape, spread.lanes, counts, rows, ones)))

    sizes = ((size, True), (size, False), (tail or size, False))
    first, multiply, last = (for_each_block(spread, tile, *one) for one in sizes)
    x_tile, w_tile, block_bytes = 4 * size, 4 * size * shape.units, 4 * spread.step
    blocks, has_tail = block_count(spread), bool(tail)

    def kernel(operands, frame):
        count = frame[COUNT]
        for block in range(blocks):
            skip = block * block_bytes
            x, dy = operand(operands, frame, 0), operand(operands, frame, 1) + skip
            dw, db = operand(operands, frame, 2) + skip, operand(operands, frame, 3) + skip
            first(block, x, dy, db, dw, 0, count)
            for tile in range(1, tiles):
                multiply(block, x + tile * x_tile, dy, db, dw + tile * w_tile, 0, count)
            if has_tail:
                last(block, x + tiles * x_tile, dy, db, dw + tiles * w_tile, 0, count)

    return kernel


def _gradient_tile(shape: DenseShape, lanes: int, counts: tuple[int, ...], rows: int, ones: bool) -> Tile:
    return Tile(
        lanes=lanes,
        counts=counts,
        x_pixels=tuple(range(rows)),
        y_pixels=tuple(row * shape.units for row in range(rows)),
        rows=1,
        row_step=0,
        run=0,
        x_step=shape.x,
        weight_step=shape.y.image,
        ones=ones,
        start="load",
    )
