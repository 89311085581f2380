"""From a kernel's name and shape to the address of its machine code, through a cache that checks itself.

A compiled kernel is an object file. It is kept in a folder named by a hash of everything that could change it:
all kernel sources, Numba, llvmlite, Python and the processor. An entry begins with the SHA-256 of the rest; one
that does not match is compiled again. Where the folder cannot be written, kernels live in memory only.
Numba is imported only when something has to be compiled.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import platform
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from convlet.kernels.registry import BY_NAME
from convlet.kernels.target import host

log = logging.getLogger("convlet")
_lock = threading.RLock()
_addresses: dict[Kernel, int] = {}

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
        """A name no other kernel has: it tells apart what the linker would otherwise mix up."""
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:24]
        return f"convlet_{self.name}_{digest}"


def addresses(kernels: Iterable[Kernel]) -> dict[Kernel, int]:
    """The machine code of each kernel, from memory, from the cache or compiled now."""
    with _lock:
        wanted = [kernel for kernel in dict.fromkeys(kernels) if kernel not in _addresses]
        loaded = {kernel: _read(kernel) for kernel in wanted}
        for kernel, found in loaded.items():
            entry, code = found if found is not None else _compile(kernel)
            if found is None:
                _write(kernel, entry, code)
            _addresses[kernel] = _link(entry, code)
        return dict(_addresses)


def caller(kernel: Kernel) -> Callable[[int, int], None]:
    """A Python function that runs the kernel on the addresses of its operands and frame."""
    function = _CALL(addresses([kernel])[kernel])

    def run(operands: int, frame: int) -> None:
        room = (ctypes.c_void_p * 2)()
        place = ctypes.addressof(room)
        function(place, place + 8, operands, frame)

    return run


def _compile(kernel: Kernel) -> tuple[str, bytes]:
    """The entry's symbol and the object file.

    Numba's wrappers for Python and C are left out: with them, an object file could not be linked without Numba.
    """
    from numba import types
    from numba.core.compiler import Flags, compile_extra
    from numba.core.registry import cpu_target

    function = BY_NAME[kernel.name].build(kernel.shape, host())
    function.__name__ = function.__qualname__ = kernel.symbol
    flags = Flags()
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    flags.error_model = "numpy"
    numbers = types.CPointer(types.int64)
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


@lru_cache(maxsize=1)
def _engine() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)


def _link(entry: str, code: bytes) -> int:
    import llvmlite.binding as llvm

    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address: int = engine.get_function_address(entry)
    return address


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """A hash of everything compiled code depends on."""
    target = host()
    parts = [
        version("numba"),
        version("llvmlite"),
        platform.python_version(),
        platform.machine(),
        repr(target),
    ]
    digest = hashlib.sha256("\n".join(parts).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:32]


def cache_folder() -> Path:
    """Where compiled kernels are kept: under CONVLET_CACHE, else the user's cache."""
    from platformdirs import user_cache_path

    root = os.environ.get("CONVLET_CACHE")
    return (Path(root) if root else user_cache_path("convlet")) / "kernels" / fingerprint()


def _read(kernel: Kernel) -> tuple[str, bytes] | None:
    try:
        stored = (cache_folder() / f"{kernel.symbol}.o").read_bytes()
    except (OSError, RuntimeError):
        return None
    checksum, body = stored[:32], stored[32:]
    if hashlib.sha256(body).digest() != checksum:
        return None
    entry, _, code = body.partition(b"\0")
    return entry.decode(), code


def _write(kernel: Kernel, entry: str, code: bytes) -> None:
    body = entry.encode() + b"\0" + code
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        os.replace(temporary, folder / f"{kernel.symbol}.o")
    except (OSError, RuntimeError) as error:
        _say_once(f"compiled kernels cannot be kept ({error}); they are compiled anew in each process")


@lru_cache(maxsize=1)
def _say_once(message: str) -> None:
    log.warning(message)
