"""Threads that run one compiled walk together: the calling thread and its helpers meet once a call.

Helpers sleep and wake in compiled code (see `convlet.kernels.threads.meet`). They use locks of the interpreter that can
be taken and freed without Python. A helper refers only to the board, never to its crew. So a crew that nobody refers to
any more ends its helpers, whatever exception was the reason.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
import weakref
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from convlet.engine.aligned import aligned_zeros
from convlet.kernels.calling import board as fields
from convlet.kernels.compiler import machine_code
from convlet.kernels.compiler.interrupts import interrupts_held
from convlet.kernels.compiler.kernel import Kernel

log = logging.getLogger("convlet")

LOOKS = 4000
"""How often a thread looks for work before it sleeps: about 0.1 ms, longer than Python takes between two steps."""

MEETING = ("serve", "lead", "dismiss")
"""The kernels with which threads meet."""

_WATCH = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 4, ctypes.py_object)
"""A kernel as the callback of a weak reference, which is passed last; the kernel ignores it."""

_allocate_lock = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThread_allocate_lock", ctypes.pythonapi))
_acquire_lock = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)(
    ("PyThread_acquire_lock", ctypes.pythonapi)
)
_release_lock = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(("PyThread_release_lock", ctypes.pythonapi))
_free_lock = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(("PyThread_free_lock", ctypes.pythonapi))


class Workers:
    """`count` threads, of which the caller is one.

    Helpers are started when there is work for them: a single image needs none. A fork leaves them behind, whatever they
    are at; the child gets helpers of its own when it has work for them.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._crew: Crew | None = None

    def run(self, walker: int, task: int, frames: int, units: int, alone: Callable[[], None]) -> None:
        """Let up to `units` threads walk, and wait for all of them; see `Crew.run`.

        alone : the walk on the calling thread
        """
        threads = min(self.count, units)
        if threads <= 1:
            alone()
            return
        crew = self._crew
        if crew is None or crew.process != os.getpid():
            crew = self._crew = Crew(self.count)
        crew.run(walker, task, frames, threads)

    def close(self) -> None:
        """End the helpers."""
        crew, self._crew, self.count = self._crew, None, 1
        if crew is not None and crew.process == os.getpid():
            crew.end()


class Board:
    """The board of one crew (see `convlet.kernels.calling.board`), and a lock for each thread.

    threads : the calling thread included
    """

    def __init__(self, threads: int) -> None:
        room = aligned_zeros(fields.THREAD_LINES + threads * fields.LINE_BYTES + 2 * 8, np.uint8).view(np.int64)
        first = fields.THREAD_LINES // 8
        self.fields = room
        self.lines = room[first : first + threads * fields.LINE_FIELDS].reshape(threads, fields.LINE_FIELDS)
        self.address: int = room.ctypes.data
        self.room = self.address + 8 * (len(room) - 2)  # for what a kernel's calling convention returns
        room[fields.THREADS], room[fields.LOOKS] = threads, LOOKS
        room[fields.ACQUIRE], room[fields.RELEASE] = _address(_acquire_lock), _address(_release_lock)
        self.locks: list[int] = []
        for number, line in enumerate(self.lines):
            self.locks.append(_taken_lock())
            line[fields.LOCK // 8], line[fields.NUMBER // 8] = self.locks[-1], number
            line[fields.LINE // 8], line[fields.BOARD // 8] = line.ctypes.data, self.address
        self.watch: Any = None  # the weak reference that ends the helpers of a lost crew

    def line(self, number: int) -> int:
        """The address of a thread's line."""
        return self.address + fields.THREAD_LINES + number * fields.LINE_BYTES


class Crew:
    """`count` threads, of which the caller is one: starts the helpers, as many as the system allows.

    Helpers are daemons: a program may end without ending them.
    """

    def __init__(self, count: int) -> None:
        self.process = os.getpid()
        self.board = board = Board(count)
        self._helpers: list[threading.Thread] = []
        serve, lead, dismiss = (machine_code.caller(Kernel(name)) for name in MEETING)
        self._lead = partial(lead, board.address, board.line(0))
        self._dismiss = partial(dismiss, board.address, board.line(0))
        board.watch = weakref.ref(self, _dismisser(board))
        try:
            with interrupts_held():  # a start that is interrupted may leave a thread that waits for ever
                for number in range(1, count):
                    work = partial(_help, serve, board, number)
                    helper = threading.Thread(target=work, daemon=True, name=f"convlet-{number}")
                    helper.start()
                    self._helpers.append(helper)
        except (RuntimeError, MemoryError) as error:
            _say_refused(str(error) or type(error).__name__)
        except BaseException:
            self._dismiss()
            raise

    def run(self, walker: int, task: int, frames: int, threads: int) -> None:
        """Let up to `threads` threads walk. This returns, and exceptions are raised, when all helpers have left.

        walker : address of the compiled walk
        task : address of the task fields, int64
        frames : address of int64 (threads,), the address of each thread's frame; the calling thread's comes first
        """
        self.board.fields[: fields.LIMIT + 1] = walker, task, frames, threads
        self._lead()

    def end(self) -> None:
        """End the helpers, and wait until they have gone."""
        with interrupts_held():  # the interpreter runs Python as it forgets a thread, and an exception in there is lost
            self._dismiss()
            while self._helpers:
                self._helpers.pop().join()
            while self.board.locks:
                _free_lock(self.board.locks.pop())


def _help(serve: Any, board: Board, number: int) -> None:
    """A helper thread: it holds the board, whose memory it reads until it ends."""
    serve(board.address, board.line(number))


def _dismisser(board: Board) -> Any:
    """What ends the helpers when their crew is lost, as a call without a step of Python, so no signal interrupts it."""
    kernel = Kernel("dismiss")
    function = _WATCH(machine_code.addresses([kernel])[kernel])
    return partial(function, board.room, board.room + 8, board.address, board.line(0))


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _taken_lock() -> int:
    """A new lock of the interpreter, taken: who takes it next sleeps until it is freed."""
    lock = _allocate_lock()
    if not lock:
        raise MemoryError("the system refuses a lock")
    _acquire_lock(lock, 0)
    return int(lock)


@lru_cache(maxsize=1)
def _say_refused(reason: str) -> None:
    """One line of log in each process."""
    log.warning(f"the system refuses more threads ({reason}): going on with fewer, which changes no result")
