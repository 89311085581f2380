"""Helper processes that compile kernels: the interpreter's lock lets threads compile only one after the other.

A helper is told a kernel and answers with its object file, through pipes, until its input ends. One that cannot be
started, ends early or has other sources is no failure: what is left over is compiled in the process that asked.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO

from convlet.kernels.compiler import cache, place
from convlet.kernels.compiler.compile import compile_kernel
from convlet.kernels.compiler.entry import Compiled
from convlet.kernels.compiler.kernel import Kernel
from convlet.system.limits import available_bytes
from convlet.system.modules import safe_path

MOST = 8
"""More helpers would wait for memory."""

HELPER_BYTES = 250 * 2**20
"""What a helper takes while it works, with a little to spare."""

PACKAGE = Path(__file__).parents[2]

START = """import importlib.util, json, sys
sys.path[:] = json.loads(sys.argv[1])
spec = importlib.util.spec_from_file_location("convlet", sys.argv[2])
sys.modules["convlet"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["convlet"])
from convlet.kernels.compiler.helpers import help_out
help_out()"""
"""A helper finds the convlet that started it by its place, not on the module path, where another one may come first."""

LENGTH_BYTES = 8


def compile_together(kernels: list[Kernel], count: int) -> dict[Kernel, Compiled]:
    """Compile and keep kernels in up to `count` helpers; those that none of them could compile are left out.

    Where there is no memory for a helper, none is started: this process has its own part of it already.
    """
    left, done = deque(kernels), dict[Kernel, Compiled]()
    free = available_bytes()
    helpers = _start(min(count, MOST, MOST if free is None else free // HELPER_BYTES))
    threads: list[threading.Thread] = []
    try:
        with suppress(RuntimeError, MemoryError):  # where the system refuses a thread, those there are do the work
            for one in helpers:
                thread = threading.Thread(target=_employ, args=(one, left, done), daemon=True)
                thread.start()
                threads.append(thread)
        for thread in threads:
            thread.join()
    finally:
        left.clear()  # after Ctrl-C nothing more is begun
        for helper in helpers:
            helper.kill()  # after Ctrl-C; in the end it has gone already
            helper.wait()
            for pipe in (helper.stdin, helper.stdout):
                with suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]
    return done


def _start(count: int) -> list[subprocess.Popen[bytes]]:
    """As many helpers as the system allows; none where this is no Python that could be started again."""
    if not sys.executable or getattr(sys, "frozen", False):
        return []
    # isolated from the current folder: a stranger's json.py there must not run in place of Python's own
    command = [sys.executable, "-P", "-c", START, json.dumps(safe_path()), str(PACKAGE / "__init__.py")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    helpers: list[subprocess.Popen[bytes]] = []
    with suppress(OSError):
        for _ in range(count):
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            helpers.append(subprocess.Popen(command, cwd=PACKAGE, env=environment, **pipes))  # type: ignore[call-overload]
    return helpers


def _employ(helper: subprocess.Popen[bytes], left: deque[Kernel], done: dict[Kernel, Compiled]) -> None:
    """Let a helper compile what is left, one kernel after the other."""
    assert helper.stdin is not None
    assert helper.stdout is not None
    with suppress(OSError, EOFError):
        if _receive(helper.stdout).decode() != place.fingerprint():
            return
        while True:
            try:
                kernel = left.popleft()
            except IndexError:
                return
            compiled = cache.read(kernel.symbol)  # another process may have been faster
            if compiled is None:
                _send(helper.stdin, pickle.dumps(kernel))
                name, _, code = _receive(helper.stdout).partition(b"\0")
                if not code:
                    continue
                compiled = name.decode(), code
                cache.write(kernel.symbol, compiled)
            done[kernel] = compiled


def help_out() -> None:
    """What a helper does. Its first answer is its fingerprint; an empty one stands for a kernel it cannot compile."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked, which ends this one
    sys.modules["scipy"] = None  # type: ignore[assignment]  # Numba loads it, a tenth of a second, for no kernel of ours
    answers, questions = os.fdopen(os.dup(1), "wb"), sys.stdin.buffer
    os.dup2(2, 1)  # whatever is printed must not stand between answers
    with suppress(OSError, EOFError):
        _send(answers, place.fingerprint().encode())
        while True:
            kernel = pickle.loads(_receive(questions))
            try:
                name, code = compile_kernel(kernel)
            except Exception:
                name, code = "", b""
            gc.freeze()  # what Numba has loaded by now stays: looking through it again and again costs a tenth
            _send(answers, name.encode() + b"\0" + code)
    os._exit(0)


def _send(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(len(message).to_bytes(LENGTH_BYTES, "little") + message)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes:
    """The next message; EOFError where the other side has gone."""
    length = pipe.read(LENGTH_BYTES)
    message = pipe.read(int.from_bytes(length, "little")) if len(length) == LENGTH_BYTES else b""
    if not message:
        raise EOFError
    return message
