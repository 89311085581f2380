"""Filters in the order the gradient of the input reads them.

    packed[kh, kw, f, c] = w[KH - 1 - kh, KW - 1 - kw, c, f]

With them the gradient of a convolution's input is itself a convolution; with size 1 this is the plain transpose
that dense layers need.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.extending import intrinsic

from convlet.kernels.calling.operands import operand
from convlet.kernels.shapes import PackShape
from convlet.kernels.target import Target
from convlet.kernels.vectors.llvm import F32, I32, at, load_lanes, store_lanes


def pack(shape: PackShape, target: Target) -> Callable[..., None]:
    """Operands: w, packed. Loops: taps, squares of inputs and units, each transposed in registers.

    Left to itself, the compiler writes out whole squares number by number: 67 KiB of code and a second of compilation.
    """
    taps, inputs, units, side = shape.size * shape.size, shape.inputs, shape.units, target.lanes
    down, along = divmod(inputs, side), divmod(units, side)
    whole, right, low, corner = (
        make_transpose(side, rows, columns, units, inputs)
        for rows in (side, down[1] or side)
        for columns in (side, along[1] or side)
    )
    area, whole_rows, whole_columns, has_low, has_right = (
        inputs * units,
        down[0],
        along[0],
        bool(down[1]),
        bool(along[1]),
    )

    def kernel(operands, frame):
        w, packed = operand(operands, frame, 0), operand(operands, frame, 1)
        for tap in range(taps):
            source, goal = w + 4 * (taps - 1 - tap) * area, packed + 4 * tap * area
            for row in range(whole_rows):
                start, to = source + 4 * row * side * units, goal + 4 * row * side
                for column in range(whole_columns):
                    whole(start + 4 * column * side, to + 4 * column * side * inputs)
                if has_right:
                    right(start + 4 * whole_columns * side, to + 4 * whole_columns * side * inputs)
            if has_low:
                start, to = source + 4 * whole_rows * side * units, goal + 4 * whole_rows * side
                for column in range(whole_columns):
                    low(start + 4 * column * side, to + 4 * column * side * inputs)
                if has_right:
                    corner(start + 4 * whole_columns * side, to + 4 * whole_columns * side * inputs)

    return kernel


def make_transpose(side: int, rows: int, columns: int, source_row: int, goal_row: int) -> Any:
    """transpose(source, goal) writes goal[c, r] = source[r, c] for r below `rows` and c below `columns`.

    side : lanes of a vector, a power of two, at least `rows` and `columns`
    source_row, goal_row : floats from row to row
    """

    @intrinsic
    def transpose(typing_context, source, goal):
        def code(context, builder, signature, arguments):
            source, goal = (builder.inttoptr(address, ir.PointerType()) for address in arguments)
            empty = ir.Constant(ir.VectorType(F32, side), None)
            vectors = [load_lanes(builder, at(builder, source, row * source_row), side, columns) for row in range(rows)]
            for column, vector in enumerate(transposed(builder, vectors + [empty] * (side - rows))[:columns]):
                store_lanes(builder, vector, at(builder, goal, column * goal_row), side, rows)

        return types.void(types.int64, types.int64), code

    return transpose


def transposed(builder: Any, vectors: list[Any]) -> list[Any]:
    """A square of as many vectors as lanes, transposed: squares beside the diagonal change places, size by size.

    For size 1 of a square of 2:  [a0 a1] [b0 b1]  ->  [a0 b0] [a1 b1]
    """
    side = len(vectors)
    size = 1
    while size < side:
        changed = list(vectors)
        for number in range(side):
            if number & size:
                continue
            pair = vectors[number], vectors[number | size]
            upper = [side + lane - size if lane & size else lane for lane in range(side)]
            lower = [side + lane if lane & size else lane + size for lane in range(side)]
            for place, lanes in ((number, upper), (number | size, lower)):
                order = ir.Constant(ir.VectorType(I32, side), lanes)
                changed[place] = builder.shuffle_vector(*pair, order)
        vectors, size = changed, 2 * size
    return vectors
