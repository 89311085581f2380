"""Vectors of floats and addresses as Numba intrinsics; calls, atomics and the processor's own words are in `processor`.

A kernel is a Python function over addresses (int64). What Python cannot say, it says through the functions here: each
`make_*` returns an intrinsic for one number of lanes.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.datamodel import register_default
from numba.core.datamodel.models import PrimitiveModel
from numba.core.extending import intrinsic

from convlet.kernels.vectors.llvm import F32, I32, element, fma, load_lanes, splat, store_lanes


class VectorType(types.Type):
    """`lanes` float32 or int32 numbers in one register."""

    def __init__(self, kind: str, lanes: int) -> None:
        self.kind, self.lanes = kind, lanes
        super().__init__(name=f"Vector({kind}x{lanes})")


@register_default(VectorType)
class VectorModel(PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: VectorType) -> None:
        element = F32 if fe_type.kind == "f32" else I32
        super().__init__(dmm, fe_type, ir.VectorType(element, fe_type.lanes))


def floats(lanes: int) -> VectorType:
    return VectorType("f32", lanes)


def integers(lanes: int) -> VectorType:
    return VectorType("i32", lanes)


def make_load(lanes: int, count: int | None = None) -> Any:
    """load(address, index) -> the `count` floats from float number `index` on."""

    @intrinsic
    def load(typing_context, address, index):
        def code(context, builder, signature, arguments):
            return load_lanes(builder, element(builder, *arguments), lanes, count or lanes)

        return floats(lanes)(types.int64, types.int64), code

    return load


def make_store(lanes: int, count: int | None = None) -> Any:
    """store(value, address, index) writes `count` floats from float number `index` on."""

    @intrinsic
    def store(typing_context, value, address, index):
        def code(context, builder, signature, arguments):
            value, address, index = arguments
            store_lanes(builder, value, element(builder, address, index), lanes, count or lanes)

        return types.void(floats(lanes), types.int64, types.int64), code

    return store


def make_store_unsigned(lanes: int, size: int) -> Any:
    """store(value, address, index) writes int32 lanes as unsigned numbers of `size` bytes from number `index` on."""
    kind = ir.VectorType(ir.IntType(8 * size), lanes)

    @intrinsic
    def store(typing_context, value, address, index):
        def code(context, builder, signature, arguments):
            value, address, index = arguments
            place = element(builder, address, index, size)
            store_lanes(builder, builder.trunc(value, kind), place, lanes, lanes, size)

        return types.void(integers(lanes), types.int64, types.int64), code

    return store


def make_load_unsigned(lanes: int, size: int) -> Any:
    """load(address, index) -> unsigned numbers of `size` bytes from number `index` on, as int32 lanes."""
    number = ir.IntType(8 * size)

    @intrinsic
    def load(typing_context, address, index):
        def code(context, builder, signature, arguments):
            found = load_lanes(builder, element(builder, *arguments, size), lanes, lanes, number, size)
            return builder.zext(found, ir.VectorType(I32, lanes))

        return integers(lanes)(types.int64, types.int64), code

    return load


def make_splat(lanes: int) -> Any:
    """splat(x) -> the float x in every lane."""

    @intrinsic
    def broadcast(typing_context, value):
        def code(context, builder, signature, arguments):
            return splat(builder, arguments[0], lanes)

        return floats(lanes)(types.float32), code

    return broadcast


def make_splat_integer(lanes: int) -> Any:
    """splat(i) -> the integer i in every lane."""

    @intrinsic
    def broadcast(typing_context, value):
        def code(context, builder, signature, arguments):
            return splat(builder, builder.trunc(arguments[0], I32), lanes)

        return integers(lanes)(types.int64), code

    return broadcast


def make_choose_greater(kind: VectorType) -> Any:
    """choose(a, b, x, y) -> x where a > b, else y, lane by lane; x and y are of `kind`."""
    lanes = kind.lanes

    @intrinsic
    def choose(typing_context, a, b, x, y):
        def code(context, builder, signature, arguments):
            a, b, x, y = arguments
            return builder.select(builder.fcmp_ordered(">", a, b), x, y)

        return kind(floats(lanes), floats(lanes), kind, kind), code

    return choose


def make_choose_equal(lanes: int) -> Any:
    """choose(i, j, x, y) -> x where i == j, else y, lane by lane; i and j are int32, x and y float32."""

    @intrinsic
    def choose(typing_context, i, j, x, y):
        def code(context, builder, signature, arguments):
            i, j, x, y = arguments
            return builder.select(builder.icmp_signed("==", i, j), x, y)

        return floats(lanes)(integers(lanes), integers(lanes), floats(lanes), floats(lanes)), code

    return choose


def _binary(operation: str) -> Any:
    def make(lanes: int) -> Any:
        @intrinsic
        def apply(typing_context, a, b):
            def code(context, builder, signature, arguments):
                return getattr(builder, operation)(*arguments)

            return floats(lanes)(floats(lanes), floats(lanes)), code

        return apply

    return make


make_add, make_subtract, make_multiply = (_binary(name) for name in ("fadd", "fsub", "fmul"))


def make_fma(lanes: int) -> Any:
    """fma(a, b, c) -> a * b + c with one rounding."""

    @intrinsic
    def multiply_add(typing_context, a, b, c):
        def code(context, builder, signature, arguments):
            return fma(builder, *arguments)

        kind = floats(lanes)
        return kind(kind, kind, kind), code

    return multiply_add


@intrinsic
def fma_scalar(typing_context, a, b, c):
    """a * b + c with one rounding, for single floats."""

    def code(context, builder, signature, arguments):
        return fma(builder, *arguments)

    return types.float32(types.float32, types.float32, types.float32), code


def _pointer_to(kind: Any) -> Any:
    @intrinsic
    def pointer(typing_context, address):
        def code(context, builder, signature, arguments):
            return builder.inttoptr(arguments[0], context.get_value_type(types.CPointer(kind)))

        return types.CPointer(kind)(types.int64), code

    return pointer


float32_at, int64_at, uint8_at = (_pointer_to(kind) for kind in (types.float32, types.int64, types.uint8))


def _bits(source: Any, target: Any) -> Any:
    @intrinsic
    def reinterpret(typing_context, value):
        def code(context, builder, signature, arguments):
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return target(source), code

    return reinterpret


float_from_bits, bits_from_float = (_bits(types.int32, types.float32), _bits(types.float32, types.int32))
