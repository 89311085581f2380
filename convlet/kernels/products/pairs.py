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
from convlet.kernels.calling.frame import COUNT
from convlet.kernels.calling.operands import operand
from convlet.kernels.shapes import FEW_FILTERS, ConvShape
from convlet.kernels.target import Target
from convlet.kernels.vectors.llvm import F32, F64, I32, I64, at, counted_loop, fma, load_lanes, splat, store_lanes

SLOT = FEW_FILTERS  # lanes of one input's filters


def filter_gradient_few(shape: ConvShape, first: int, target: Target) -> Callable[..., None]:
    """Operands: x, dy, dw (KH, KW, C, F), db (F,); dw and db go on from what they hold. Filters from `first` on.

    Loops: images, and for large filters rows of the filter and tiles along a row; a call takes all rows and columns of
    one image for a tile, or for all tiles if there are few.
    """
    filters = shape.filters - first
    x_image, dy_image = 4 * shape.x.image, 4 * shape.y.image
    if vectors_of(shape, 2) > tuned.MOST_WRITTEN:
        moving = MovingTile.of(shape, 2, tuned.FILTER_GRADIENT_SUMS)
        body, tail = (make_pairs(shape, filters, [pairs], False) for pairs in (moving.pairs, moving.tail))
        bias = make_pairs(shape, filters, [[]], True)
        size, count, has_tail = shape.size, moving.count, bool(moving.tail)
        x_step, dw_step, x_row, dw_row = moving.x_step, moving.dw_step, moving.x_row, moving.dw_row

        def looped(operands, frame):
            dws, db = operand(operands, frame, 2) + 4 * first, operand(operands, frame, 3) + 4 * first
            for image in range(frame[COUNT]):
                xs = operand(operands, frame, 0) + image * x_image
                dy = operand(operands, frame, 1) + image * dy_image + 4 * first
                bias(xs, dy, dws, db)
                for kh in range(size):
                    x, dw = xs + kh * x_row, dws + kh * dw_row
                    for _ in range(count):
                        body(x, dy, dw, db)
                        x, dw = x + x_step, dw + dw_step
                    if has_tail:
                        tail(x, dy, dw, db)

        return looped
    accumulate = make_pairs(shape, filters, tiles_of(shape, 2, tuned.FILTER_GRADIENT_SUMS), True)

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


