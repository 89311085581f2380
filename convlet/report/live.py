"""What a terminal shows while networks train: a bar, speed, loss and time left, and the curves of the loss."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import log10
from typing import Any

import numpy as np
from rich.console import Console, ConsoleOptions
from rich.text import Text

from convlet.report.braille import characters, dots
from convlet.report.plain import plain

WIDE = 90
"""From this width on the bar is long."""

LEAST_HEADING = 6
"""Characters of the heading that the bar leaves; with less room there is no bar."""

CURVE_ROWS, LABEL = 6, 8
"""Lines that the curves take, and characters to their left for the loss."""

LEAST_WIDTH, LEAST_HEIGHT, MOST_WIDTH = 60, 16, 100
"""A smaller terminal shows no curves; in a wider one they stop growing."""

FEWEST, MOST_POINTS = 3, 2000
"""Points of a curve: below, it says nothing; above, every second one is forgotten."""


def can_be_live(console: Console) -> bool:
    """Whether lines may be drawn again and again: a terminal that can, and no wish for plain text."""
    return console.is_terminal and not console.is_dumb_terminal and not os.environ.get("NO_COLOR")


class LiveView:
    """The lines at the foot of the terminal; the console draws it, as often as it likes."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self.console = console
        self.unicode = console.encoding.lower().startswith("utf")
        self._live = Live(self, console=console, transient=True, refresh_per_second=8, auto_refresh=True)
        self._heading, self._facts, self._share = "", "", 0.0
        self._curve: list[tuple[float, float]] = []
        self._earlier: list[list[tuple[float, float]]] = []
        self._shown = False

    def begin(self, heading: str, facts: str) -> None:
        """A network is next."""
        self._heading, self._facts, self._share, self._curve, self._shown = heading, facts, 0.0, [], True
        if not self._live.is_started:
            try:
                self._live.start()
            except RuntimeError:  # the system refuses the thread that draws: each update draws
                self._live.auto_refresh = False

    def update(self, share: float, loss: float, facts: str) -> None:
        """So much of its training is done."""
        self._share, self._facts = share, facts
        if loss > 0:
            self._curve.append((share, log10(loss)))
        if len(self._curve) > MOST_POINTS:
            self._curve = self._curve[::2]
        if not self._live.auto_refresh:
            self._live.refresh()

    def end(self) -> None:
        """The network is done; its curve stays, faintly, until the last one is."""
        self._earlier.append(self._curve)
        self._shown = False
        self._live.refresh()

    def stop(self) -> None:
        """Leave the terminal as it was."""
        self._live.stop()

    def refresh(self) -> None:
        """Draw now."""
        self._live.refresh()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        if not self._shown:
            return
        yield self._line(options.max_width)
        room = console.height >= LEAST_HEIGHT and options.max_width >= LEAST_WIDTH
        if room and self.unicode and len(self._curve) >= FEWEST:
            yield from self._curves(min(options.max_width, MOST_WIDTH) - LABEL - 1)

    def _line(self, width: int) -> Text:
        """Of a narrow terminal the heading gives way: speed, loss and time left stay whole."""
        cells = 16 if width >= WIDE else 8
        room = width - len(self._facts) - cells - 2
        parts: list[Any] = [self._bar(cells), " "]
        if room < LEAST_HEADING:
            parts, room = [], width - len(self._facts) - 1
        heading = Text(plain(self._heading), no_wrap=True)
        heading.truncate(max(1, room), overflow="ellipsis")
        line = Text.assemble(heading, " ", *parts, plain(self._facts), no_wrap=True)
        line.truncate(width)
        return line

    def _bar(self, cells: int) -> Text:
        full, empty = ("━", "━") if self.unicode else ("#", "-")
        done = round(self._share * cells)
        return Text.assemble((full * done, "cyan"), (empty * (cells - done), "bright_black"))

    def _curves(self, columns: int) -> Iterator[Text]:
        """The loss of this network, bright, over those of the earlier ones, on a logarithmic axis."""
        every = [*self._earlier, self._curve]
        values = [value for curve in every for _, value in curve]
        low, high = min(values), max(values)
        if high - low < 0.05:
            low, high = low - 0.05, high + 0.05

        def drawn(curve: list[tuple[float, float]]) -> Any:
            xs, ys = [x for x, _ in curve], [y for _, y in curve]
            return dots(xs, ys, low, high, columns, CURVE_ROWS)

        now = drawn(self._curve)
        both = np.logical_or.reduce([drawn(curve) for curve in every])
        bright = now.reshape(CURVE_ROWS, 4, columns, 2).any(axis=(1, 3))
        ends = {0: high, CURVE_ROWS - 1: low}
        for number, (text, own) in enumerate(zip(characters(both), bright, strict=True)):
            label = f"{10 ** ends[number]:.3g}" if number in ends else "loss" if number == 1 else ""
            line = Text(f"{label:>{LABEL}} ", style="bright_black", no_wrap=True)
            for character, is_own in zip(text, own, strict=True):
                line.append(character, "cyan" if is_own else "bright_black")
            yield line
