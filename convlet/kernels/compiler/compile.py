"""One kernel's machine code: its Python function is translated to LLVM code and compiled, in this process."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from convlet.kernels.compiler.entry import Compiled
from convlet.kernels.compiler.interrupts import interrupts_held
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.registry import BY_NAME, ROWS
from convlet.kernels.target import host

CONFIG_FILE = ".numba_config.yaml"
"""Numba's own settings for a folder."""

lock = threading.RLock()
"""Held while kernels are looked up or compiled."""

compiled_here: set[str] = set()
"""The names of the kernels that this process has compiled itself; the first takes as long as ten more."""

if hasattr(os, "register_at_fork"):
    # a fork waits for kernels that are being compiled: the child could never finish them
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


def load_builders() -> None:
    """Load the source of every kernel now: kernels compiled later are then of one version, even if a file is edited."""
    for module in {row.module for row in ROWS}:
        importlib.import_module(f"convlet.kernels.{module}")
    from convlet.kernels.compiler.translate import source

    for module in [name for name in sys.modules if name.startswith("convlet.kernels.")]:
        source(module)


@contextmanager
def without_config_file() -> Iterator[None]:
    """Numba, loaded or asked to compile inside, does not see the `.numba_config.yaml` of the current folder.

    It reads that file when it is loaded and at every compilation. One that came with a stranger's pictures could change
    the code of kernels, which are kept for other folders too. What environment variables say stays in force.
    """
    with lock:  # two threads must not keep each other's change
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
        config.reload_config()  # somebody's own function may have been compiled with the file of the current folder
        before, config.DISABLE_JIT = config.DISABLE_JIT, 0
        try:
            yield
        finally:
            config.DISABLE_JIT = before


@interrupts_held()
@without_config_file()
def compile_kernel(kernel: Kernel) -> Compiled:
    """Compile one kernel, in this process.

    Numba's wrappers for Python and C are left out: with them, an object file could not be linked without Numba.
    """
    from llvmlite.binding import initialize_native_asmparser
    from numba.core.registry import cpu_target

    from convlet.kernels.compiler.translate import source, translate

    compiled_here.add(kernel.symbol)
    initialize_native_asmparser()  # without it, a kernel with inline assembly ends the process
    load_builders()
    row = BY_NAME[kernel.name]
    function = row.build(kernel.shape, host())
    if row.by_numba or not source(function.__module__):
        return _by_numba(function, kernel.symbol)
    with _compiling():
        library = cpu_target.target_context.codegen().create_library(kernel.symbol)
        library.enable_object_caching()
        module = library.create_ir_module(kernel.symbol)
        translate(function, kernel.symbol, module, cpu_target.target_context)
        library.add_ir_module(module)
        _, _, (code, _) = library.serialize_using_object_code()
    return kernel.symbol, code


def _by_numba(function: Any, name: str) -> Compiled:
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
