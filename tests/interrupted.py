"""An interruption at a chosen moment: an exception where the interpreter would run the handler of a signal.

Handlers run after a call, at the start of a function and at the end of a loop's turn, never elsewhere.
"""

from __future__ import annotations

import opcode
import sys
import threading
import time
from collections.abc import Callable, Iterator

PLACES = ("/convlet/", "/contextlib.py")
"""Code that is interrupted, by a part of its file's name."""

CHECKED = ("CALL", "CALL_KW", "CALL_FUNCTION_EX", "RESUME", "JUMP_BACKWARD")
"""Instructions that look for signals."""


class Injected(KeyboardInterrupt):
    """The interruption, unlike one of a person."""


def interrupted(act: Callable[[], object], moment: int) -> bool:
    """Whether there was such a moment: number `moment`, from 0, of the code in PLACES."""
    left, checked = moment, False

    def local(frame, event, argument):
        nonlocal left, checked
        if event == "opcode":
            if checked and left == 0:
                raise Injected
            left -= checked
            checked = opcode.opname[frame.f_code.co_code[frame.f_lasti]] in CHECKED
        return local

    def begun(frame, event, argument):
        if not any(place in frame.f_code.co_filename for place in PLACES):
            return None
        frame.f_trace_opcodes = True
        return local

    before = sys.gettrace()
    sys.settrace(begun)
    try:
        act()
    except Injected:
        return True
    finally:
        sys.settrace(before)
    return False


def at_each_moment(act: Callable[[], object], step: int = 1) -> Iterator[int]:
    """Interrupt `act` at moment 0, `step`, 2 `step`, ... and give the moment after each, until it is done before."""
    moment = 0
    while interrupted(act, moment):
        yield moment
        moment += step


_there_before: set[threading.Thread] = set()
"""Helper threads of models that other tests keep; `forget_others` sets them at the beginning of a test."""


def forget_others() -> None:
    """Count only helper threads that begin from now on."""
    _there_before.clear()
    _there_before.update(threading.enumerate())


def only(count: int, seconds: float = 5.0) -> bool:
    """Whether there are soon no more helper threads than `count`; one that was told to end takes a moment."""
    deadline = time.monotonic() + seconds
    while _helpers() > count and time.monotonic() < deadline:
        time.sleep(0.001)
    return _helpers() == count


def _helpers() -> int:
    """Helper threads that run; the interpreter also counts threads whose start was interrupted before they were there."""
    return sum(
        one.name.startswith("convlet-") and one.ident is not None and one not in _there_before
        for one in threading.enumerate()
    )
