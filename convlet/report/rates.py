"""What a learning-rate range test found, in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Protocol

from rich.console import Console
from rich.text import Text

from convlet.report.braille import characters, dots
from convlet.report.tables import say

ROWS, LABEL, WIDEST = 10, 8, 100
"""Lines of the plot, characters to its left, and the most it takes with them."""

HIGHEST = 1.1
"""Of the first loss: what lies above is cut off, so that the explosion does not flatten the rest."""


class RateScan(Protocol):
    """What the range test found, as far as this file needs it."""

    @property
    def rates(self) -> Sequence[float]: ...
    @property
    def smoothed(self) -> Sequence[float]: ...
    @property
    def suggestion(self) -> float: ...


def print_rates(scan: RateScan, title: str, console: Console) -> None:
    """Print the smoothed loss over the learning rate, and the suggestion."""
    say(console, title, "bold")
    if len(scan.rates) > 1 and console.encoding.lower().startswith("utf"):
        say(console, f"loss, smoothed, of {len(scan.rates)} steps over their learning rate", "dim")
        for line in _plot(scan, min(console.width, WIDEST) - LABEL - 1):
            console.print(line, soft_wrap=True)
    lowest = min(scan.smoothed) if scan.smoothed else float("nan")
    say(console, f"lowest loss {lowest:.4f} at a learning rate of {_at_lowest(scan):.2g}")
    say(console, f"suggestion, for the peak of a schedule: --learning-rate {scan.suggestion:.2g}", "bold")


def _at_lowest(scan: RateScan) -> float:
    return min(zip(scan.smoothed, scan.rates, strict=True), default=(0.0, float("nan")))[1]


def _plot(scan: RateScan, columns: int) -> list[Text]:
    left, right = log10(scan.rates[0]), log10(scan.rates[-1])
    low, high = min(scan.smoothed), HIGHEST * scan.smoothed[0]
    xs = [(log10(rate) - left) / (right - left) for rate in scan.rates]
    found = characters(dots(xs, scan.smoothed, low, high, columns, ROWS))
    marked = round((log10(scan.suggestion) - left) / (right - left) * (columns - 1))
    lines = []
    for number, row in enumerate(found):
        label = f"{high:.3g}" if number == 0 else f"{low:.3g}" if number == ROWS - 1 else ""
        line = Text(f"{label:>{LABEL}} ", style="bright_black", no_wrap=True)
        for place, character in enumerate(row):
            line.append("│" if place == marked and character == "\u2800" else character, "cyan")
        lines.append(line)
    first, last = f"{scan.rates[0]:.0e}", f"{scan.rates[-1]:.2g}"
    lines.append(
        Text(" " * (LABEL + 1) + first + " " * max(1, columns - len(first) - len(last)) + last, "bright_black")
    )
    return lines
