"""What kernels write in LLVM's language: types, loads and stores of a number of lanes, loops, fused multiply-adds.

A vector's lanes never meet: there is no horizontal operation in this file or in `intrinsics`, so a result cannot depend
on how many lanes the processor has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

F32, F64 = ir.FloatType(), ir.DoubleType()
I1, I8, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))


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
