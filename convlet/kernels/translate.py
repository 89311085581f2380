"""A kernel's Python function as LLVM code, several times faster than by way of Numba's compiler.

Numba finds out the type of every variable, and compiles every function that another calls for itself. Here neither is
needed: an operand is an address, so types follow from the first value of a variable, and what a kernel calls is written
in its place. Sizes are known when a kernel is written, so a branch or loop that they rule out is left out.

A kernel may use: variables, tuples of them, arithmetic (see `expressions`), if, while, for over range, items of
pointers, intrinsics of Numba, and functions that end with their only return. Everything else is refused.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import math
import sys
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from types import FunctionType
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from convlet.kernels.expressions import (
    LLVM,
    Number,
    Untranslatable,
    binary,
    cast,
    chosen,
    compared,
    item,
    lifted,
    negative,
    root,
    truth,
)
from convlet.kernels.operands import NUMBERS, operand
from convlet.kernels.simd import I32, I64

INTRINSIC = type(operand)
CASTS = {np.float32: types.float32, np.int32: types.int32, np.int64: types.int64}


def translate(function: Callable[..., None], name: str, module: Any, context: Any) -> None:
    """Write `name(result, error, operands, frame)` into the module; it returns 0, by Numba's convention.

    function : the kernel; its two arguments are pointers to int64
    context : Numba's target context, which intrinsics ask for types
    """
    pointer = ir.PointerType()
    made = ir.Function(module, ir.FunctionType(I32, [pointer] * 4), name)
    variables, start = (made.append_basic_block(label) for label in ("variables", "start"))
    builder = ir.IRBuilder(start)
    arguments = [Number(argument, NUMBERS) for argument in made.args[2:]]
    Scope(function, arguments, builder, ir.IRBuilder(variables), context).run()
    builder.ret(ir.Constant(I32, 0))
    ir.IRBuilder(variables).branch(start)


@lru_cache(maxsize=64)
def parsed(module: str) -> dict[int, list[ast.FunctionDef | ast.Lambda]]:
    """The functions of a module by their first line, decorators included, as its source was when this was asked."""
    found: dict[int, list[ast.FunctionDef | ast.Lambda]] = {}
    for node in ast.walk(ast.parse(inspect.getsource(sys.modules[module]))):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
            found.setdefault(first, []).append(node)
    return found


class Scope:
    """The body of one function, written where the builder stands.

    known : what names stand for outside the function
    slots : memory of each variable that changes; LLVM makes registers of it
    """

    def __init__(self, function: Any, arguments: list[Any], builder: Any, variables: Any, context: Any) -> None:
        self.builder, self.variables, self.context = builder, variables, context
        code = function.__code__
        lines = parsed(function.__module__).get(code.co_firstlineno, [])
        if len(lines) != 1:
            raise Untranslatable(f"{function.__module__}, line {code.co_firstlineno}: expected one function there")
        body = lines[0].body
        self.body: list[ast.stmt] = body if isinstance(body, list) else [ast.Return(body)]
        cells = (cell.cell_contents for cell in function.__closure__ or ())
        self.known = vars(builtins) | function.__globals__ | dict(zip(code.co_freevars, cells, strict=True))
        self.slots: dict[str, Number] = {}
        self.constants: dict[str, Any] = {}
        names = code.co_varnames[: code.co_argcount]
        stores = (node for one in self.body for node in ast.walk(one) if isinstance(node, ast.Name))
        self.writes = Counter(names) + Counter(node.id for node in stores if isinstance(node.ctx, ast.Store))
        for node in (node for one in self.body for node in ast.walk(one) if isinstance(node, ast.AugAssign)):
            if isinstance(node.target, ast.Name):
                self.writes[node.target.id] += 1
        for argument, value in zip(names, arguments, strict=True):
            self.assign(argument, value)

    def run(self) -> Any:
        """Write the whole body; gives what it returns."""
        *body, last = self.body
        self.block(body)
        if isinstance(last, ast.Return):
            return self.value(last.value) if last.value else None
        self.block([last])
        return None

    def block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            write = getattr(self, f"_{type(statement).__name__.lower()}", None)
            if write is None:
                raise Untranslatable(f"line {statement.lineno}: {type(statement).__name__}")
            write(statement)

    def value(self, node: ast.expr) -> Any:
        """What an expression gives: an object that is known now, or a Number."""
        read = getattr(self, f"_{type(node).__name__.lower()}", None)
        if read is None:
            raise Untranslatable(f"line {node.lineno}: {type(node).__name__}")
        return read(node)

    def assign(self, name: str, value: Any) -> None:
        """A variable that is written once, with a constant or as an argument, needs no memory."""
        if self.writes[name] == 1 and not isinstance(value, Number):
            self.constants[name] = value
            return
        number = lifted(self.builder, value)
        if name not in self.slots:
            kind = types.int64 if number.kind in LLVM and number.kind in (types.int32, types.uint8) else number.kind
            place = self.variables.alloca(LLVM.get(kind, number.value.type), name=name)
            self.slots[name] = Number(place, kind)
        slot = self.slots[name]
        self.builder.store(cast(self.builder, number, slot.kind).value, slot.value)

    def store(self, target: ast.expr, value: Any) -> None:
        """Assign to a variable, several of them or an item."""
        if isinstance(target, ast.Name):
            self.assign(target.id, value)
        elif isinstance(target, ast.Tuple):
            for one, part in zip(target.elts, value, strict=True):
                self.store(one, part)
        elif isinstance(target, ast.Subscript):
            place, kind = item(self.builder, self.value(target.value), self.value(target.slice))
            self.builder.store(cast(self.builder, value, kind).value, place)
        else:
            raise Untranslatable(f"line {target.lineno}: assignment to {type(target).__name__}")

    # statements

    def _assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            self.store(target, value)

    def _augassign(self, node: ast.AugAssign) -> None:
        self.store(node.target, binary(self.builder, type(node.op), self.value(node.target), self.value(node.value)))

    def _expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.value(node.value)

    def _if(self, node: ast.If) -> None:
        test = self.value(node.test)
        if not isinstance(test, Number):
            self.block(node.body if test else node.orelse)
            return
        builder = self.builder
        then, other, after = (builder.append_basic_block(label) for label in ("then", "else", "after"))
        builder.cbranch(truth(builder, test), then, other)
        for start, statements in ((then, node.body), (other, node.orelse)):
            builder.position_at_end(start)
            self.block(statements)
            builder.branch(after)
        builder.position_at_end(after)

    def _while(self, node: ast.While) -> None:
        builder = self.builder
        look, body, after = (builder.append_basic_block(label) for label in ("look", "body", "after"))
        builder.branch(look)
        builder.position_at_end(look)
        builder.cbranch(truth(builder, self.value(node.test)), body, after)
        builder.position_at_end(body)
        self.block(node.body)
        builder.branch(look)
        builder.position_at_end(after)

    def _for(self, node: ast.For) -> None:
        """Over a range with a step that is known and positive."""
        if not isinstance(node.iter, ast.Call) or self.value(node.iter.func) is not range or node.orelse:
            raise Untranslatable(f"line {node.lineno}: a loop over anything but a range")
        given = [self.value(one) for one in node.iter.args]
        start, stop, step = ((0, *given) if len(given) == 1 else tuple(given)) + (1,) * (len(given) < 3)
        if isinstance(step, Number) or step < 1:
            raise Untranslatable(f"line {node.lineno}: a step that is not known, or not positive")
        if not isinstance(start, Number) and not isinstance(stop, Number) and len(range(start, stop, step)) < 2:
            for index in range(start, stop, step):
                self.store(node.target, index)
                self.block(node.body)
            return
        builder, place = self.builder, self.variables.alloca(I64)
        builder.store(cast(builder, start, types.int64).value, place)
        last = cast(builder, stop, types.int64).value
        look, body, after = (builder.append_basic_block(label) for label in ("look", "body", "after"))
        builder.branch(look)
        builder.position_at_end(look)
        index = builder.load(place, typ=I64)
        builder.cbranch(builder.icmp_signed("<", index, last), body, after)
        builder.position_at_end(body)
        self.store(node.target, Number(index, types.int64))
        self.block(node.body)
        builder.store(builder.add(index, ir.Constant(I64, step), flags=["nsw"]), place)
        builder.branch(look)
        builder.position_at_end(after)

    # expressions

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
        place, kind = item(self.builder, self.value(node.value), self.value(node.slice))
        return Number(self.builder.load(place, typ=LLVM[kind]), kind)

    def _binop(self, node: ast.BinOp) -> Any:
        return binary(self.builder, type(node.op), self.value(node.left), self.value(node.right))

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        if not isinstance(node.op, ast.USub):
            raise Untranslatable(f"line {node.lineno}: {type(node.op).__name__}")
        return negative(self.builder, self.value(node.operand))

    def _compare(self, node: ast.Compare) -> Any:
        if len(node.ops) != 1:
            raise Untranslatable(f"line {node.lineno}: a chain of comparisons")
        return compared(self.builder, type(node.ops[0]), self.value(node.left), self.value(node.comparators[0]))

    def _boolop(self, node: ast.BoolOp) -> Any:
        """All operands are computed, so none may do anything else."""
        needed, join = (
            (True, self.builder.and_) if isinstance(node.op, ast.And) else (False, self.builder.or_)
        )
        bits = []
        for one in node.values:
            part = self.value(one)
            if isinstance(part, Number):
                bits.append(truth(self.builder, part))
            elif bool(part) is not needed:
                return not needed
        if not bits:
            return needed
        total = bits[0]
        for bit in bits[1:]:
            total = join(total, bit)
        return Number(total, types.boolean)

    def _ifexp(self, node: ast.IfExp) -> Any:
        """Both values are computed, so neither may read memory: one of them may be none of ours."""
        test = self.value(node.test)
        if not isinstance(test, Number):
            return self.value(node.body if test else node.orelse)
        for arm in (node.body, node.orelse):
            if any(isinstance(part, ast.Subscript | ast.Call) for part in ast.walk(arm)):
                raise Untranslatable(f"line {node.lineno}: a choice between values that are read or called for")
        return chosen(self.builder, truth(self.builder, test), self.value(node.body), self.value(node.orelse))

    def _call(self, node: ast.Call) -> Any:
        called, builder = self.value(node.func), self.builder
        arguments = [self.value(one) for one in node.args]
        if isinstance(called, INTRINSIC):
            signature, code = called.__wrapped__(None, *arguments)
            values = [cast(builder, *one).value for one in zip(arguments, signature.args, strict=True)]
            return Number(code(self.context, builder, signature, values), signature.return_type)
        if isinstance(called, FunctionType):
            return Scope(called, arguments, builder, self.variables, self.context).run()
        if called is min and len(arguments) == 2:
            if not any(isinstance(one, Number) for one in arguments):
                return min(arguments)
            smaller = compared(builder, ast.Lt, arguments[1], arguments[0])
            return chosen(builder, smaller.value, arguments[1], arguments[0])
        if called in CASTS:
            (value,) = arguments
            return cast(builder, value, CASTS[called]) if isinstance(value, Number) else called(value)
        if called is math.sqrt:
            return root(builder, *arguments)
        raise Untranslatable(f"line {node.lineno}: a call of {called!r}")
