"""The register tile: P pixels x V vectors of output channels, accumulated over filter taps and channels.

Lanes lie along output channels. Each accumulator holds one pixel's `lanes` channels:

              vector 0            vector V-1
    pixel 0   [f0 f1 ... f15] ... [f16 f17 ... f31]
    pixel P-1 [f0 f1 ... f15] ... [f16 f17 ... f31]

Each step of the running index (tap row, then tap column and input channel, which lie side by side in NHWC)
loads V vectors of weights and multiplies each with P input values. So every output is one chain of fused
multiply-adds in one order, whatever P, V and the number of lanes are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.extending import intrinsic

from convlet.kernels.shapes import NO_WINNER, ConvShape
from convlet.kernels.vectors.llvm import (
    F32,
    I32,
    I64,
    at,
    byte_at,
    constant,
    counted_loop,
    fma,
    load_lanes,
    splat,
    spoiled,
    store_bytes,
    store_lanes,
)


@dataclass(frozen=True)
class Tile:
    """A register tile and the two loops it runs, all in floats.

    pixels : offset in x of each pixel's first input, and of its output in y
    counts : floats used of each vector (the last may be a tail)
    rows, row_step, run : the running index makes `rows` runs of `run` steps; a run of 0 takes its length from
        the call's `count`
    x_step, row_step : floats that x moves on by in a step, in a run
    weight_step, weight_row_step : the same for w
    ones : add one more row of sums whose input is always 1, stored at b (the bias gradient)
    start : what the accumulators begin with: "bias", "zero" or "load" (what stands in y)
    finish : what is stored: "plain", "relu", or "mask" (zero where the mask array, laid out as given by
        `mask_pixels`, is not positive)
    pooled : the pixels are two rows, of which the largest of each 2x2 is stored, and its number as a byte where
        `mask_pixels` says
    """

    lanes: int
    counts: tuple[int, ...]
    x_pixels: tuple[int, ...]
    y_pixels: tuple[int, ...]
    rows: int
    row_step: int
    run: int
    weight_step: int
    weight_row_step: int = 0
    x_step: int = 1
    ones: bool = False
    start: str = "bias"
    finish: str = "plain"
    mask_pixels: tuple[int, ...] = ()
    pooled: bool = False


def make_tile(*tiles: tuple[int, int, Tile]) -> Any:
    """multiply(x, w, b, y, mask, count) runs tiles one after the other.

    Each comes with the floats by which its x and y lie behind the addresses given in the call.
    """

    @intrinsic
    def multiply(typing_context, x, w, b, y, mask, count):
        def code(context, builder, signature, arguments):
            x, w, b, y, mask = (builder.inttoptr(a, ir.PointerType()) for a in arguments[:5])
            for x_offset, y_offset, tile in tiles:
                emit = _Emitter(builder, tile, arguments[5])
                emit.tile(at(builder, x, x_offset), w, b, at(builder, y, y_offset), mask)

        return types.void(*[types.int64] * 6), code

    return multiply


class _Emitter:
    """Writes the instructions of one tile."""

    def __init__(self, builder: Any, tile: Tile, count: Any) -> None:
        self.builder, self.shape, self.count = builder, tile, count

    def tile(self, x: Any, w: Any, b: Any, y: Any, mask: Any) -> None:
        shape = self.shape
        sums = self.start(b, y)
        if shape.rows == 1:
            sums = self.run([x, w], sums)
        else:
            rows = ir.Constant(I64, shape.rows)
            sums = counted_loop(
                self.builder, rows, [x, w], [4 * shape.row_step, 4 * shape.weight_row_step], sums, self.run
            )
        self.finish(b, y, mask, sums)

    def places(self, y: Any, b: Any) -> list[tuple[Any, int]]:
        """Where each accumulator comes from and goes to, and how many of its floats."""
        shape = self.shape
        rows = [at(self.builder, y, pixel) for pixel in shape.y_pixels] + ([b] if shape.ones else [])
        return [
            (at(self.builder, row, number * shape.lanes), count)
            for row in rows
            for number, count in enumerate(shape.counts)
        ]

    def start(self, b: Any, y: Any) -> list[Any]:
        """One accumulator a pixel and vector, pixel by pixel."""
        shape, builder = self.shape, self.builder
        if shape.start == "zero":
            return [constant(0.0, shape.lanes) for _ in self.places(y, b)]
        if shape.start == "load":
            return [load_lanes(builder, place, shape.lanes, count) for place, count in self.places(y, b)]
        biases = [
            load_lanes(builder, at(builder, b, number * shape.lanes), shape.lanes, count)
            for number, count in enumerate(shape.counts)
        ]
        return biases * len(shape.x_pixels)

    def run(self, pointers: list[Any], sums: list[Any]) -> list[Any]:
        """The loop over one run."""
        shape = self.shape
        count = ir.Constant(I64, shape.run) if shape.run else self.count
        return counted_loop(self.builder, count, pointers, [4 * shape.x_step, 4 * shape.weight_step], sums, self.step)

    def step(self, pointers: list[Any], sums: list[Any]) -> list[Any]:
        """V weights times P inputs."""
        shape, builder = self.shape, self.builder
        x, w = pointers
        weights = [
            load_lanes(builder, at(builder, w, number * shape.lanes), shape.lanes, count)
            for number, count in enumerate(shape.counts)
        ]
        inputs = [builder.load(at(builder, x, pixel), align=4, typ=F32) for pixel in shape.x_pixels]
        inputs += [ir.Constant(F32, 1.0)] if shape.ones else []
        factors = [(splat(builder, value, shape.lanes), weight) for value in inputs for weight in weights]
        return [fma(builder, *factor, held) for factor, held in zip(factors, sums, strict=True)]

    def finish(self, b: Any, y: Any, mask: Any, sums: list[Any]) -> None:
        """Apply the finish and store every sum, or of every 2x2 the largest."""
        shape, builder, places = self.shape, self.builder, self.places(y, b)
        per_pixel = len(shape.counts)
        if shape.pooled:
            half = len(sums) // 2
            corners = [
                [sums[place + vector] for place in (left, left + per_pixel, half + left, half + left + per_pixel)]
                for left in range(0, half, 2 * per_pixel)
                for vector in range(per_pixel)
            ]
            for number, ((place, count), four) in enumerate(zip(places, corners, strict=True)):
                pixel, vector = divmod(number, per_pixel)
                winner = byte_at(builder, mask, shape.mask_pixels[pixel] + vector * shape.lanes)
                store_largest(builder, shape.finish == "relu", four, place, winner, count)
            return
        for index, ((place, count), value) in enumerate(zip(places, sums, strict=True)):
            behind = None
            if shape.finish == "mask":
                pixel, vector = divmod(index, per_pixel)
                behind = at(builder, mask, shape.mask_pixels[pixel] + vector * shape.lanes)
            value = finished(builder, shape.finish, value, behind, count)
            store_lanes(builder, value, place, shape.lanes, count)


def finished(builder: Any, finish: str, value: Any, mask: Any, count: int) -> Any:
    """What is stored of a sum: see `ConvShape.finish`. Relu of an infinite sum is NaN.

    mask : pointer to the `count` numbers that a mask depends on
    """
    lanes = value.type.count
    zero = constant(0.0, lanes)
    if finish == "relu":
        return spoiled(builder, builder.select(builder.fcmp_ordered(">", value, zero), value, zero), value)
    if finish == "mask":
        kept = load_lanes(builder, mask, lanes, count)
        return builder.select(builder.fcmp_ordered(">", kept, zero), value, zero)
    return value


def store_largest(builder: Any, relu: bool, four: list[Any], place: Any, winner: Any, count: int) -> None:
    """The largest of 2x2 outputs and, as a byte, which it was: the first of equals, NO_WINNER where relu made it 0.

    It is NaN if one of them is not finite.
    """
    best, lanes = four[0], four[0].type.count
    kind = ir.VectorType(I32, lanes)
    index = ir.Constant(kind, [0] * lanes)
    for number, value in enumerate(four[1:], 1):
        larger = builder.fcmp_ordered(">", value, best)
        index = builder.select(larger, ir.Constant(kind, [number] * lanes), index)
        best = builder.select(larger, value, best)
    if relu:
        positive = builder.fcmp_ordered(">", best, constant(0.0, lanes))
        index = builder.select(positive, index, ir.Constant(kind, [NO_WINNER] * lanes))
        best = builder.select(positive, best, constant(0.0, lanes))
    for value in four:
        best = spoiled(builder, best, value)
    store_lanes(builder, best, place, lanes, count)
    store_bytes(builder, index, winner, count)


def written_strides(shape: ConvShape) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]:
    """Bytes between images, rows, pixels and channels that are stored, in y and in mask (or winners)."""
    y, mask = ((4 * g.image, 4 * g.row, 4 * g.pixel, 4) for g in (shape.y, shape.mask or shape.y))
    if shape.pooled:
        row = shape.width // 2 * shape.filters
        mask = (shape.height // 2 * row, row, shape.filters, 1)
    return y, mask
