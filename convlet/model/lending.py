"""Engines that a model keeps to predict with: made once, lent to one thread at a time."""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Callable
from types import TracebackType

from convlet.engine.engine import Engine

MOST_IDLE = 4
"""Engines that are kept; more are made where more threads predict at once, and closed again."""


_made: list[weakref.ref[Engines]] = []
"""All that are alive. They are found without a callback of Python, in which a Ctrl-C would be lost."""


class Engines:
    """Engines of one kind by their number of threads, None for all the machine has.

    Engines that are forgotten with it end their threads by themselves. Those that are idle when the interpreter exits
    are closed before it takes itself apart.

    make : makes one for a number of threads
    """

    def __init__(self, make: Callable[[int | None], Engine]) -> None:
        self._make = make
        self._idle: list[tuple[int | None, Engine]] = []
        self._process = os.getpid()
        _made[:] = [*(one for one in _made if one() is not None), weakref.ref(self)]

    def lent(self, threads: int | None) -> Loan:
        """An engine that nobody else uses meanwhile, as a context manager."""
        if self._process != os.getpid():  # a fork leaves the parent's threads behind
            self._process = os.getpid()
            self._idle.clear()
        return Loan(self, threads)

    def take(self, threads: int | None) -> Engine:
        """An idle engine or a new one, which is forgotten here."""
        try:
            made_for, engine = self._idle.pop()
        except IndexError:
            return self._make(threads)
        if made_for == threads:
            return engine
        engine.close()
        return self._make(threads)

    def give_back(self, threads: int | None, engine: Engine) -> None:
        """Keep an engine for the next one who asks; close it where enough are kept."""
        if len(self._idle) < MOST_IDLE:
            self._idle.append((threads, engine))
        else:
            engine.close()

    def close_idle(self) -> None:
        """Close the engines that nobody uses."""
        while self._process == os.getpid() and self._idle:
            self._idle.pop()[1].close()


class Loan:
    """An engine while it is lent. One that an exception interrupted is closed, and never lent again."""

    def __init__(self, engines: Engines, threads: int | None) -> None:
        self._engines, self._threads = engines, threads

    def __enter__(self) -> Engine:
        self._engine = self._engines.take(self._threads)
        return self._engine

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._engines.give_back(self._threads, self._engine)
        else:
            self._engine.close()


@atexit.register
def _close_idle() -> None:
    for engines in [one() for one in _made]:
        if engines is not None:
            engines.close_idle()
