"""Filter gradient of a convolution whose outputs were pooled, straight from the gradient of the pooled values.

    dw[i, f] = sum over pooled pixels of  x[the winner's window, i] * dy[pixel, f]

i counts taps and channels. Each pooled pixel is met at all four of its places, with dy where the winner is and 0
elsewhere, so nothing is expanded in memory. Each place has sums of its own: sum 0 goes on from dw, and an image's
share is (sum 0 + sum 1) + (sum 2 + sum 3), whatever the width of the vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.extending import intrinsic
from numba.extending import register_jitable

from convlet.kernels import tuned
from convlet.kernels.calling.frame import COUNT
from convlet.kernels.calling.operands import operand
from convlet.kernels.products.pairs import SLOT, GradientTile, MovingTile, Pair, tiles_of, vectors_of
from convlet.kernels.shapes import NO_WINNER, ConvShape
from convlet.kernels.target import Target
from convlet.kernels.vectors.llvm import (
    I32,
    I64,
    at,
    constant,
    counted_loop,
    fma,
    load_byte_lanes,
    load_lanes,
    store_lanes,
)

PLACES = 4

MOST_VECTORS = 3
"""Vectors of inputs in a tile; each has PLACES sums in registers."""


def pooled_filter_gradient(shape: ConvShape, target: Target) -> Callable[..., None]:
    """Operands: x, dy (pooled), winners (n, OH / 2, OW / 2, F) bytes, dw (KH, KW, C, F), db (F,).

    Loops: blocks of filters, images; a call takes all pooled pixels of an image for each tile in turn.
    """
    lanes = target.lanes
    blocks, left = divmod(shape.filters, lanes)
    paired = lanes >= 2 * SLOT and left <= SLOT
    whole = _make(shape, lanes, lanes, 1)
    edge = _make(shape, left or lanes, SLOT if paired else lanes, 2 if paired else 1)
    x_image, dy_image = 4 * shape.x.image, 4 * shape.y.image
    winners_image, has_edge = shape.height // 2 * (shape.width // 2) * shape.filters, bool(left)

    def kernel(operands, frame):
        for block in range(blocks + has_edge):
            first = block * lanes
            for image in range(frame[COUNT]):
                x = operand(operands, frame, 0) + image * x_image
                dy = operand(operands, frame, 1) + image * dy_image + 4 * first
                winners = operand(operands, frame, 2) + image * winners_image + first
                dw, db = operand(operands, frame, 3) + 4 * first, operand(operands, frame, 4) + 4 * first
                if block < blocks:
                    whole(x, dy, winners, dw, db)
                elif has_edge:
                    edge(x, dy, winners, dw, db)

    return kernel


def _make(shape: ConvShape, filters: int, slot: int, together: int) -> Any:
    """accumulate(x, dy, winners, dw, db) adds one image's share; of many tiles, a loop moves one along the filter."""
    if vectors_of(shape, together) <= tuned.MOST_WRITTEN:
        return _tiles(shape, filters, slot, together, tiles_of(shape, together, MOST_VECTORS), True)
    moving = MovingTile.of(shape, together, MOST_VECTORS)
    body, tail, bias = (
        _tiles(shape, filters, slot, together, [pairs], pairs == []) for pairs in (moving.pairs, moving.tail, [])
    )
    size, count, has_tail = shape.size, moving.count, bool(moving.tail)
    x_step, dw_step, x_row, dw_row = moving.x_step, moving.dw_step, moving.x_row, moving.dw_row

    @register_jitable
    def accumulate(x, dy, winners, dw, db):
        bias(x, dy, winners, dw, db)
        for kh in range(size):
            x_at, dw_at = x + kh * x_row, dw + kh * dw_row
            for _ in range(count):
                body(x_at, dy, winners, dw_at, db)
                x_at, dw_at = x_at + x_step, dw_at + dw_step
            if has_tail:
                tail(x_at, dy, winners, dw_at, db)

    return accumulate


def _tiles(shape: ConvShape, filters: int, slot: int, together: int, tiles: list[list[Pair]], bias: bool) -> Any:
    """accumulate(x, dy, winners, dw, db), tile by tile; the first tile adds up the bias if asked to."""

    @intrinsic
    def accumulate(typing_context, x, dy, winners, dw, db):
        def code(context, builder, signature, arguments):
            x, dy, winners, dw, db = (builder.inttoptr(address, ir.PointerType()) for address in arguments)
            for number, pairs in enumerate(tiles):
                tile = _PooledTile(builder, shape, filters, pairs, slot, together)
                tile.run(x, dy, winners, dw, db if bias and not number else None)

        return types.void(*[types.int64] * 5), code

    return accumulate


class _PooledTile(GradientTile):
    """A tile with four sums a vector, one for each place of a pooled pixel."""

    def run(self, x: Any, dy: Any, winners: Any, dw: Any, db: Any) -> None:
        shape, builder = self.shape, self.builder
        zero = constant(0.0, self.lanes)
        sums = [value for pair in self.pairs for value in (self.load(dw, pair), zero, zero, zero)]
        sums += [] if db is None else [load_lanes(builder, db, self.slot, self.filters)]
        steps = [8 * shape.stride * shape.x.row, 4 * shape.y.row, shape.width // 2 * shape.filters]
        rows = ir.Constant(I64, shape.height // 2)
        sums = counted_loop(builder, rows, [x, dy, winners], steps, sums, self.row)
        for number, pair in enumerate(self.pairs):
            one, two, three, four = sums[PLACES * number : PLACES * (number + 1)]
            self.store(dw, pair, builder.fadd(builder.fadd(one, two), builder.fadd(three, four)))
        if db is not None:
            store_lanes(builder, sums[-1], db, self.slot, self.filters)

    def row(self, pointers: list[Any], sums: list[Any]) -> list[Any]:
        shape = self.shape
        steps = [8 * shape.stride * shape.x.pixel, 4 * shape.y.pixel, shape.filters]
        return counted_loop(self.builder, ir.Constant(I64, shape.width // 2), pointers, steps, sums, self.pixel)

    def pixel(self, pointers: list[Any], sums: list[Any]) -> list[Any]:
        shape, builder, (x, dy, winners) = self.shape, self.builder, pointers
        single = load_lanes(builder, dy, self.slot, self.filters)
        winner = load_byte_lanes(builder, winners, self.slot, self.filters)
        results = list(sums)
        gradients, winner_lanes = self.repeated(single), self.repeated(winner)
        for place in range(PLACES):
            here = self.where(winner_lanes, place, gradients)
            corner = shape.stride * (place // 2 * shape.x.row + place % 2 * shape.x.pixel)
            for number, pair in enumerate(self.pairs):
                factor = self.inputs(at(builder, x, corner + pair.x), pair.inputs)
                results[PLACES * number + place] = fma(builder, factor, here, results[PLACES * number + place])
        if len(sums) > PLACES * len(self.pairs):
            zero = constant(0.0, self.slot)
            none = ir.Constant(ir.VectorType(I32, self.slot), [NO_WINNER] * self.slot)
            kept = builder.select(builder.icmp_signed("!=", winner, none), single, zero)
            results[-1] = builder.fadd(results[-1], kept)
        return results

    def where(self, winners: Any, place: int, gradients: Any) -> Any:
        """The gradient where this place won, else 0."""
        wanted = ir.Constant(ir.VectorType(I32, self.lanes), [place] * self.lanes)
        return self.builder.select(
            self.builder.icmp_signed("==", winners, wanted), gradients, constant(0.0, self.lanes)
        )
