"""The transforms of Winograd's F(2x2, 3x3), a tile at a time: see `winograd` and `winograd_gradient`.

    B' = 1  0 -1  0     G =   1    0    0     A' = 1  1  1  0
         0  1  1  0          1/2  1/2  1/2         0  1 -1 -1
         0 -1  1  0          1/2 -1/2  1/2
         0  1  0 -1           0    0    1

Every lane is a channel (inputs) or a filter (filters and outputs) of its own; sums are added in the order written.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.extending import intrinsic

from convlet.kernels.products.tile import finished, store_largest
from convlet.kernels.shapes import ConvShape, Grid
from convlet.kernels.vectors.llvm import I64, at, byte_at, constant, counted_loop, load_lanes, store_lanes


def _four_inputs(builder: Any, d: list[Any]) -> list[Any]:
    """B' d"""
    return [
        builder.fsub(d[0], d[2]),
        builder.fadd(d[1], d[2]),
        builder.fsub(d[2], d[1]),
        builder.fsub(d[1], d[3]),
    ]


def _four_filters(builder: Any, g: list[Any]) -> list[Any]:
    """G g"""
    half, outer = constant(0.5, g[0].type.count), builder.fadd(g[0], g[2])
    middle = [builder.fadd(outer, g[1]), builder.fsub(outer, g[1])]
    return [g[0], *(builder.fmul(half, value) for value in middle), g[2]]


def _two_outputs(builder: Any, m: list[Any]) -> list[Any]:
    """A' m"""
    return [
        builder.fadd(builder.fadd(m[0], m[1]), m[2]),
        builder.fsub(builder.fsub(m[1], m[2]), m[3]),
    ]


def _four_gradients(builder: Any, y: list[Any]) -> list[Any]:
    """A y, but for the sign of the last, which `_three_sums` takes into account"""
    return [y[0], builder.fadd(y[0], y[1]), builder.fsub(y[0], y[1]), y[1]]


def _three_sums(builder: Any, m: list[Any]) -> list[Any]:
    """G' m, where the sign of the last of m is turned"""
    half = constant(0.5, m[0].type.count)
    outer, middle = (builder.fmul(half, join(m[1], m[2])) for join in (builder.fadd, builder.fsub))
    return [builder.fadd(m[0], outer), middle, builder.fsub(outer, m[3])]


def _both_ways(builder: Any, transform: Any, columns: list[list[Any]]) -> list[list[Any]]:
    """The transform of the columns and then of their rows, as rows."""
    halfway = [transform(builder, column) for column in columns]
    return [transform(builder, list(row)) for row in zip(*halfway, strict=True)]


def _read(builder: Any, pointer: Any, side: int, step: int, lanes: int) -> list[list[Any]]:
    """The columns of a square of vectors, which lie row after row, `step` floats apart."""
    places = [[at(builder, pointer, (row * side + column) * step) for row in range(side)] for column in range(side)]
    return [[load_lanes(builder, place, lanes, lanes) for place in column] for column in places]


def _write(builder: Any, rows: list[list[Any]], pointer: Any, step: int, add: bool = False) -> None:
    """The rows of a square of vectors to where `_read` would find them, or added to what stands there."""
    for number, value in enumerate(value for row in rows for value in row):
        goal, lanes = at(builder, pointer, number * step), value.type.count
        if add:
            value = builder.fadd(load_lanes(builder, goal, lanes, lanes), value)
        store_lanes(builder, value, goal, lanes, lanes)


def make_input_transform(x: Grid, lanes: int, across: int, channels: int, place: int) -> Any:
    """transform(x, v): one vector of channels of a row of `across` tiles.

    Neighbouring tiles share two columns of inputs, whose transform is handed on.
    place : floats of v from one place of a tile to the next
    """

    @intrinsic
    def transform(typing_context, x_address, v_address):
        def code(context, builder, signature, arguments):
            def column(pointer, number):
                places = [at(builder, pointer, row * x.row + number * x.pixel) for row in range(4)]
                return _four_inputs(builder, [load_lanes(builder, place, lanes, lanes) for place in places])

            def tile(pointers, held):
                columns = [held[:4], held[4:], column(pointers[0], 2), column(pointers[0], 3)]
                rows = [_four_inputs(builder, list(row)) for row in zip(*columns, strict=True)]
                _write(builder, rows, pointers[1], place)
                return columns[2] + columns[3]

            start, goal = (builder.inttoptr(address, ir.PointerType()) for address in arguments)
            held = column(start, 0) + column(start, 1)
            counted_loop(builder, ir.Constant(I64, across), [start, goal], [8 * x.pixel, 4 * channels], held, tile)

        return types.void(types.int64, types.int64), code

    return transform


