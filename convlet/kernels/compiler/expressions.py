"""What an expression of a kernel becomes: an object that is known now, or LLVM code that computes a number."""

from __future__ import annotations

import ast
import math
from types import FunctionType
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from convlet.kernels.calling.operands import operand
from convlet.kernels.compiler.arithmetic import (
    LLVM,
    Number,
    Untranslatable,
    binary,
    cast,
    common,
    compared,
    item,
    lifted,
    negative,
    root,
    truth,
)
from convlet.kernels.vectors.llvm import I1

INTRINSIC = type(operand)
CASTS = {np.float32: types.float32, np.float64: types.float64, np.int32: types.int32, np.int64: types.int64}


class Expressions:
    """Writes expressions where the builder stands.

    known : what names stand for outside the function
    constants : variables whose value is known now
    slots : memory of each variable that changes; LLVM makes registers of it
    """

    def __init__(self, known: dict[str, Any], builder: Any, context: Any) -> None:  # a name may stand for anything
        self.known, self.builder, self.context = known, builder, context
        self.constants: dict[str, Any] = {}
        self.slots: dict[str, Number] = {}

    def inline(self, function: Any, arguments: list[Any]) -> Any:
        """Write a function that is called, and give what it returns."""
        raise NotImplementedError

    def value(self, node: ast.expr) -> Any:
        """What an expression gives: an object that is known now, or a Number."""
        read = getattr(self, f"_{type(node).__name__.lower()}", None)
        if read is None:
            raise Untranslatable(f"line {node.lineno}: {type(node).__name__}")
        return read(node)

    def joined(self, ways: list[tuple[Any, Any]]) -> Number:
        """One value from several blocks, each with its own: they go on together in a new one."""
        builder, numbers = self.builder, [lifted(value) for _, value in ways]
        kind = numbers[0].kind
        for number in numbers[1:]:
            kind = number.kind if number.kind == kind else common(Number(None, kind), number)
        after, values = builder.append_basic_block("after"), []
        for (block, _), number in zip(ways, numbers, strict=True):
            builder.position_at_end(block)
            values.append(cast(builder, number, kind).value)
            builder.branch(after)
        builder.position_at_end(after)
        phi = builder.phi(values[0].type)
        for (block, _), value in zip(ways, values, strict=True):
            phi.add_incoming(value, block)
        return Number(phi, kind)

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        if node.id in self.slots:
            slot = self.slots[node.id]
            return Number(self.builder.load(slot.value, typ=slot.value.allocated_type), slot.kind)
        return self.constants[node.id] if node.id in self.constants else self.known[node.id]

    def _attribute(self, node: ast.Attribute) -> Any:
        return getattr(self.value(node.value), node.attr)

    def _tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(self.value(one) for one in node.elts)

    def _subscript(self, node: ast.Subscript) -> Any:
        source, index = self.value(node.value), self.value(node.slice)
        if isinstance(source, tuple):
            return source[index]
        place, kind = item(self.builder, source, index)
        return Number(self.builder.load(place, typ=LLVM[kind]), kind)

    def _binop(self, node: ast.BinOp) -> Any:
        return binary(self.builder, type(node.op), self.value(node.left), self.value(node.right))

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        value = self.value(node.operand)
        if isinstance(node.op, ast.USub):
            return negative(self.builder, value)
        if not isinstance(node.op, ast.Not):
            raise Untranslatable(f"line {node.lineno}: {type(node.op).__name__}")
        if not isinstance(value, Number):
            return not value
        return Number(self.builder.not_(truth(self.builder, value)), types.boolean)

    def _compare(self, node: ast.Compare) -> Any:
        if len(node.ops) != 1:
            raise Untranslatable(f"line {node.lineno}: a chain of comparisons")
        return compared(self.builder, type(node.ops[0]), self.value(node.left), self.value(node.comparators[0]))

    def _boolop(self, node: ast.BoolOp) -> Any:
        """The truth of all or any, each looked at only if those before do not decide."""
        decisive, builder = isinstance(node.op, ast.Or), self.builder
        ways: list[tuple[Any, Any]] = []
        value: Any = not decisive
        for number, one in enumerate(node.values):
            value = self.value(one)
            if not isinstance(value, Number):
                if bool(value) is decisive:
                    break
                continue
            value = Number(truth(builder, value), types.boolean)
            if number + 1 < len(node.values):
                decided, going_on = (builder.append_basic_block(label) for label in ("decided", "on"))
                builder.cbranch(value.value, *((decided, going_on) if decisive else (going_on, decided)))
                ways.append((decided, Number(ir.Constant(I1, decisive), types.boolean)))
                builder.position_at_end(going_on)
        if not ways:
            return value
        if not isinstance(value, Number):
            value = Number(ir.Constant(I1, bool(value)), types.boolean)
        return self.joined([*ways, (builder.block, value)])

    def _ifexp(self, node: ast.IfExp) -> Any:
        test, builder = self.value(node.test), self.builder
        if not isinstance(test, Number):
            return self.value(node.body if test else node.orelse)
        arms = [builder.append_basic_block(label) for label in ("then", "else")]
        builder.cbranch(truth(builder, test), *arms)
        ways = []
        for arm, one in zip(arms, (node.body, node.orelse), strict=True):
            builder.position_at_end(arm)
            value = self.value(one)
            ways.append((builder.block, value))
        return self.joined(ways)

    def _call(self, node: ast.Call) -> Any:
        called, builder = self.value(node.func), self.builder
        arguments = [self.value(one) for one in node.args]
        if isinstance(called, INTRINSIC):
            signature, code = called.__wrapped__(None, *arguments)
            values = [cast(builder, *one).value for one in zip(arguments, signature.args, strict=True)]
            return Number(code(self.context, builder, signature, values), signature.return_type)
        if isinstance(called, FunctionType):
            return self.inline(called, arguments)
        if called is min and len(arguments) == 2:
            if not any(isinstance(one, Number) for one in arguments):
                return min(arguments)
            one, other = (cast(builder, argument, types.int64) for argument in arguments)
            smaller = compared(builder, ast.Lt, other, one)
            return Number(builder.select(smaller.value, other.value, one.value), types.int64)
        if called in CASTS:
            (value,) = arguments
            return cast(builder, value, CASTS[called]) if isinstance(value, Number) else called(value)
        if called in (math.sqrt, np.sqrt):
            return root(builder, *arguments)
        raise Untranslatable(f"line {node.lineno}: a call of {called!r}")
