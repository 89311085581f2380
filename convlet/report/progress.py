"""Progress while networks train or are measured: a live bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

from time import monotonic
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.text import Text

from convlet.report.numbers import count, seconds
from convlet.report.plain import plain
from convlet.report.tables import say

SECONDS_BETWEEN_LINES = 10.0
"""Where the output is no terminal, a long training says so often how it goes."""

WIDE = 90
"""From this width on the bar is long."""


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
                self._status.start()
            self._status.update(Text(text))
        elif monotonic() - self._said >= SECONDS_BETWEEN_LINES:
            self._said = monotonic()
            say(self.console, text)


class LiveProgress:
    """Shows networks as they train; use as a context manager."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self.console, self.quiet = console, quiet
        self._bar: Any = None
        self._task: Any = None
        self._heading, self._said = "", 0.0

    def __enter__(self) -> LiveProgress:
        if self.console.is_terminal and not self.quiet:
            self._bar = self._make_bar()
            self._bar.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def start(self, label: str, number: int, count: int) -> None:
        """A network begins: number k of n."""
        self._heading = f"[{number}/{count}] {label}" if count > 1 else label
        self._said = monotonic()
        if self._bar is not None:
            self._task = self._bar.add_task("", total=None, heading=self._heading, facts="compiling")

    def update(self, progress: Progress) -> None:
        """The network is so far."""
        facts = (
            f"{count(progress.images_per_second)} images/s, loss {progress.loss:.4f}, "
            f"{seconds(progress.seconds_left)} left"
        )
        if self._bar is not None:
            self._bar.update(self._task, completed=progress.step, total=progress.steps, facts=facts)
        elif not self.quiet and monotonic() - self._said >= SECONDS_BETWEEN_LINES:
            self._said = monotonic()
            say(self.console, f"{self._heading}: epoch {progress.epoch} of {progress.epochs}, {facts}")

    def finish(self, text: str) -> None:
        """The network is done; text says how it went."""
        if self._bar is not None:
            self._bar.remove_task(self._task)
        if not self.quiet:
            say(self.console, f"{self._heading}: {text}")

    def _make_bar(self) -> Any:
        from rich.progress import BarColumn, ProgressColumn, Task
        from rich.progress import Progress as Bar
        from rich.table import Column
        from rich.text import Text

        class Words(ProgressColumn):
            """One of the task's own texts, never read as markup."""

            def __init__(self, field: str, column: Column) -> None:
                self.field = field
                super().__init__(column)

            def render(self, task: Task) -> Text:
                return Text(plain(task.fields[self.field]), overflow="ellipsis", no_wrap=True)

        # of a narrow terminal the heading gives way: speed, loss and time left stay whole
        bar_width = 16 if self.console.width >= WIDE else 8
        columns = [
            Words("heading", Column()),
            BarColumn(bar_width=bar_width, table_column=Column(no_wrap=True)),
            Words("facts", Column(no_wrap=True)),
        ]
        return Bar(*columns, console=self.console, transient=True)