def make_filter_transform(lanes: int, tap: int, place: int) -> Any:
    """transform(w, u): one vector of filters of one channel; `tap` and `place` are floats from one to the next."""

    @intrinsic
    def transform(typing_context, w_address, u_address):
        def code(context, builder, signature, arguments):
            w, u = (builder.inttoptr(address, ir.PointerType()) for address in arguments)
            rows = _both_ways(builder, _four_filters, _read(builder, w, 3, tap, lanes))
            _write(builder, rows, u, place)

        return types.void(types.int64, types.int64), code

    return transform


def make_gradient_transform(y: Grid, lanes: int, across: int, filters: int, place: int) -> Any:
    """transform(dy, db, w): one vector of filters of a row of `across` tiles, whose sum is added to db.

    place : floats of w from one place of a tile to the next
    """

    @intrinsic
    def transform(typing_context, dy_address, db_address, w_address):
        def code(context, builder, signature, arguments):
            def tile(pointers, held):
                columns = [
                    [
                        load_lanes(builder, at(builder, pointers[0], i * y.row + j * y.pixel), lanes, lanes)
                        for i in (0, 1)
                    ]
                    for j in (0, 1)
                ]
                rows = _both_ways(builder, _four_gradients, columns)
                _write(builder, rows, pointers[1], place)
                return [builder.fadd(held[0], rows[1][1])]  # the sum of all four

            dy, db, w = (builder.inttoptr(address, ir.PointerType()) for address in arguments)
            none, steps = [constant(0.0, lanes)], [8 * y.pixel, 4 * filters]
            (total,) = counted_loop(builder, ir.Constant(I64, across), [dy, w], steps, none, tile)
            total = builder.fadd(load_lanes(builder, db, lanes, lanes), total)
            store_lanes(builder, total, db, lanes, lanes)

        return types.void(*[types.int64] * 3), code

    return transform


def make_sum_transform(lanes: int, place: int, tap: int) -> Any:
    """transform(m, dw): one vector of sums is added to the filters' gradients; `place` and `tap` are as above."""

    @intrinsic
    def transform(typing_context, m_address, dw_address):
        def code(context, builder, signature, arguments):
            m, dw = (builder.inttoptr(address, ir.PointerType()) for address in arguments)
            rows = _both_ways(builder, _three_sums, _read(builder, m, 4, place, lanes))
            _write(builder, rows, dw, tap, add=True)

        return types.void(types.int64, types.int64), code

    return transform


def make_clear(numbers: int) -> Any:
    """clear(m) writes zeros; `numbers` is a multiple of 16."""

    @intrinsic
    def clear(typing_context, m_address):
        def code(context, builder, signature, arguments):
            def vector(pointers, held):
                store_lanes(builder, constant(0.0, 16), pointers[0], 16, 16)
                return held

            m = builder.inttoptr(arguments[0], ir.PointerType())
            counted_loop(builder, ir.Constant(I64, numbers // 16), [m], [64], [], vector)

        return types.void(types.int64), code

    return clear


def make_output_transform(shape: ConvShape, counts: tuple[int, ...], place: int, rows: int, columns: int) -> Any:
    """store(m, b, y, mask): the first `rows` x `columns` outputs of a tile, started and finished as `shape` says.

    place : floats of m from one place of a tile to the next
    """

    @intrinsic
    def store(typing_context, m_address, b_address, y_address, mask_address):
        def code(context, builder, signature, arguments):
            m, b, y, mask = (builder.inttoptr(address, ir.PointerType()) for address in arguments)
            for number, lanes in enumerate(counts):
                skip = number * counts[0]
                outputs = _both_ways(builder, _two_outputs, _read(builder, at(builder, m, skip), 4, place, lanes))
                if shape.start == "bias":
                    bias = load_lanes(builder, at(builder, b, skip), lanes, lanes)
                    outputs = [[builder.fadd(value, bias) for value in row] for row in outputs]
                goal = at(builder, y, skip)
                if shape.pooled:
                    four, winner = [value for row in outputs for value in row], byte_at(builder, mask, skip)
                    store_largest(builder, shape.finish == "relu", four, goal, winner, lanes)
                else:
                    kept = [row[:columns] for row in outputs[:rows]]
                    _store_tile(builder, shape, kept, goal, at(builder, mask, skip))

        return types.void(*[types.int64] * 4), code

    return store


def _store_tile(builder: Any, shape: ConvShape, outputs: list[list[Any]], y: Any, mask: Any) -> None:
    """Write the outputs, added to what stands in y where the shape says so."""
    behind = shape.mask or shape.y
    for i, row in enumerate(outputs):
        for j, value in enumerate(row):
            lanes = value.type.count
            goal = at(builder, y, i * shape.y.row + j * shape.y.pixel)
            if shape.start == "load":
                value = builder.fadd(load_lanes(builder, goal, lanes, lanes), value)
            place = at(builder, mask, i * behind.row + j * behind.pixel)
            store_lanes(builder, finished(builder, shape.finish, value, place, lanes), goal, lanes, lanes)
