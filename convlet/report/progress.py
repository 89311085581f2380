"""Progress while networks train or are measured: a live bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.text import Text

from convlet.report.live import LiveView, can_be_live
from convlet.report.numbers import count, seconds
from convlet.report.tables import say

SECONDS_BETWEEN_LINES = 10.0
"""Where the output is no terminal, a long training says so often how it goes."""


class Progress(Protocol):
    """How far a training has come, as the training loop tells it."""

    @property
    def epoch(self) -> int: ...
    @property
    def epochs(self) -> int: ...
    @property
    def step(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def loss(self) -> float: ...
    @property
    def images_per_second(self) -> float: ...
    @property
    def seconds_left(self) -> float: ...


class LiveStages:
    """Shows which stage of some work is under way: a spinner in a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._status: Any = None
        self._said = monotonic()

    def __enter__(self) -> LiveStages:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._status is not None:
            self._status.stop()

    def begin(self, text: str) -> None:
        """The next stage begins."""
        if self.console.is_terminal:
            if self._status is None:
                self._status = self.console.status("")
                with suppress(RuntimeError):  # the system refuses the thread that turns the spinner
                    self._status.start()
            self._status.update(Text(text))
        elif monotonic() - self._said >= SECONDS_BETWEEN_LINES:
            self._said = monotonic()
            say(self.console, text)


class LiveProgress:
    """Shows networks as they train; use as a context manager."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self.console, self.quiet = console, quiet
        self._view: LiveView | None = None
        self._heading, self._said = "", 0.0

    def __enter__(self) -> LiveProgress:
        if not self.quiet and can_be_live(self.console):
            self._view = LiveView(self.console)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._view is not None:
            self._view.stop()

    def start(self, label: str, number: int, count: int) -> None:
        """A network begins: number k of n."""
        self._heading = f"[{number}/{count}] {label}" if count > 1 else label
        self._said = monotonic()
        if self._view is not None:
            self._view.begin(self._heading, "compiling")

    def update(self, progress: Progress) -> None:
        """The network is so far."""
        facts = (
            f"{count(progress.images_per_second)} images/s, loss {progress.loss:.4f}, "
            f"{seconds(progress.seconds_left)} left"
        )
        if self._view is not None:
            self._view.update(progress.step / progress.steps, progress.loss, facts)
        elif not self.quiet and monotonic() - self._said >= SECONDS_BETWEEN_LINES:
            self._said = monotonic()
            say(self.console, f"{self._heading}: epoch {progress.epoch} of {progress.epochs}, {facts}")

    def finish(self, text: str) -> None:
        """The network is done; text says how it went."""
        if self._view is not None:
            self._view.end()
        if not self.quiet:
            say(self.console, f"{self._heading}: {text}")
