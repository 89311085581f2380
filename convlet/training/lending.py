"""Engines that a model keeps to predict with: made once, lent to one thread at a time."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from convlet.training.engine import Engine

MOST_IDLE = 4
"""Engines that are kept; more are made where more threads predict at once, and closed again."""


class Engines:
    """Engines of one kind by their number of threads, None for all the machine has.

    make : makes one for so many threads
    """

    def __init__(self, make: Callable[[int | None], Engine]) -> None:
        self._make = make
        self._idle: list[tuple[int | None, Engine]] = []
        self._process = os.getpid()
        weakref.finalize(self, _close, self._idle)

    @contextmanager
    def lent(self, threads: int | None) -> Iterator[Engine]:
        """An engine that nobody else uses meanwhile; one that an exception interrupted is not lent again."""
        if self._process != os.getpid():  # a fork leaves the parent's threads behind
            self._process = os.getpid()
            self._idle.clear()
        try:
            made_for, engine = self._idle.pop()
        except IndexError:
            made_for, engine = threads, self._make(threads)
        if made_for != threads:
            engine.close()
            engine = self._make(threads)
        try:
            yield engine
        except BaseException:
            engine.close()
            raise
        if len(self._idle) < MOST_IDLE:
            self._idle.append((threads, engine))
        else:
            engine.close()


def _close(idle: list[tuple[int | None, Engine]]) -> None:
    for _, engine in idle:
        engine.close()
