"""Threads that run one compiled function together: the calling thread and its helpers meet once a call."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Workers:
    """`count` threads, of which the caller is one.

    The helpers sleep between calls and are daemons: a program may end without closing them.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._work: Callable[[int], None] | None = None
        self._begin = [threading.Semaphore(0) for _ in range(count - 1)]
        self._done = threading.Semaphore(0)
        self._errors: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._helper, args=(number,), daemon=True, name=f"convlet-{number}")
            for number in range(1, count)
        ]
        for thread in self._threads:
            thread.start()

    def run(self, work: Callable[[int], None], at_most: int) -> None:
        """Call work(number) on up to `at_most` threads, numbered from 0, and wait for all of them."""
        helpers = min(self.count, at_most) - 1
        self._work = work
        for begin in self._begin[:helpers]:
            begin.release()
        try:
            work(0)
        finally:
            for _ in range(helpers):
                self._done.acquire()
        if self._errors:
            raise self._errors.pop()

    def close(self) -> None:
        """End the helpers."""
        self._work = None
        for begin in self._begin:
            begin.release()
        for thread in self._threads:
            thread.join()
        self._begin, self._threads = [], []
        self.count = 1

    def _helper(self, number: int) -> None:
        while True:
            self._begin[number - 1].acquire()
            work = self._work
            if work is None:
                return
            try:
                work(number)
            except BaseException as error:
                self._errors.append(error)
            finally:
                self._done.release()
