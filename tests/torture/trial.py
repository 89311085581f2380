"""What a trial gives, and what all trials share."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter

SLOWEST_SECONDS = 1.0
"""Refusing or reading one hostile input may take so long."""

MOST_BYTES = 64 * 2**20
"""And so much memory."""


@dataclass
class Outcome:
    """How often something was tried, and what went wrong, in words."""

    count: int = 0
    failures: list[str] = field(default_factory=list)

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


def each(names: Iterable[str], check: Callable[[str], str | None]) -> Outcome:
    """Check everything that has a name."""
    outcome = Outcome()
    for name in names:
        failure = check(name)
        outcome.tried(failure and f"{name}: {failure}")
    return outcome


def draws(seed: int) -> random.Random:
    """Random choices that are the same in every run."""
    return random.Random(seed)
