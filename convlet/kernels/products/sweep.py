"""Convolutions with at most eight filters (or left over): a tile of R rows x T vectors, filled by a sweep over inputs.

Eight filters fill half of a vector of sixteen, so a vector holds Q neighbouring pixels (here Q = 2):

    vector (row, t)   [f0 ... f7 of pixel 2t | f0 ... f7 of pixel 2t + 1]

For one input channel at a time, the weights of all taps lie in registers and the sweep goes through the inputs that the
tile reads, row by row. Each input, spread over the lanes of its pixels, is multiplied for every tap that needs it, so
it is loaded once and not once a tap. An output is one chain of fused multiply-adds, over input channel, then tap row,
then tap column, whatever R, T and Q are.
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
from convlet.kernels.products.tile import finished, store_largest, written_strides
from convlet.kernels.shapes import FEW_FILTERS, ConvShape
from convlet.kernels.target import Target
from convlet.kernels.vectors.llvm import (
    F32,
    I1,
    I32,
    I64,
    at,
    byte_at,
    counted_loop,
    fenced,
    fma,
    load_lanes,
    splat,
    store_lanes,
)

SLOT = FEW_FILTERS  # lanes of a pixel


def conv_few(shape: ConvShape, first: int, target: Target) -> Callable[..., None]:
    """Operands: x, w (KH, KW, C, F), b (F,), y, mask (or winners); see `conv`. The filters from number `first` on.

    Loops: images, tiles down, tiles along a row.
    """
    across = max(1, target.lanes // SLOT)
    rows, vectors = tuned.sweep(shape.height, -(-shape.width // across), target)
    if shape.pooled and vectors * across % 2:  # both pixels of a 2x2 in one tile
        vectors += 1
    down, along = divmod(shape.height, rows), divmod(shape.width, vectors * across)
    tile, tail, low, low_tail = (
        make_sweep(SweepTile(shape, shape.filters - first, target.lanes, tall, wide))
        for tall in (rows, down[1] or rows)
        for wide in (vectors * across, along[1] or vectors * across)
    )
    (y_image, y_row, y_tile, y_channel), (m_image, m_row, m_tile, m_channel) = written_strides(shape)
    stored = (rows // 2, vectors * across // 2) if shape.pooled else (rows, vectors * across)
    y_row, m_row, y_tile, m_tile = y_row * stored[0], m_row * stored[0], y_tile * stored[1], m_tile * stored[1]
    x = shape.x
    x_image, x_row, x_tile = 4 * x.image, 4 * rows * shape.stride * x.row, 4 * vectors * across * shape.stride * x.pixel
    whole_rows, whole_tiles, has_low, has_tail = down[0], along[0], bool(down[1]), bool(along[1])

    def kernel(operands, frame):
        w, b = operand(operands, frame, 1) + 4 * first, operand(operands, frame, 2) + 4 * first
        for image in range(frame[COUNT]):
            xs = operand(operands, frame, 0) + image * x_image
            ys = operand(operands, frame, 3) + image * y_image + first * y_channel
            ms = operand(operands, frame, 4) + image * m_image + first * m_channel
            for row in range(whole_rows):
                x_at, y_at, m_at = xs + row * x_row, ys + row * y_row, ms + row * m_row
                for _ in range(whole_tiles):
                    tile(x_at, w, b, y_at, m_at)
                    x_at, y_at, m_at = x_at + x_tile, y_at + y_tile, m_at + m_tile
                if has_tail:
                    tail(x_at, w, b, y_at, m_at)
            if has_low:
                x_at, y_at, m_at = xs + whole_rows * x_row, ys + whole_rows * y_row, ms + whole_rows * m_row
                for _ in range(whole_tiles):
                    low(x_at, w, b, y_at, m_at)
                    x_at, y_at, m_at = x_at + x_tile, y_at + y_tile, m_at + m_tile
                if has_tail:
                    low_tail(x_at, w, b, y_at, m_at)

    return kernel


@dataclass(frozen=True)
class SweepTile:
    """`rows` x `columns` outputs of `filters` filters of a convolution, in vectors of `lanes` floats."""

    shape: ConvShape
    filters: int
    lanes: int
    rows: int
    columns: int


def make_sweep(tile: SweepTile) -> Any:
    """multiply(x, w, b, y, mask) computes one tile."""

    @intrinsic
    def multiply(typing_context, x, w, b, y, mask):
        def code(context, builder, signature, arguments):
            pointers = [builder.inttoptr(address, ir.PointerType()) for address in arguments]
            _Emitter(builder, tile).tile(*pointers)

        return types.void(*[types.int64] * 5), code

    return multiply


class _Emitter:
    """Writes the instructions of one tile. Sums are found by (row, first column of the vector, part of the slot)."""

    def __init__(self, builder: Any, tile: SweepTile) -> None:
        self.builder, self.shape, self.rows, self.columns = builder, tile.shape, tile.rows, tile.columns
        self.lanes = tile.lanes
        self.across = max(1, tile.lanes // SLOT)
        self.part = min(tile.lanes, SLOT)  # lanes of a pixel in one vector
        self.parts = [(start, min(self.part, tile.filters - start)) for start in range(0, tile.filters, self.part)]
        self.places = [
            (row, column, start)
            for row in range(tile.rows)
            for column in range(0, tile.columns, self.across)
            for start, _ in self.parts
        ]

    def tile(self, x: Any, w: Any, b: Any, y: Any, mask: Any) -> None:
        shape = self.shape
        sums = self.start(b, y)
        steps = [4, 4 * shape.filters]
        sums = counted_loop(self.builder, ir.Constant(I64, shape.channels), [x, w], steps, sums, self.channel)
        self.finish(sums, y, mask)

    def pixel(self, pointer: Any, start: int, count: int) -> Any:
        """One pixel's part of a slot."""
        return load_lanes(self.builder, at(self.builder, pointer, start), self.part, count)

    def repeated(self, slot: Any) -> Any:
        """The same slot for every pixel of a vector."""
        return self.joined([slot] * self.across)

    def joined(self, slots: list[Any]) -> Any:
        """Slots side by side in one vector."""
        if len(slots) == 1:
            return slots[0]
        lanes = ir.Constant(ir.VectorType(I32, self.lanes), list(range(self.lanes)))
        return self.builder.shuffle_vector(slots[0], slots[1], lanes)

    def chosen(self, spread: list[Any]) -> Any:
        """Of whole vectors, each pixel's own lanes."""
        if len(spread) == 1:
            return spread[0]
        lanes = ir.Constant(ir.VectorType(I1, self.lanes), [int(lane < SLOT) for lane in range(self.lanes)])
        return self.builder.select(lanes, *spread)

    def slot(self, vector: Any, number: int) -> Any:
        """One pixel's lanes of a vector."""
        if self.across == 1:
            return vector
        lanes = ir.Constant(ir.VectorType(I32, SLOT), [number * SLOT + lane for lane in range(SLOT)])
        return self.builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), lanes)

    def pixels(self, column: int) -> int:
        """Pixels of the vector at `column` that lie within the tile."""
        return min(self.across, self.columns - column)

    def start(self, b: Any, y: Any) -> list[Any]:
        shape = self.shape
        if shape.start == "zero":
            return [ir.Constant(ir.VectorType(F32, self.lanes), [0.0] * self.lanes) for _ in self.places]
        if shape.start == "bias":
            biases = {start: self.repeated(self.pixel(b, start, count)) for start, count in self.parts}
            return [biases[start] for _, _, start in self.places]
        counts, sums = dict(self.parts), []
        for row, column, start in self.places:
            last = column + self.pixels(column) - 1
            slots = [
                self.pixel(
                    at(self.builder, y, row * shape.y.row + min(column + q, last) * shape.y.pixel), start, counts[start]
                )
                for q in range(self.across)
            ]
            sums.append(self.joined(slots))
        return sums

    def channel(self, pointers: list[Any], sums: list[Any]) -> list[Any]:
        """One input channel: every input of the tile, times every tap that reads it."""
        if self.shape.size > tuned.MOST_SWEPT:
            return self.channel_by_taps(pointers, sums)
        shape, builder, (x, w) = self.shape, self.builder, pointers
        size, stride, held = shape.size, shape.stride, dict(zip(self.places, sums, strict=True))
        weights = {
            (kh, kw, start): self.repeated(
                self.pixel(at(builder, w, (kh * size + kw) * shape.channels * shape.filters), start, count)
            )
            for kh in range(size)
            for kw in range(size)
            for start, count in self.parts
        }
        last, known = (self.columns - 1) * stride + size - 1, dict[int, dict[int, Any]]()
        for (i, j), taps in self.readers():
            spread = known.setdefault(i, {})
            inputs = self.chosen([self.spread(spread, x, i, min(j + q * stride, last)) for q in range(self.across)])
            for kh, kw in taps:
                for start, _ in self.parts:
                    place = (i - kh) // stride, (j - kw) // stride, start
                    held[place] = fma(builder, inputs, weights[kh, kw, start], held[place])
        return list(held.values())

    def readers(self) -> list[tuple[tuple[int, int], list[tuple[int, int]]]]:
        """The inputs that the first pixels of vectors read, row by row, each with the taps that read it."""
        size, stride = self.shape.size, self.shape.stride
        taps: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for kh in range(size):
            for kw in range(size):
                for row in range(self.rows):
                    for column in range(0, self.columns, self.across):
                        taps.setdefault((row * stride + kh, column * stride + kw), []).append((kh, kw))
        return sorted(taps.items())

    def channel_by_taps(self, pointers: list[Any], sums: list[Any]) -> list[Any]:
        """One input channel of a large filter: loops over tap rows and tap columns, so that the code does not grow.

        Each output has the same chain of sums as in a sweep: tap row, then tap column.
        """
        shape, builder, size = self.shape, self.builder, ir.Constant(I64, self.shape.size)
        pixel, tap = 4 * shape.x.pixel, 4 * shape.channels * shape.filters

        def columns(row: list[Any], held: list[Any]) -> list[Any]:
            return counted_loop(builder, size, row, [pixel, tap], held, self.tap)

        return counted_loop(builder, size, pointers, [4 * shape.x.row, shape.size * tap], sums, columns)

    def tap(self, pointers: list[Any], sums: list[Any]) -> list[Any]:
        """One tap of one input channel, for every output of the tile."""
        shape, builder, (x, w) = self.shape, self.builder, pointers
        weights = {start: self.repeated(self.pixel(w, start, count)) for start, count in self.parts}
        inputs: dict[tuple[int, int], Any] = {}
        results = []
        for (row, column, start), held in zip(self.places, sums, strict=True):
            if (row, column) not in inputs:
                known: dict[int, Any] = {}
                last = column + self.pixels(column) - 1
                inputs[row, column] = self.chosen(
                    [
                        self.spread(known, x, row * shape.stride, min(column + q, last) * shape.stride)
                        for q in range(self.across)
                    ]
                )
            results.append(fma(builder, inputs[row, column], weights[start], held))
        return results

    def spread(self, known: dict[int, Any], x: Any, row: int, column: int) -> Any:
        """One input in all lanes; each is loaded once in a row."""
        if column not in known:
            place = at(self.builder, x, row * self.shape.x.row + column * self.shape.x.pixel)
            known[column] = fenced(
                self.builder, splat(self.builder, self.builder.load(place, align=4, typ=F32), self.lanes)
            )
        return known[column]

    def finish(self, sums: list[Any], y: Any, mask: Any) -> None:
        """Apply the finish and store every pixel, or of every 2x2 the largest."""
        shape, builder = self.shape, self.builder
        held = dict(zip(self.places, sums, strict=True))
        if shape.pooled:
            for column in range(0, self.columns, 2):
                for start, count in self.parts:
                    four = [self.output(held, row, column + right, start) for row in (0, 1) for right in (0, 1)]
                    place = at(builder, y, column // 2 * shape.y.pixel + start)
                    winner = byte_at(builder, mask, column // 2 * shape.filters + start)
                    store_largest(builder, shape.finish == "relu", four, place, winner, count)
            return
        for row in range(self.rows):
            for column in range(self.columns):
                for start, count in self.parts:
                    place, behind = (
                        at(builder, pointer, row * grid.row + column * grid.pixel + start)
                        for pointer, grid in ((y, shape.y), (mask, shape.mask or shape.y))
                    )
                    done = finished(builder, shape.finish, self.output(held, row, column, start), behind, count)
                    store_lanes(builder, done, place, self.part, count)

    def output(self, held: dict[Any, Any], row: int, column: int, start: int) -> Any:
        """One pixel's part of a slot, out of its vector."""
        number = column % self.across
        return self.slot(held[row, column - number, start], number)
