"""A kernel's Python function as LLVM code, several times faster than by way of Numba's compiler.

Numba finds out the type of every variable, and compiles every function that another calls for itself. Here neither is
needed: an operand is an address, so types follow from the first value of a variable, and what a kernel calls is written
in its place. Sizes are known when a kernel is written, so a branch or loop that they rule out is left out.

A kernel may use: variables, tuples, arithmetic (see `expressions`), if, while, for over a range with a positive step,
break, continue, return, items of pointers, intrinsics of Numba and functions. Everything else is refused.
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
    common,
    compared,
    item,
    lifted,
    negative,
    root,
    truth,
)
from convlet.kernels.operands import NUMBERS, operand
from convlet.kernels.simd import I1, I32, I64

INTRINSIC = type(operand)
CASTS = {np.float32: types.float32, np.float64: types.float64, np.int32: types.int32, np.int64: types.int64}


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
    loops : where `continue` and `break` go, of each loop around
    exits : where an early return came from, and what it returned
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
        self.loops: list[tuple[Any, Any]] = []
        self.exits: list[tuple[Any, Any]] = []
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
        if not isinstance(last, ast.Return):
            self.block([last])
            last = None
        result = self.value(last.value) if last is not None and last.value else None
        if not self.exits:
            return result
        return self.joined([*self.exits, (self.builder.block, result)])

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

    def leave(self, goal: Any) -> None:
        """Go to another block; what is written behind is never reached."""
        self.builder.branch(goal)
        self.builder.position_at_end(self.builder.append_basic_block("behind"))

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
        number = lifted(value)
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
        self.loop(node.body, body, look, after)

    def loop(self, statements: list[ast.stmt], body: Any, following: Any, after: Any) -> None:
        """The body of a loop, after which it goes to the block `following`."""
        self.builder.position_at_end(body)
        self.loops.append((following, after))
        self.block(statements)
        self.loops.pop()
        self.builder.branch(following)
        self.builder.position_at_end(after)

    def _for(self, node: ast.For) -> None:
        if not isinstance(node.iter, ast.Call) or self.value(node.iter.func) is not range or node.orelse:
            raise Untranslatable(f"line {node.lineno}: a loop over anything but a range")
        given = [self.value(one) for one in node.iter.args]
        start, stop, step = ((0, *given) if len(given) == 1 else tuple(given)) + (1,) * (len(given) < 3)
        if not any(isinstance(one, Number) for one in (start, stop, step)) and not range(start, stop, step):
            return
        builder, place = self.builder, self.variables.alloca(I64)
        first, last, apart = (cast(builder, one, types.int64).value for one in (start, stop, step))
        builder.store(first, place)
        look, body, following, after = (
            builder.append_basic_block(label) for label in ("look", "body", "following", "after")
        )
        builder.branch(look)
        builder.position_at_end(look)
        index = builder.load(place, typ=I64)
        builder.cbranch(builder.icmp_signed("<", index, last), body, after)
        builder.position_at_end(following)
        builder.store(builder.add(index, apart, flags=["nsw"]), place)
        builder.branch(look)
        builder.position_at_end(body)
        self.store(node.target, Number(index, types.int64))
        self.loop(node.body, self.builder.block, following, after)

    def _break(self, node: ast.Break) -> None:
        self.leave(self.loops[-1][1])

    def _continue(self, node: ast.Continue) -> None:
        self.leave(self.loops[-1][0])

    def _return(self, node: ast.Return) -> None:
        if node.value is None:
            raise Untranslatable(f"line {node.lineno}: an early return of nothing")
        value = self.value(node.value)
        self.exits.append((self.builder.block, value))
        self.builder.position_at_end(self.builder.append_basic_block("behind"))

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
            return Scope(called, arguments, builder, self.variables, self.context).run()
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
