"""Vectors of floats and addresses as Numba intrinsics; calls, atomics and the processor's own words are in `processor`.

A kernel is a Python function over addresses (int64). What Numba cannot say, it says through the functions
here: each `make_*` returns an intrinsic for one number of lanes. A vector's lanes never meet: there is no
horizontal operation in this file, so a result cannot depend on how many lanes the processor has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.datamodel import register_default
from numba.core.datamodel.models import PrimitiveModel
from numba.core.extending import intrinsic

F32, F64 = ir.FloatType(), ir.DoubleType()
I1, I8, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))


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


def declare(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """The LLVM function `name`, declared once in the module."""
    module = builder.module
    if name in module.globals:
        return module.globals[name]
    return ir.Function(module, ir.FunctionType(result, arguments), name)


def fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c with one rounding, for scalars and vectors alike."""
    kind = a.type
    suffix = "f32" if isinstance(kind, ir.FloatType) else f"v{kind.count}f32"
    return builder.call(declare(builder, f"llvm.fma.{suffix}", kind, [kind] * 3), [a, b, c])


def splat(builder: Any, scalar: Any, lanes: int) -> Any:
    """A vector with `scalar` in every lane."""
    kind = ir.VectorType(scalar.type, lanes)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(I32, 0))
    zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)


def fenced(builder: Any, value: Any) -> Any:
    """The same vector, kept as it is: what follows is not merged with how it was made."""
    kind = value.type
    name = f"llvm.arithmetic.fence.v{kind.count}f32"
    return builder.call(declare(builder, name, kind, [kind]), [value])


def spoiled(builder: Any, value: Any, source: Any) -> Any:
    """value + 0 * source: the value itself, but NaN where the source is NaN or infinite."""
    return fma(builder, source, constant(0.0, source.type.count), value)


def constant(value: float, lanes: int) -> Any:
    return ir.Constant(ir.VectorType(F32, lanes), [value] * lanes)


def element(builder: Any, address: Any, offset: Any, size: int = 4) -> Any:
    """The pointer `offset` elements of `size` bytes behind an int64 address."""
    base = builder.inttoptr(address, ir.PointerType())
    byte_offset = builder.mul(offset, ir.Constant(I64, size))
    return builder.gep(base, [byte_offset], source_etype=I8)


def at(builder: Any, pointer: Any, floats: int) -> Any:
    """The pointer `floats` numbers behind another, a distance known when compiling."""
    return byte_at(builder, pointer, 4 * floats)


def counted_loop(
    builder: Any, count: Any, pointers: list[Any], steps: list[int], sums: list[Any], body: Callable[..., list[Any]]
) -> list[Any]:
    """`count` times sums = body(pointers, sums), the pointers moving on by `steps` bytes each time.

    count : an int64 value of the code that is written, at least 1
    """
    if isinstance(count, ir.Constant) and count.constant == 1:
        return body(pointers, sums)
    before, loop, after = builder.block, *(builder.append_basic_block(name) for name in ("loop", "after"))
    builder.branch(loop)
    builder.position_at_end(loop)
    index = builder.phi(I64)
    index.add_incoming(ir.Constant(I64, 0), before)
    phis = [builder.phi(value.type) for value in pointers + sums]
    for phi, value in zip(phis, pointers + sums, strict=True):
        phi.add_incoming(value, before)
    moving, held = phis[: len(pointers)], phis[len(pointers) :]
    results = body(moving, held)
    moved = [byte_at(builder, pointer, step) for pointer, step in zip(moving, steps, strict=True)]
    following = builder.add(index, ir.Constant(I64, 1))
    index.add_incoming(following, builder.block)
    for phi, value in zip(phis, moved + results, strict=True):
        phi.add_incoming(value, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
    builder.position_at_end(after)
    return results


def load_lanes(builder: Any, pointer: Any, lanes: int, count: int, number: Any = F32, size: int = 4) -> Any:
    """The `count` numbers of `size` bytes at `pointer`, then zeros; never touches memory behind them."""
    kind = ir.VectorType(number, lanes)
    if count == lanes:
        return builder.load(pointer, align=size, typ=kind)
    mask = _first_lanes(lanes, count)
    name = f"llvm.masked.load.{_suffix(kind)}.p0"
    load = declare(builder, name, kind, [ir.PointerType(), I32, mask.type, kind])
    return builder.call(load, [pointer, ir.Constant(I32, size), mask, ir.Constant(kind, None)])


def store_lanes(builder: Any, value: Any, pointer: Any, lanes: int, count: int, size: int = 4) -> None:
    """Write the first `count` lanes; leaves the memory behind them as it is."""
    if count == lanes:
        builder.store(value, pointer, align=size)
        return
    mask = _first_lanes(lanes, count)
    name = f"llvm.masked.store.{_suffix(value.type)}.p0"
    store = declare(builder, name, ir.VoidType(), [value.type, ir.PointerType(), I32, mask.type])
    builder.call(store, [value, pointer, ir.Constant(I32, size), mask])


def _first_lanes(lanes: int, count: int) -> Any:
    return ir.Constant(ir.VectorType(I1, lanes), [int(lane < count) for lane in range(lanes)])


def _suffix(kind: Any) -> str:
    """How LLVM names a vector type."""
    return f"v{kind.count}{'f32' if kind.element == F32 else kind.element}"


def byte_at(builder: Any, pointer: Any, count: int) -> Any:
    """The pointer `count` bytes behind another."""
    return builder.gep(pointer, [ir.Constant(I64, count)], source_etype=I8) if count else pointer


def store_bytes(builder: Any, value: Any, pointer: Any, count: int) -> None:
    """Write the first `count` lanes of int32 as unsigned bytes."""
    lanes = value.type.count
    store_lanes(builder, builder.trunc(value, ir.VectorType(I8, lanes)), pointer, lanes, count, 1)


def load_byte_lanes(builder: Any, pointer: Any, lanes: int, count: int) -> Any:
    """`count` unsigned bytes widened to int32 lanes, then zeros."""
    return builder.zext(load_lanes(builder, pointer, lanes, count, I8, 1), ir.VectorType(I32, lanes))


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
