"""Arithmetic on values of known type, as LLVM code: what `translate` writes for an expression of a kernel.

A value is either known when the kernel is written (a Python object: a size, a float32 constant, a function) or a
`Number`, computed when it runs. Types follow Numba's rules where these give the same bits everywhere: operations on
integers are done in 64 bits, on two float32 in float32. Every other mixture is refused.
"""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from convlet.kernels.simd import F32, I1, I8, I32, I64, declare


class Untranslatable(Exception):
    """A kernel uses something that has no translation: an error of whoever wrote the kernel."""


@dataclass(frozen=True)
class Number:
    """An LLVM value and its Numba type."""

    value: Any
    kind: Any


LLVM = {types.int64: I64, types.int32: I32, types.uint8: I8, types.boolean: I1, types.float32: F32}
INTEGERS = (types.int64, types.int32, types.uint8, types.boolean)
INTEGER_OBJECTS = (bool, int, np.integer)

OPERATIONS: dict[type, Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
COMPARISONS: dict[type, tuple[str, Any]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}


def lifted(builder: Any, value: Any) -> Number:
    """The value as a Number: constants become int64 or float32."""
    if isinstance(value, Number):
        return value
    if isinstance(value, np.float32):
        return Number(ir.Constant(F32, float(value)), types.float32)
    if isinstance(value, INTEGER_OBJECTS):
        return Number(ir.Constant(I64, int(value)), types.int64)
    raise Untranslatable(f"{value!r} is neither an integer nor a float32")


def cast(builder: Any, value: Any, kind: Any) -> Number:
    """The value in another type: between integers, or from an integer to float32."""
    number = lifted(builder, value)
    if number.kind == kind:
        return number
    if number.kind not in INTEGERS or kind not in LLVM:
        raise Untranslatable(f"{number.kind} cannot become {kind}")
    signed = number.kind in (types.int64, types.int32)
    goal = LLVM[kind]
    if kind == types.float32:
        change = builder.sitofp if signed else builder.uitofp
    elif kind == types.boolean:
        raise Untranslatable(f"{number.kind} cannot become {kind}")
    elif goal.width < number.value.type.width:
        change = builder.trunc
    else:
        change = builder.sext if signed else builder.zext
    return Number(change(number.value, goal), kind)


def binary(builder: Any, operation: type, left: Any, right: Any) -> Any:
    """left (operation) right, for an operation of `ast`."""
    if not isinstance(left, Number) and not isinstance(right, Number):
        return OPERATIONS[operation](_plain(left), _plain(right))
    a, b = lifted(builder, left), lifted(builder, right)
    if a.kind == b.kind == types.float32:
        names = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
        if operation in names:
            return Number(getattr(builder, names[operation])(a.value, b.value), types.float32)
    if a.kind in INTEGERS and b.kind in INTEGERS and operation is not ast.Div:
        x, y = (cast(builder, one, types.int64).value for one in (a, b))
        return Number(_whole(builder, operation, x, y), types.int64)
    raise Untranslatable(f"{operation.__name__} of {a.kind} and {b.kind}")


def _plain(value: Any) -> Any:
    """A constant whose arithmetic cannot wrap around: NumPy's integers become Python's."""
    return int(value) if isinstance(value, np.integer) else value


def _whole(builder: Any, operation: type, x: Any, y: Any) -> Any:
    """The operation on int64; sums and products never leave 64 bits, as they count bytes and numbers in memory."""
    if operation in (ast.FloorDiv, ast.Mod):
        return _divided(builder, operation, x, y)
    names = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul"}
    if operation in names:
        return getattr(builder, names[operation])(x, y, flags=["nsw"])
    names = {ast.LShift: "shl", ast.RShift: "ashr", ast.BitAnd: "and_", ast.BitOr: "or_"}
    return getattr(builder, names[operation])(x, y)


def _divided(builder: Any, operation: type, x: Any, y: Any) -> Any:
    """Python's division, which rounds down; no kernel divides by 0."""
    zero, quotient, rest = ir.Constant(I64, 0), builder.sdiv(x, y), builder.srem(x, y)
    other_sign = builder.icmp_signed("<", builder.xor(rest, y), zero)
    below = builder.and_(builder.icmp_signed("!=", rest, zero), other_sign)
    if operation is ast.FloorDiv:
        return builder.add(quotient, builder.sext(below, I64))
    return builder.add(rest, builder.select(below, y, zero))


def compared(builder: Any, operation: type, left: Any, right: Any) -> Any:
    """left (operation) right as a truth value; any comparison with NaN is false, but for "!="."""
    sign, known = COMPARISONS[operation]
    if not isinstance(left, Number) and not isinstance(right, Number):
        return bool(known(left, right))
    a, b = lifted(builder, left), lifted(builder, right)
    if a.kind == b.kind == types.float32:
        compare = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
        return Number(compare(sign, a.value, b.value), types.boolean)
    x, y = (cast(builder, one, types.int64).value for one in (a, b))
    return Number(builder.icmp_signed(sign, x, y), types.boolean)


def truth(builder: Any, value: Any) -> Any:
    """Whether a value counts as true, as an LLVM bit."""
    number = lifted(builder, value)
    if number.kind == types.boolean:
        return number.value
    return builder.icmp_signed("!=", cast(builder, number, types.int64).value, ir.Constant(I64, 0))


def chosen(builder: Any, bit: Any, one: Any, other: Any) -> Number:
    """One of two values of the same type."""
    a, b = lifted(builder, one), lifted(builder, other)
    if a.kind != b.kind:
        a, b = cast(builder, a, types.int64), cast(builder, b, types.int64)
    return Number(builder.select(bit, a.value, b.value), a.kind)


def negative(builder: Any, value: Any) -> Any:
    """-value; of a float32, its sign turned."""
    if not isinstance(value, Number):
        return -_plain(value)
    if value.kind == types.float32:
        return Number(builder.fneg(value.value), value.kind)
    return binary(builder, ast.Sub, 0, value)


def root(builder: Any, value: Any) -> Number:
    """The square root of a float32."""
    number = lifted(builder, value)
    if number.kind != types.float32:
        raise Untranslatable(f"sqrt of {number.kind}")
    return Number(builder.call(declare(builder, "llvm.sqrt.f32", F32, [F32]), [number.value]), types.float32)


def item(builder: Any, pointer: Any, index: Any) -> tuple[Any, Any]:
    """The place of an item behind a pointer, and its type."""
    if not isinstance(pointer, Number) or not isinstance(pointer.kind, types.CPointer):
        raise Untranslatable(f"{pointer!r} has no items")
    kind = pointer.kind.dtype
    number = cast(builder, index, types.int64).value
    return builder.gep(pointer.value, [number], source_etype=LLVM[kind]), kind
