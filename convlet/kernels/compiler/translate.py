"""A kernel's Python function as LLVM code, several times faster than by way of Numba's compiler.

Numba finds out the type of every variable, and compiles every function that another calls for itself. Here neither is
needed: an operand is an address, so types follow from the first value of a variable, and what a kernel calls is written
in its place. Sizes are known when a kernel is written, so a branch or loop that they rule out is left out.

A kernel may use: variables, tuples, arithmetic (see `arithmetic`), if, while, for over a range with a positive step,
break, continue, return, items of pointers, intrinsics of Numba and functions. Everything else is refused.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from llvmlite import ir
from numba import types

from convlet.kernels.calling.operands import NUMBERS
from convlet.kernels.compiler.arithmetic import LLVM, Number, Untranslatable, binary, cast, item, lifted, truth
from convlet.kernels.compiler.expressions import Expressions
from convlet.kernels.vectors.llvm import I32, I64


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
def source(module: str) -> str:
    """The text of a module that is loaded, as it was when this process first asked; "" if there is none.

    Programs that are frozen into one file have no sources.
    """
    try:
        return inspect.getsource(sys.modules[module])
    except OSError:
        return ""


@lru_cache(maxsize=64)
def parsed(module: str) -> dict[int, list[ast.FunctionDef | ast.Lambda]]:
    """The functions of a module by their first line, decorators included."""
    found: dict[int, list[ast.FunctionDef | ast.Lambda]] = {}
    for node in ast.walk(ast.parse(source(module))):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
            first = min(one.lineno for one in (node, *decorators))
            found.setdefault(first, []).append(node)
    return found


class Scope(Expressions):
    """The body of one function, written where the builder stands.

    variables : writes at the beginning of the whole function, where the memory of variables is asked for
    loops : where `continue` and `break` go, of each loop around
    exits : where an early return came from, and what it returned
    """

    def __init__(self, function: Any, arguments: list[Any], builder: Any, variables: Any, context: Any) -> None:
        code = function.__code__
        lines = parsed(function.__module__).get(code.co_firstlineno, [])
        if len(lines) != 1:
            raise Untranslatable(f"{function.__module__}, line {code.co_firstlineno}: expected one function there")
        body = lines[0].body
        self.body: list[ast.stmt] = body if isinstance(body, list) else [ast.Return(body)]
        cells = (cell.cell_contents for cell in function.__closure__ or ())
        known = vars(builtins) | function.__globals__ | dict(zip(code.co_freevars, cells, strict=True))
        super().__init__(known, builder, context)
        self.variables = variables
        self.loops: list[tuple[Any, Any]] = []
        self.exits: list[tuple[Any, Any]] = []
        names = code.co_varnames[: code.co_argcount]
        found = (node for one in self.body for node in ast.walk(one) if isinstance(node, ast.Name))
        self.writes = Counter(names) + Counter(node.id for node in found if isinstance(node.ctx, ast.Store))
        for argument, value in zip(names, arguments, strict=True):
            self.assign(argument, value)

    def run(self) -> Any:
        """Write the whole body; gives what it returns."""
        *body, last = self.body
        result = None
        if isinstance(last, ast.Return):
            self.block(body)
            result = self.value(last.value) if last.value else None
        else:
            self.block(self.body)
        if not self.exits:
            return result
        return self.joined([*self.exits, (self.builder.block, result)])

    def inline(self, function: Any, arguments: list[Any]) -> Any:
        return Scope(function, arguments, self.builder, self.variables, self.context).run()

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

    def assign(self, name: str, value: Any) -> None:
        """A variable that is written once, with a constant or as an argument, needs no memory."""
        if self.writes[name] == 1 and not isinstance(value, Number):
            self.constants[name] = value
            return
        number = lifted(value)
        if name not in self.slots:
            kind = types.int64 if number.kind in (types.int32, types.uint8) else number.kind
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