def vectors_of(shape: ConvShape, together: int) -> int:
    """Vectors that the filter's inputs take, `together` in one: up to 16 million, so they are counted, not listed."""
    return shape.size * -(-shape.size * shape.channels // together)


def tiles_of(shape: ConvShape, together: int, most: int) -> list[list[Pair]]:
    """The filter's inputs, `together` in a vector, cut into tiles of at most so many vectors."""
    run = shape.size * shape.channels
    pairs = [
        Pair(kh * shape.x.row + i, kh * run + i, min(together, run - i))
        for kh in range(shape.size)
        for i in range(0, run, together)
    ]
    size = tuned.split(len(pairs), most)[0]
    return [pairs[first : first + size] for first in range(0, len(pairs), size)]


@dataclass(frozen=True)
class MovingTile:
    """A tile that a loop moves along each row of the filter's inputs, so that the code does not grow with the filter.

    pairs, tail : of the tile at the beginning of a row, and of the inputs left over at its end
    count : tiles in a row, without the tail
    x_step, dw_step, x_row, dw_row : bytes from tile to tile and from row to row, in x and in dw
    """

    pairs: list[Pair]
    tail: list[Pair]
    count: int
    x_step: int
    dw_step: int
    x_row: int
    dw_row: int

    @classmethod
    def of(cls, shape: ConvShape, together: int, most: int) -> MovingTile:
        """Of the filter's inputs, `together` in a vector, with at most so many vectors in a tile."""
        run, filters = shape.size * shape.channels, shape.filters
        width = together * most
        pairs, tail = (
            [Pair(i, i, min(together, inputs - i)) for i in range(0, inputs, together)]
            for inputs in (min(width, run), run % width)
        )
        return cls(pairs, tail, run // width, 4 * width, 4 * width * filters, 4 * shape.x.row, 4 * run * filters)


def make_pairs(shape: ConvShape, filters: int, tiles: list[list[Pair]], bias: bool) -> Any:
    """accumulate(x, dy, dw, db) adds one image's share, tile by tile; the first tile adds up the bias if asked to."""

    @intrinsic
    def accumulate(typing_context, x, dy, dw, db):
        def code(context, builder, signature, arguments):
            x, dy, dw, db = (builder.inttoptr(address, ir.PointerType()) for address in arguments)
            for number, pairs in enumerate(tiles):
                GradientTile(builder, shape, filters, pairs).tile(x, dy, dw, db if bias and not number else None)

        return types.void(*[types.int64] * 4), code

    return accumulate


class GradientTile:
    """Writes the instructions of one tile, which also adds up the bias gradient if it is given db.

    slot : lanes of one input's filters; together : inputs that share a vector, 2 or 1
    """

    def __init__(
        self, builder: Any, shape: ConvShape, filters: int, pairs: list[Pair], slot: int = SLOT, together: int = 2
    ) -> None:
        self.builder, self.shape, self.filters, self.pairs = builder, shape, filters, pairs
        self.slot, self.together, self.lanes = slot, together, slot * together

    def tile(self, x: Any, dy: Any, dw: Any, db: Any) -> None:
        shape = self.shape
        sums = [self.load(dw, pair) for pair in self.pairs]
        sums += [] if db is None else [load_lanes(self.builder, db, self.slot, self.filters)]
        steps = [4 * shape.stride * shape.x.row, 4 * shape.y.row]
        sums = counted_loop(self.builder, ir.Constant(I64, shape.height), [x, dy], steps, sums, self.row)
        for pair, held in zip(self.pairs, sums, strict=False):
            self.store(dw, pair, held)
        if db is not None:
            store_lanes(self.builder, sums[-1], db, self.slot, self.filters)

    def row(self, pointers: list[Any], sums: list[Any]) -> list[Any]:
        shape = self.shape
        steps = [4 * shape.stride * shape.x.pixel, 4 * shape.y.pixel]
        return counted_loop(self.builder, ir.Constant(I64, shape.width), pointers, steps, sums, self.pixel)

    def pixel(self, pointers: list[Any], sums: list[Any]) -> list[Any]:
        builder, (x, dy) = self.builder, pointers
        single = load_lanes(builder, dy, self.slot, self.filters)
        repeated = self.repeated(single)
        results = [
            fma(builder, self.inputs(at(builder, x, pair.x), pair.inputs), repeated, held)
            for pair, held in zip(self.pairs, sums, strict=False)
        ]
        return results + [builder.fadd(held, single) for held in sums[len(self.pairs) :]]

    def repeated(self, single: Any) -> Any:
        """Each number of a slot as often as inputs share a vector."""
        return self.shuffle(single, single, [lane // self.together for lane in range(self.lanes)])

    def inputs(self, place: Any, count: int) -> Any:
        """One or two inputs, again and again."""
        if count == 1:
            return splat(self.builder, self.builder.load(place, align=4, typ=F32), self.lanes)
        both = splat(self.builder, self.builder.load(place, align=4, typ=F64), self.slot)
        return self.builder.bitcast(both, ir.VectorType(F32, self.lanes))

    def load(self, dw: Any, pair: Pair) -> Any:
        rows = [load_lanes(self.builder, row, self.slot, self.filters) for row in self.rows(dw, pair)]
        lanes = [lane // self.together + self.slot * (lane % self.together) for lane in range(self.lanes)]
        return self.shuffle(rows[0], rows[1], lanes)

    def store(self, dw: Any, pair: Pair, held: Any) -> None:
        for number, row in enumerate(self.rows(dw, pair)[: pair.inputs]):
            lanes = self.shuffle(held, held, [self.together * lane + number for lane in range(self.slot)])
            store_lanes(self.builder, lanes, row, self.slot, self.filters)

    def rows(self, dw: Any, pair: Pair) -> tuple[Any, Any]:
        """The rows of dw of a pair's inputs; of a single input the same twice."""
        filters = self.shape.filters
        rows = pair.row, pair.row + pair.inputs - 1
        return at(self.builder, dw, rows[0] * filters), at(self.builder, dw, rows[1] * filters)

    def shuffle(self, a: Any, b: Any, lanes: list[int]) -> Any:
        if lanes == list(range(a.type.count)):
            return a
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(lanes)), lanes))
