"""From a kernel's name and shape to the address of its machine code, through a cache that checks itself.

A compiled kernel is an object file (see `cache`). Helper processes compile many missing kernels side by side, so that
Numba, which is slow to load and large, need not be loaded in this process. A few missing ones are compiled here.
"""

from __future__ import annotations

import ctypes
import importlib
import os
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from random import Random
from typing import Any

from convlet.kernels.compiler import cache, helpers, place
from convlet.kernels.compiler.compile import compile_kernel, compiled_here, lock, without_config_file
from convlet.kernels.compiler.entry import Compiled
from convlet.kernels.compiler.interrupts import interrupts_held
from convlet.kernels.compiler.kernel import Kernel

WORTH_HELPERS, WORTH_MORE_HELPERS = 4, 16
"""Use helper processes from 4 missing kernels on, or from 16 if this process has compiled kernels already. The first
kernel takes as long as ten more."""

_addresses: dict[Kernel, int] = {}
_engines: list[Any] = []

_CALL = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 4)
"""Numba's calling convention: room for a result, room for an error, then the arguments. The interpreter's lock
is let go meanwhile."""


def addresses(kernels: Iterable[Kernel], processes: int = 1) -> dict[Kernel, int]:
    """The machine code of each kernel, from memory, from the cache or compiled now.

    Parameters
    ----------
    processes : how many helper processes may compile at the same time
    """
    asked = list(dict.fromkeys(kernels))
    with lock:
        missing = []
        for kernel in asked:
            if kernel not in _addresses:
                found = cache.read(kernel.symbol)
                if found is None:
                    missing.append(kernel)
                else:
                    _addresses[kernel] = _link(*found)
        for kernel, code in compiled(missing, processes):
            _addresses[kernel] = _link(*code)
        return {kernel: _addresses[kernel] for kernel in asked}


@lru_cache(maxsize=1)
@interrupts_held()  # a Numba that was loaded by half would never work in this process
def obstacle() -> str | None:
    """Why kernels cannot be compiled and run here; None where they can."""
    for package in ("numba", "llvmlite"):
        try:
            found = find_spec(package)
        except (ImportError, ValueError):
            found = None
        if found is None:
            return f"{package} is not installed"
    try:
        package = "llvmlite"
        importlib.import_module("llvmlite.binding")
        folder = place.folder()
        if folder is None or not folder.is_dir():  # else it has compiled here before; loading it takes a while
            package = "numba"
            with without_config_file():
                importlib.import_module("numba")
    except Exception as error:
        return f"{package} cannot be loaded ({' '.join(str(error).split())})"
    return None


def caller(kernel: Kernel) -> Callable[[int, int], None]:
    """A Python function that runs the kernel on the addresses of its operands and frame."""
    function = _CALL(addresses([kernel])[kernel])

    def run(operands: int, frame: int) -> None:
        room = (ctypes.c_void_p * 2)()
        place = ctypes.addressof(room)
        function(place, place + 8, operands, frame)

    return run


def compiled(missing: list[Kernel], processes: int) -> Iterator[tuple[Kernel, Compiled]]:
    """Compile and keep kernels that the cache does not have.

    Processes that start together share the work: each goes its own way through it, and looks what others have done.
    """
    missing = Random(os.getpid()).sample(missing, len(missing))
    helped = len(missing) >= WORTH_MORE_HELPERS and processes > 1 if compiled_here else len(missing) >= WORTH_HELPERS
    if helped:
        done = helpers.compile_together(missing, min(processes, len(missing) // 2))
        yield from done.items()
        missing = [kernel for kernel in missing if kernel not in done]
    for kernel in missing:
        code = cache.read(kernel.symbol)
        if code is None:
            code = compile_kernel(kernel)
            cache.write(kernel.symbol, code)
        yield kernel, code


def _link(name: str, code: bytes) -> int:
    """The address of the function of that name, linked in an engine of its own.

    Functions that two kernels use may be in both object files under one name, which Numba gives anew in each process.
    """
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    address: int = engine.get_function_address(name)
    return address
