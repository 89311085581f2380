"""Threads that run one compiled walk together: the calling thread and its helpers meet once a call.

A helper looks out for work for a moment before it sleeps (see `convlet.kernels.meet`), so steps that follow each other
closely wake nobody. The calling thread waits in the same way, and yields the processor where that takes long.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from convlet.kernels import board
from convlet.kernels import compile as compiler
from convlet.kernels.compile import Kernel
from convlet.layers.base import Array
from convlet.training.aligned import aligned_zeros

LOOKS = 4000
"""How often to look for work before going to sleep: some 0.1 ms, longer than Python takes between two steps."""

SECONDS_BETWEEN_LOOKS = 50e-6
"""How long the calling thread yields the processor where helpers are not done soon after it."""

MEETING = ("serve", "order", "gather_round")
"""The kernels with which threads meet."""

LINES_AHEAD = 2


class Workers:
    """`count` threads, of which the caller is one.

    The helpers are daemons: a program may end without closing them. A fork leaves them behind, whatever they are at;
    the child gets helpers of its own when it has work for them.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._begin()

    def _begin(self) -> None:
        """A clean board, and no helper yet."""
        count, line = self.count, board.LINE_BYTES // 8
        self._board = aligned_zeros((LINES_AHEAD + count) * line, np.int64)
        self._lines = self._board.reshape(-1, line)
        self._round = self._own(0)
        self._orders = [self._own(number) for number in range(1, count)]
        self._wake = [threading.Semaphore(0) for _ in range(1, count)]
        self._threads: list[threading.Thread] = []
        self._process = os.getpid()

    def run(self, walker: int, task: Array, frames: Sequence[Array], units: int, alone: Callable[[], None]) -> None:
        """Let up to `units` threads walk, and wait for all of them.

        walker : address of the compiled walk
        task : int64 fields of the task
        frames : each thread's frame, int64; the calling thread's comes first
        alone : the walk on the calling thread
        """
        helpers = min(self.count, units) - 1
        if helpers > 0:
            if self._process != os.getpid():
                self._begin()
            if not self._threads:
                self._start()
            self._lines[0, board.WALKER], self._lines[0, board.TASK] = walker, task.ctypes.data
            self._lines[1, 0] = 0
            for number in range(helpers):
                self._lines[LINES_AHEAD + number, board.FRAME // 8] = frames[number + 1].ctypes.data
                self._give_order(number)
        alone()
        if helpers > 0:
            self._wait(helpers)

    def close(self) -> None:
        """End the helpers."""
        if self._process != os.getpid():
            self._begin()
        self._lines[0, board.WALKER] = 0
        for number, thread in enumerate(self._threads):
            self._give_order(number)
            thread.join()
        self._threads = []
        self.count = 1

    def _start(self) -> None:
        """Helpers are started when there is work for them: a single image needs none."""
        self._serve, self._order, self._gather = (compiler.caller(Kernel(name)) for name in MEETING)
        self._threads = [
            threading.Thread(target=self._helper, args=(number,), daemon=True, name=f"convlet-{number}")
            for number in range(1, self.count)
        ]
        for thread in self._threads:
            thread.start()

    def _own(self, number: int) -> Array:
        """The numbers a thread brings along; the caller's number is 0."""
        own = aligned_zeros(board.OWN_FIELDS, np.int64)
        line = LINES_AHEAD + max(0, number - 1)
        own[board.BOARD], own[board.LOOKS] = self._board.ctypes.data, LOOKS
        own[board.LINE] = self._board.ctypes.data + line * board.LINE_BYTES
        return own

    def _give_order(self, number: int) -> None:
        own = self._orders[number]
        self._order(own.ctypes.data, 0)
        if own[board.SEEN]:
            self._wake[number].release()

    def _wait(self, helpers: int) -> None:
        own = self._round
        own[board.WANTED] = helpers
        self._gather(own.ctypes.data, 0)
        while own[board.SEEN] < helpers:
            time.sleep(SECONDS_BETWEEN_LOOKS)
            self._gather(own.ctypes.data, 0)

    def _helper(self, number: int) -> None:
        own, line = self._own(number), self._lines[LINES_AHEAD + number - 1]
        while True:
            self._serve(own.ctypes.data, 0)
            if not line[board.ASLEEP // 8]:
                return  # an order without a walker
            self._wake[number - 1].acquire()
            line[board.ASLEEP // 8] = 0
