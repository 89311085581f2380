"""Signals that arrive while something runs in which their exception would be lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts_held() -> Iterator[None]:
    """A signal with a handler of Python, such as Ctrl-C, is handled at the end; its exception is raised from there.

    LLVM calls Python back while it compiles. An exception in there is printed and forgotten, and Numba then misses what
    it was compiling. Only the main thread runs handlers, so in other threads there is nothing to hold.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {number: own for number in signal.valid_signals() if callable(own := signal.getsignal(number))}
    held: list[int] = []
    waiting = True

    def hold(number: int, place: FrameType | None) -> None:
        if waiting:
            held.append(number)
        else:  # an exception came between two lines of the end, so this handler is still there
            usual[signal.Signals(number)](number, place)

    try:
        for number in usual:
            signal.signal(number, hold)
        yield
    finally:
        waiting = False
        for number, own in usual.items():
            signal.signal(number, own)
        for again in held:
            signal.raise_signal(again)
