"""From a kernel's name and shape to the address of its machine code, through a cache that checks itself.

A compiled kernel is an object file (see `cache`). Many missing ones are compiled by helper processes, side by side; so
Numba, which is slow to load and large, need not be loaded in this process. A few are compiled here.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from random import Random
from typing import Any

from convlet.kernels.compiler import cache
from convlet.kernels.compiler.cache import Compiled
from convlet.kernels.compiler.interrupts import interrupts_held
from convlet.kernels.registry import BY_NAME, load_builders
from convlet.kernels.target import host

WORTH_HELPERS, WORTH_MORE_HELPERS = 4, 16
"""So many missing kernels are left to helpers: where this process has compiled none yet, and where it has. The first
kernel takes as long as ten more."""

CONFIG_FILE = ".numba_config.yaml"
"""Numba's own settings for a folder."""

_lock = threading.RLock()
_addresses: dict[Kernel, int] = {}
_engines: list[Any] = []
_compiled_here: set[str] = set()

if hasattr(os, "register_at_fork"):
    # a fork waits for kernels that are being compiled: the child could never finish them
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)

_CALL = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 4)
"""Numba's calling convention: room for a result, room for an error, then the arguments. The interpreter's lock
is let go meanwhile."""


@dataclass(frozen=True)
class Kernel:
    """A row of the registry and the shape to compile it for."""

    name: str
    shape: Any = None

    @property
    def symbol(self) -> str:
        """The name it is kept under, which no other kernel has."""
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:24]
        return f"convlet_{self.name}_{digest}"


def addresses(kernels: Iterable[Kernel], processes: int = 1) -> dict[Kernel, int]:
    """The machine code of each kernel, from memory, from the cache or compiled now.

    Parameters
    ----------
    processes : how many helper processes may compile at the same time
    """
    asked = list(dict.fromkeys(kernels))
    with _lock:
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
        place = cache.folder()
        if place is None or not place.is_dir():  # else it has compiled here before; loading it takes a while
            package = "numba"
            with _without_config_file():
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
    helped = len(missing) >= WORTH_MORE_HELPERS and processes > 1 if _compiled_here else len(missing) >= WORTH_HELPERS
    if helped:
        from convlet.kernels.compiler import helpers

        done = helpers.compile_together(missing, min(processes, len(missing) // 2))
        yield from done.items()
        missing = [kernel for kernel in missing if kernel not in done]
    for kernel in missing:
        code = cache.read(kernel.symbol)
        if code is None:
            code = compile_kernel(kernel)
            cache.write(kernel.symbol, code)
        yield kernel, code


@contextmanager
def _without_config_file() -> Iterator[None]:
    """Numba, loaded or asked to compile inside, does not see the `.numba_config.yaml` of the current folder.

    It reads that file when it is loaded and at every compilation. One that came with a stranger's pictures could change
    the code of kernels, which are kept for other folders too. What environment variables say stays in force.
    """
    with _lock:  # two threads must not keep each other's change
        real = os.path.exists  # how Numba looks for the file; every other question gets its usual answer
        os.path.exists = lambda path: path != CONFIG_FILE and real(path)
        try:
            yield
        finally:
            os.path.exists = real


@contextmanager
def _compiling() -> Iterator[None]:
    """Numba compiles inside, also where NUMBA_DISABLE_JIT is set: people set it to debug functions of their own."""
    from numba import config
    from numba.core.compiler_lock import global_compiler_lock

    with global_compiler_lock:  # another thread that compiles must neither see nor keep the change
        before, config.DISABLE_JIT = config.DISABLE_JIT, 0
        try:
            yield
        finally:
            config.DISABLE_JIT = before


@interrupts_held()
@_without_config_file()
def compile_kernel(kernel: Kernel) -> Compiled:
    """Compile one kernel, in this process.

    Numba's wrappers for Python and C are left out: with them, an object file could not be linked without Numba.
    """
    from llvmlite.binding import initialize_native_asmparser
    from numba.core.registry import cpu_target

    from convlet.kernels.compiler.translate import translate

    _compiled_here.add(kernel.symbol)
    initialize_native_asmparser()  # without it, a kernel with inline assembly ends the process
    load_builders()
    row = BY_NAME[kernel.name]
    function = row.build(kernel.shape, host())
    if row.by_numba:
        return _compiled_by_numba(function, kernel.symbol)
    with _compiling():
        library = cpu_target.target_context.codegen().create_library(kernel.symbol)
        library.enable_object_caching()
        module = library.create_ir_module(kernel.symbol)
        translate(function, kernel.symbol, module, cpu_target.target_context)
        library.add_ir_module(module)
        _, _, (code, _) = library.serialize_using_object_code()
    return kernel.symbol, code


def _compiled_by_numba(function: Any, name: str) -> Compiled:
    from numba import types
    from numba.core.compiler import Flags, compile_extra
    from numba.core.registry import cpu_target

    function.__name__ = function.__qualname__ = name
    flags = Flags()
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    flags.error_model = "numpy"
    numbers = types.CPointer(types.int64)
    with _compiling():
        compiled = compile_extra(
            cpu_target.typing_context,
            cpu_target.target_context,
            function,
            (numbers, numbers),
            types.void,
            flags,
            {},
        )
    _, _, (code, _) = compiled.library.serialize_using_object_code()
    return compiled.fndesc.llvm_func_name, code


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
