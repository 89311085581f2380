"""Ctrl-C while something runs in which it would be lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_held() -> Iterator[None]:
    """A Ctrl-C within takes effect at the end, as an exception of its own.

    LLVM calls Python back while it compiles. An exception in there is printed and forgotten, and Numba then misses what
    it was compiling. Only the main thread is ever interrupted, so in others nothing is to be held.
    """
    held: list[int] = []
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or usual is None:
        yield
        return
    signal.signal(signal.SIGINT, lambda number, place: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if held:
            signal.raise_signal(signal.SIGINT)
