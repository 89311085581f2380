"""A fault at each call to the system that saving makes: the folder still loads, goes on, and ends in the same model.

    python -m tests.torture.save_faults STEP [FIRST]

plants each of the faults at every STEP-th call from call FIRST on. The faults: the process is killed; the disk is full;
the disk fails; and from the call on, each write takes only a part of what it is given.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.torture import children
from tests.torture.kills import loads
from tests.torture.trial import Outcome, report

CALLS = ("open", "write", "fsync", "close", "replace", "link", "unlink", "ftruncate")
FAULTS = ("kill", "ENOSPC", "EIO", "short write")
SAVE = ("--save-every", "0")
MARK = "CALLS"


def plant(fault: str, at: int, counted: Path | None = None) -> Callable[[], None]:
    """What a child does before it begins: let call number `at` fail; write how many there were to `counted`."""

    def prepare() -> None:
        calls = 0
        short = False
        counter = os.open(counted, os.O_RDWR | os.O_CREAT) if counted is not None else None

        def wrap(name: str) -> Callable[..., Any]:
            real = getattr(os, name)

            def call(*arguments: Any, **keywords: Any) -> Any:
                nonlocal calls, short
                calls += 1
                if calls == at:
                    if fault == "kill":
                        os.kill(os.getpid(), signal.SIGKILL)
                    if fault == "short write":
                        short = True
                    else:
                        number = getattr(errno, fault)
                        raise OSError(number, os.strerror(number))
                if short and name == "write" and len(arguments[1]) > 1:
                    return real(arguments[0], arguments[1][: max(1, len(arguments[1]) // 3)])
                if counter is not None:
                    os.pwrite(counter, str(calls).encode(), 0)
                return real(*arguments, **keywords)

            return call

        for name in CALLS:
            setattr(os, name, wrap(name))

    return prepare


def save_faults(step: int, first: int = 1) -> Outcome:
    """Each fault at every `step`-th call of a run that goes on from its middle to its end."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = children.make_data(folder)
        children.warm(data, folder / "warm")
        begin = [*children.train(data, folder / "begun", *SAVE), "--epochs", "2"]
        children.wait(children.child(begin, _stop_after(5)))
        calls = _run(data, folder, "counted", "none", 0, counted=folder / MARK)
        expected = children.results(folder / "counted")
        outcome.notes = f"{calls} calls"
        for at in range(first, calls + 1, step):
            for fault in FAULTS:
                failure = _trial(data, folder, fault, at, expected)
                outcome.tried(failure and f"{fault} at call {at}: {failure}")
    return outcome


def _stop_after(steps: int) -> Callable[[], None]:
    def prepare() -> None:
        from convlet.cli.signals import Signals

        asked = 0

        def stop(self: Signals) -> BaseException | None:
            nonlocal asked
            asked += 1
            return KeyboardInterrupt() if asked > steps else None

        Signals.stop = stop

    return prepare


def _run(data: Path, folder: Path, name: str, fault: str, at: int, counted: Path | None = None) -> int:
    """The exit code of a run from the middle to the end with one fault; or the number of its calls."""
    run = folder / name
    shutil.copytree(folder / "begun", run)
    code = children.wait(children.child(children.train(data, run, *SAVE), plant(fault, at, counted)))
    return int(counted.read_text()) if counted is not None else code


def _trial(data: Path, folder: Path, fault: str, at: int, expected: Any) -> str | None:
    run = folder / "run"
    try:
        code = _run(data, folder, "run", fault, at)
        allowed = {"kill": (-9, 0), "short write": (0,)}.get(fault, (0, 1, 2))
        if code not in allowed:
            return f"exit code {code}"
        failure = loads(run)
        if failure:
            return failure
        code = children.wait(children.child(children.train(data, run, *SAVE)))
        if code:
            return f"exit code {code} when going on"
        return None if children.results(run) == expected else "the results differ"
    finally:
        shutil.rmtree(run, ignore_errors=True)


if __name__ == "__main__":
    report(save_faults(*map(int, sys.argv[1:])))
