"""What threads ask of the processor, as Numba intrinsics: calls, atomics, how floats round, pauses, its clock."""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.extending import intrinsic

from convlet.kernels.vectors.llvm import I32, I64, declare


@intrinsic
def call(typing_context, function, arguments_address, frame_address):
    """Call the kernel at address `function`, by Numba's convention: room for a result and an error come first."""

    def code(context, builder, signature, arguments):
        kind = ir.FunctionType(I32, [ir.PointerType()] * 4)
        result, error = (cgutils.alloca_once(builder, ir.PointerType()) for _ in range(2))
        first, second = (builder.inttoptr(a, ir.PointerType()) for a in arguments[1:])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [result, error, first, second])

    return types.void(types.int64, types.int64, types.int64), code


@intrinsic
def fetch_add(typing_context, address, amount):
    """Add `amount` to the int64 at `address` in one indivisible step; returns the value before."""

    def code(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], I64.as_pointer())
        return builder.atomic_rmw("add", pointer, arguments[1], "seq_cst")

    return types.int64(types.int64, types.int64), code


@intrinsic
def exchange(typing_context, address, value):
    """Write an int64 at `address` in one indivisible step; returns the value before."""

    def code(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], I64.as_pointer())
        return builder.atomic_rmw("xchg", pointer, arguments[1], "seq_cst")

    return types.int64(types.int64, types.int64), code


@intrinsic
def acquire(typing_context, function, lock):
    """Sleep until a lock of the interpreter is free, and take it. `function` is PyThread_acquire_lock's address."""

    def code(context, builder, signature, arguments):
        kind = ir.FunctionType(I32, [ir.PointerType(), I32])
        function, lock = arguments[0], builder.inttoptr(arguments[1], ir.PointerType())
        builder.call(builder.inttoptr(function, kind.as_pointer()), [lock, ir.Constant(I32, 1)])

    return types.void(types.int64, types.int64), code


@intrinsic
def release(typing_context, function, lock):
    """Free a lock of the interpreter, which wakes who sleeps on it. `function` is PyThread_release_lock's address."""

    def code(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.VoidType(), [ir.PointerType()])
        function, lock = arguments[0], builder.inttoptr(arguments[1], ir.PointerType())
        builder.call(builder.inttoptr(function, kind.as_pointer()), [lock])

    return types.void(types.int64, types.int64), code


@intrinsic
def atomic_load(typing_context, address):
    """The int64 at `address`, as all threads see it."""

    def code(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], I64.as_pointer())
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(types.int64), code


@intrinsic
def atomic_store(typing_context, address, value):
    """Write an int64 for all threads to see, after everything written before and before everything read after."""

    def code(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], I64.as_pointer())
        builder.store_atomic(arguments[1], pointer, "seq_cst", 8)

    return types.void(types.int64, types.int64), code


FLUSHING = {"x86": 0x9FC0, "arm": 1 << 24}
"""Control words: numbers below 2^-126 count as zero, as inputs and as results; round to nearest; no traps."""


def _processor() -> str:
    machine = platform.machine().lower()
    return {"x86_64": "x86", "amd64": "x86", "aarch64": "arm", "arm64": "arm"}.get(machine, "other")


@intrinsic
def flush_denormals(typing_context):
    """Let this thread reckon by the control word FLUSHING; returns the one before. Denormals cost up to 100 cycles."""

    def code(context, builder, signature, arguments):
        processor = _processor()
        if processor == "other":
            return ir.Constant(I64, 0)
        before = _read_control(builder, processor)
        _write_control(builder, processor, ir.Constant(I64, FLUSHING[processor]))
        return before

    return types.int64(), code


@intrinsic
def restore_control(typing_context, word):
    """Give the thread its own control word back."""

    def code(context, builder, signature, arguments):
        processor = _processor()
        if processor != "other":
            _write_control(builder, processor, arguments[0])

    return types.void(types.int64), code


def _read_control(builder: Any, processor: str) -> Any:
    if processor == "arm":
        return builder.call(declare(builder, "llvm.aarch64.get.fpcr", I64, []), [])
    place = cgutils.alloca_once(builder, I32)
    builder.call(declare(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), [ir.PointerType()]), [place])
    return builder.zext(builder.load(place, typ=I32), I64)


def _write_control(builder: Any, processor: str, word: Any) -> None:
    if processor == "arm":
        builder.call(declare(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), [I64]), [word])
        return
    place = cgutils.alloca_once(builder, I32)
    builder.store(builder.trunc(word, I32), place)
    builder.call(declare(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [ir.PointerType()]), [place])


@intrinsic
def pause(typing_context):
    """Tell the processor that this is a loop that waits."""

    def code(context, builder, signature, arguments):
        processor = _processor()
        if processor == "x86":
            builder.call(declare(builder, "llvm.x86.sse2.pause", ir.VoidType(), []), [])
        elif processor == "arm":
            builder.call(declare(builder, "llvm.aarch64.hint", ir.VoidType(), [I32]), [ir.Constant(I32, 1)])

    return types.void(), code


@intrinsic
def ticks(typing_context):
    """The processor's own clock, which runs evenly at a rate of its own (rdtsc on x86, CNTVCT_EL0 on ARM); int64."""

    def code(context, builder, signature, arguments):
        return builder.call(declare(builder, "llvm.readcyclecounter", I64, []), [])

    return types.int64(), code
