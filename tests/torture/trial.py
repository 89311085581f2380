"""What a trial gives, and what all trials share."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parent.parent.parent

SLOWEST_SECONDS = 1.0
"""Refusing or reading one hostile input may take so long."""

MOST_BYTES = 64 * 2**20
"""And so much memory."""


@dataclass
class Outcome:
    """How often something was tried, what went wrong, in words, and what else is worth saying."""

    count: int = 0
    failures: list[str] = field(default_factory=list)
    notes: str = ""

    def tried(self, failure: str | None = None) -> None:
        """One more was tried; with what went wrong, if something did."""
        self.count += 1
        if failure:
            self.failures.append(failure)

    def add(self, other: Outcome) -> Outcome:
        """Both together."""
        self.count += other.count
        self.failures += other.failures
        return self


def refused(act: Callable[[], object], kind: type[Exception]) -> str | None:
    """Why `act` did not raise one line of exactly this kind of error in time; None where it did."""
    began = perf_counter()
    try:
        act()
    except kind as error:
        seconds = perf_counter() - began
        if "\n" in str(error) or not str(error):
            return f"the message is not one line: {str(error)!r}"
        return f"took {seconds:.1f} s" if seconds > SLOWEST_SECONDS else None
    except BaseException as error:
        return f"raised {type(error).__name__}: {error}"
    return "was accepted"


def clean(act: Callable[[], object], kind: type[Exception]) -> str | None:
    """Why `act` neither gave a value nor raised one line of this kind of error in time; None where it did."""
    failure = refused(act, kind)
    return None if failure == "was accepted" else failure


def report(outcome: Outcome) -> None:
    """Print an outcome for `in_process` to read."""
    print(json.dumps(asdict(outcome)))


def in_process(module: str, *arguments: object) -> Outcome:
    """The outcome of a trial that needs a process of its own: `python -m MODULE ARGUMENTS` prints it last."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{module} failed with exit code {done.returncode}: {done.stderr[-2000:]}")
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


class Memory:
    """How far the memory of this process has risen since this was made."""

    def __init__(self) -> None:
        with suppress(OSError):  # another system: the peak so far counts
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._before = self._peak("VmRSS")

    @staticmethod
    def _peak(field: str) -> int:
        try:
            lines = Path("/proc/self/status").read_text().splitlines()
        except OSError:
            import resource

            return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))

    def check(self, outcome: Outcome) -> None:
        """Count it as a failure where it has risen by more than is allowed."""
        grown = max(0, self._peak("VmHWM") - self._before)
        if grown > MOST_BYTES:
            outcome.failures.append(f"memory grew by {grown / 2**20:.1f} MiB")
        outcome.notes = f"{outcome.notes}, " * bool(outcome.notes) + f"memory +{grown / 2**20:.1f} MiB"


def draws(seed: int) -> random.Random:
    """Random choices that are the same in every run."""
    return random.Random(seed)
