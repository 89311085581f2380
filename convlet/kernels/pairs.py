"""Filter gradient of at most eight filters: two inputs share a vector of sixteen lanes.

    vector   [dw(i, f0) dw(i+1, f0) dw(i, f1) dw(i+1, f1) ... dw(i, f7) dw(i+1, f7)]

i counts taps and channels, which lie side by side in NHWC, so both inputs come with one load of 64 bits spread over
the vector; the gradient of the output comes with each of its numbers twice. Each element is the same chain of fused
multiply-adds over images, rows and columns as in `conv`, so its bits are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.extending import intrinsic

from convlet.kernels import tuned
from convlet.kernels.frame import COUNT
from convlet.kernels.operands import operand
from convlet.kernels.shapes import FEW_FILTERS, ConvShape
from convlet.kernels.simd import F32, F64, I32, I64, at, counted_loop, fma, load_lanes, splat, store_lanes
from convlet.kernels.target import Target

SLOT = FEW_FILTERS  # lanes of one input's filters


def filter_gradient_few(shape: ConvShape, first: int, target: Target) -> Callable[..., None]:
    """Operands: x, dy, dw (KH, KW, C, F), db (F,); dw and db go on from what they hold. Filters from `first` on.

    Loop: images; a call takes all rows and columns of one for each tile in turn.
    """
    accumulate = make_pairs(shape, shape.filters - first, tiles_of(shape, target))
    x_image, dy_image = 4 * shape.x.image, 4 * shape.y.image

    def kernel(operands, frame):
        dw, db = operand(operands, frame, 2) + 4 * first, operand(operands, frame, 3) + 4 * first
        for image in range(frame[COUNT]):
            x = operand(operands, frame, 0) + image * x_image
            dy = operand(operands, frame, 1) + image * dy_image + 4 * first
            accumulate(x, dy, dw, db)

    return kernel


@dataclass(frozen=True)
class Pair:
    """Two neighbouring inputs (or one, where a row of taps is odd): its place in x and in dw / F, in floats."""

    x: int
    row: int
    inputs: int


def tiles_of(shape: ConvShape, target: Target) -> list[list[Pair]]:
    """The filter's inputs in pairs, cut into tiles that fit the registers."""
    run = shape.size * shape.channels
    pairs = [
        Pair(kh * shape.x.row + i, kh * run + i, min(2, run - i)) for kh in range(shape.size) for i in range(0, run, 2)
    ]
    size = tuned.split(len(pairs), tuned.FILTER_GRADIENT_SUMS)[0]
    return [pairs[first : first + size] for first in range(0, len(pairs), size)]


def make_pairs(shape: ConvShape, filters: int, tiles: list[list[Pair]]) -> Any:
    """accumulate(x, dy, dw, db) adds one image's share, tile by tile."""

    @intrinsic
    def accumulate(typing_context, x, dy, dw, db):
        def code(context, builder, signature, arguments):
            x, dy, dw, db = (builder.inttoptr(address, ir.PointerType()) for address in arguments)
            for number, pairs in enumerate(tiles):
                _Emitter(builder, shape, filters, pairs).tile(x, dy, dw, None if number else db)

        return types.void(*[types.int64] * 4), code

    return accumulate


class _Emitter:
    """Writes the instructions of one tile; the first one also adds up the bias gradient."""

    def __init__(self, builder: Any, shape: ConvShape, filters: int, pairs: list[Pair]) -> None:
        self.builder, self.shape, self.filters, self.pairs = builder, shape, filters, pairs

    def tile(self, x: Any, dy: Any, dw: Any, db: Any) -> None:
        shape = self.shape
        sums = [self.load(dw, pair) for pair in self.pairs]
        sums += [] if db is None else [load_lanes(self.builder, db, SLOT, self.filters)]
        steps = [shape.stride * shape.x.row, shape.y.row]
        sums = counted_loop(self.builder, ir.Constant(I64, shape.height), [x, dy], steps, sums, self.row)
        for pair, held in zip(self.pairs, sums, strict=False):
            self.store(dw, pair, held)
        if db is not None:
            store_lanes(self.builder, sums[-1], db, SLOT, self.filters)

    def row(self, pointers: list[Any], sums: list[Any]) -> list[Any]:
        shape = self.shape
        steps = [shape.stride * shape.x.pixel, shape.y.pixel]
        return counted_loop(self.builder, ir.Constant(I64, shape.width), pointers, steps, sums, self.pixel)

    def pixel(self, pointers: list[Any], sums: list[Any]) -> list[Any]:
        builder, (x, dy) = self.builder, pointers
        single = load_lanes(builder, dy, SLOT, self.filters)
        double = self.shuffle(single, single, [lane // 2 for lane in range(2 * SLOT)])
        results = [
            fma(builder, self.inputs(at(builder, x, pair.x), pair.inputs), double, held)
            for pair, held in zip(self.pairs, sums, strict=False)
        ]
        return results + [builder.fadd(held, single) for held in sums[len(self.pairs) :]]

    def inputs(self, place: Any, count: int) -> Any:
        """One or two inputs, again and again."""
        if count == 1:
            return splat(self.builder, self.builder.load(place, align=4, typ=F32), 2 * SLOT)
        both = splat(self.builder, self.builder.load(place, align=4, typ=F64), SLOT)
        return self.builder.bitcast(both, ir.VectorType(F32, 2 * SLOT))

    def load(self, dw: Any, pair: Pair) -> Any:
        first, second = self.rows(dw, pair)
        lanes = [lane // 2 + SLOT * (lane % 2) for lane in range(2 * SLOT)]
        return self.shuffle(*(load_lanes(self.builder, row, SLOT, self.filters) for row in (first, second)), lanes)

    def store(self, dw: Any, pair: Pair, held: Any) -> None:
        for number, row in enumerate(self.rows(dw, pair)[: pair.inputs]):
            lanes = self.shuffle(held, held, [2 * lane + number for lane in range(SLOT)])
            store_lanes(self.builder, lanes, row, SLOT, self.filters)

    def rows(self, dw: Any, pair: Pair) -> tuple[Any, Any]:
        """The rows of dw of a pair's inputs; of a single input the same twice."""
        filters = self.shape.filters
        rows = pair.row, pair.row + pair.inputs - 1
        return at(self.builder, dw, rows[0] * filters), at(self.builder, dw, rows[1] * filters)

    def shuffle(self, a: Any, b: Any, lanes: list[int]) -> Any:
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(lanes)), lanes))
