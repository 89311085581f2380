"""Signals that arrive while something runs in which their exception would be lost, or would break it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class _Hold:
    """Stands in for every handler of Python, and notes the numbers of signals until `waiting` ends."""

    def __init__(self) -> None:
        self.waiting = True
        self.numbers: list[int] = []
        self.usual: dict[int, Any] = {}
        for number in signal.valid_signals():
            own: Any = signal.getsignal(number)
            while isinstance(own, _Hold) and not own.waiting:  # left over, see `__call__`
                own = own.usual[number]
            if callable(own):
                self.usual[number] = own

    def __call__(self, number: int, place: FrameType | None) -> None:
        if self.waiting:
            self.numbers.append(number)
        else:  # an exception came while the handlers were given back, so this one is left over
            signal.signal(number, self.usual[number])
            self.usual[number](number, place)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """A signal with a handler of Python, such as Ctrl-C, is handled at the end; its exception is raised from there.

    LLVM calls Python back while it compiles. An exception in there is printed and forgotten, and Numba then misses what
    it was compiling. Only the main thread runs handlers, so in other threads there is nothing to hold.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    hold = _Hold()
    try:
        for number in hold.usual:
            signal.signal(number, hold)
        yield
    finally:
        hold.waiting = False
        for number, own in hold.usual.items():
            signal.signal(number, own)
        for number in hold.numbers:
            signal.raise_signal(number)
