"""Ctrl-C and a request to end: what is under way is kept, and the program is gone within two seconds.

The first signal asks. Training notices after its step, saves and leaves. Where nobody has looked for the signal lately
the program is interrupted on the spot, and what still runs after two seconds, inside compiled code for example, is cut
off: the files on the disk are whole at every instant. A second signal cuts it off at once.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from contextlib import suppress
from time import monotonic
from types import FrameType, TracebackType

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C, and after a request to end: 128 and the number of the signal."""

LOOKED_LATELY = 0.5
"""Seconds since somebody last asked `stop`; then it is waited for."""

PUSH_SECONDS, LEAVE_SECONDS = 1.0, 1.8
"""After the first signal: when the main thread is interrupted whatever it does, and when the program is cut off."""


class Terminated(KeyboardInterrupt):
    """The program was asked to end."""


class Signals:
    """Turns SIGINT and SIGTERM into a question that training asks; use as a context manager.

    Outside the main thread, where Python has no signals, it does nothing.
    """

    def __init__(self) -> None:
        self._number = 0
        self._looked = -1e9
        self._pushed = False
        self._before: dict[int, object] = {}
        self._pipe: tuple[int, int] | None = None
        self._fd_before = -1

    @property
    def exit_code(self) -> int:
        """Of a program that was stopped."""
        return TERMINATED if self._number == signal.SIGTERM else INTERRUPTED

    def stop(self) -> BaseException | None:
        """What to raise because the program is to end; None while it is not."""
        self._looked = monotonic()
        return self._error() if self._number else None

    def interrupt_at_once(self) -> None:
        """From here on nobody asks `stop`: a signal interrupts on the spot. One that came before does so now."""
        self._looked = -1e9
        if self._number:
            raise self._error()

    def __enter__(self) -> Signals:
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        if os.name == "posix":
            # a signal reaches this pipe at once, also while the main thread is inside compiled code
            pipe = os.pipe()
            watcher = threading.Thread(target=self._watch, args=(pipe[0],), daemon=True, name="convlet-signals")
            try:
                watcher.start()
            except (RuntimeError, MemoryError):  # the system refuses a thread: signals are still handled, less promptly
                for end in pipe:
                    os.close(end)
                return self
            self._pipe = pipe
            os.set_blocking(pipe[1], False)
            self._fd_before = signal.set_wakeup_fd(pipe[1], warn_on_full_buffer=False)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before = {}
        if self._pipe is not None:
            signal.set_wakeup_fd(self._fd_before)
            os.close(self._pipe[1])  # the watching thread reads the end, and closes its side
            self._pipe = None

    def _error(self) -> BaseException:
        return Terminated() if self._number == signal.SIGTERM else KeyboardInterrupt()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        again = self._number != 0 and not self._pushed
        self._number = self._number or number
        if again and os.name != "posix":
            _cut_off(self.exit_code)
        if self._pushed or monotonic() - self._looked > LOOKED_LATELY:
            raise self._error()

    def _watch(self, handle: int) -> None:
        """Wait for the first signal; then for a second one, or for the time to be over."""
        first = os.read(handle, 1)
        if first:
            code = TERMINATED if first[0] == signal.SIGTERM else INTERRUPTED
            if _second(handle, PUSH_SECONDS):
                _cut_off(code)
            self._pushed = True
            signal.pthread_kill(threading.main_thread().ident or 0, first[0])
            os.read(handle, 1)  # the push itself
            _second(handle, LEAVE_SECONDS - PUSH_SECONDS)
            _cut_off(code)
        os.close(handle)


def _second(handle: int, seconds: float) -> bool:
    """Whether a second signal comes in this time; ends the thread quietly where the program leaves by itself."""
    ready, _, _ = select.select([handle], [], [], seconds)
    if ready and not os.read(handle, 1):
        raise SystemExit
    return bool(ready)


def _cut_off(code: int) -> None:
    """Leave now, with the cursor where people can see it. What other threads hold is not touched."""
    with suppress(OSError):
        if os.isatty(1):
            os.write(1, b"\x1b[?25h\n")
        os.write(2, b"convlet: cut off; what is saved is whole\n")
    os._exit(code)
