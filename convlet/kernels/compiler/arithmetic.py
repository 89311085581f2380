"""Arithmetic on values of known type, as LLVM code: what `expressions` writes for an operation of a kernel.

A value is either known when the kernel is written (a Python object: a size, a float32 constant, a function) or a
`Number`, computed when it runs. Types follow Numba's rules: operations on integers are done in 64 bits, on two float32
in float32, on any other mixture with a float in float64.
"""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from convlet.kernels.vectors.llvm import F32, F64, I1, I8, I32, I64, declare


class Untranslatable(Exception):
    """A kernel uses something that has no translation: an error of whoever wrote the kernel."""


@dataclass(frozen=True)
class Number:
    """An LLVM value and its Numba type."""

    value: Any
    kind: Any


LLVM = {
    types.int64: I64,
    types.int32: I32,
    types.uint8: I8,
    types.boolean: I1,
    types.float32: F32,
    types.float64: F64,
}
FLOATS = (types.float32, types.float64)
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
    ast.Pow: operator.pow,
}
COMPARISONS: dict[type, tuple[str, Any]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}


def lifted(value: Any) -> Number:
    """The value as a Number: constants become int64, float32 or float64."""
    if isinstance(value, Number):
        return value
    if isinstance(value, np.float32):
        return Number(ir.Constant(F32, float(value)), types.float32)
    if isinstance(value, float):
        return Number(ir.Constant(F64, value), types.float64)
    if isinstance(value, INTEGER_OBJECTS):
        return Number(ir.Constant(I64, int(value)), types.int64)
    raise Untranslatable(f"{value!r} is not a number")


def cast(builder: Any, value: Any, kind: Any) -> Number:
    """The value in another type, as Numba does it."""
    number = lifted(value)
    if number.kind == kind:
        return number
    if number.kind not in LLVM or kind not in LLVM or kind == types.boolean:
        raise Untranslatable(f"{number.kind} cannot become {kind}")
    signed, goal = number.kind in (types.int64, types.int32), LLVM[kind]
    if number.kind in FLOATS and kind in FLOATS:
        change = builder.fpext if kind == types.float64 else builder.fptrunc
    elif number.kind in FLOATS:
        change = builder.fptosi
    elif kind in FLOATS:
        change = builder.sitofp if signed else builder.uitofp
    elif goal.width < number.value.type.width:
        change = builder.trunc
    else:
        change = builder.sext if signed else builder.zext
    return Number(change(number.value, goal), kind)


def common(one: Any, other: Any) -> Any:
    """The type in which two numbers meet."""
    kinds = {one.kind, other.kind}
    if len(kinds) == 1 and one.kind not in INTEGERS:
        return one.kind
    if not kinds <= {*INTEGERS, *FLOATS}:
        raise Untranslatable(f"{one.kind} and {other.kind} together")
    return types.float64 if kinds & set(FLOATS) else types.int64


def binary(builder: Any, operation: type, left: Any, right: Any) -> Any:
    """left (operation) right, for an operation of `ast`."""
    a, b = _plain(left), _plain(right)
    known = not isinstance(a, Number) and not isinstance(b, Number)
    if known and isinstance(a, np.float32) == isinstance(b, np.float32):
        return OPERATIONS[operation](a, b)
    one, other = lifted(a), lifted(b)
    kind = common(one, other)
    if operation is ast.Div and kind == types.int64:
        kind = types.float64
    x, y = (cast(builder, number, kind).value for number in (one, other))
    if kind == types.int64:
        return Number(_whole(builder, operation, x, y), kind)
    names = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
    if kind not in FLOATS or operation not in names:
        raise Untranslatable(f"{operation.__name__} of {one.kind} and {other.kind}")
    return Number(getattr(builder, names[operation])(x, y), kind)


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
    if operation not in names:
        raise Untranslatable(f"{operation.__name__} of integers")
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
    a, b = lifted(left), lifted(right)
    kind = common(a, b)
    x, y = (cast(builder, one, kind).value for one in (a, b))
    if kind in FLOATS:
        compare = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
    else:
        compare = builder.icmp_signed
    return Number(compare(sign, x, y), types.boolean)


def truth(builder: Any, value: Any) -> Any:
    """Whether a value counts as true, as an LLVM bit."""
    number = lifted(value)
    return number.value if number.kind == types.boolean else compared(builder, ast.NotEq, number, 0).value


def negative(builder: Any, value: Any) -> Any:
    """-value; of a float, its sign turned."""
    if not isinstance(value, Number):
        return -_plain(value)
    if value.kind in FLOATS:
        return Number(builder.fneg(value.value), value.kind)
    return binary(builder, ast.Sub, 0, value)


def root(builder: Any, value: Any) -> Number:
    """The square root, of a float32 as one."""
    number = lifted(value)
    if number.kind not in FLOATS:
        number = cast(builder, number, types.float64)
    kind = number.value.type
    name = "llvm.sqrt.f32" if number.kind == types.float32 else "llvm.sqrt.f64"
    return Number(builder.call(declare(builder, name, kind, [kind]), [number.value]), number.kind)


def item(builder: Any, pointer: Any, index: Any) -> tuple[Any, Any]:
    """The place of an item behind a pointer, and its type."""
    if not isinstance(pointer, Number) or not isinstance(pointer.kind, types.CPointer):
        raise Untranslatable(f"{pointer!r} has no items")
    kind = pointer.kind.dtype
    number = cast(builder, index, types.int64).value
    return builder.gep(pointer.value, [number], source_etype=LLVM[kind]), kind
