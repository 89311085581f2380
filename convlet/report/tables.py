"""The one form of all tables: no box, numbers to the right, long text folded rather than cut."""

from __future__ import annotations

import io

from rich.console import Console
from rich.segment import Segments
from rich.table import Table
from rich.text import Text

from convlet.report.plain import plain

NEVER_WRAPPED = 10**6
"""Columns of an output that is no terminal."""

FEWEST = 10
"""Characters of a folded text that stay together if the terminal is too narrow for a table anyway."""


def table(columns: list[tuple[str, bool]]) -> Table:
    """A table whose columns are (title, whether they hold numbers)."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for title, numbers in columns:
        made.add_column(title, justify="right" if numbers else "left", overflow="fold", no_wrap=numbers)
    return made


def add(made: Table, cells: list[str], style: str = "") -> None:
    """A row of plain text: names from data are never read as markup."""
    made.add_row(*(Text(plain(cell)) for cell in cells), style=style)


def show(console: Console, made: Table) -> None:
    """Print a table. In a narrow terminal text is folded and numbers stay whole, even if lines then wrap."""
    if _least(made, 1) <= console.width:
        console.print(made)
        return
    # `print` takes no width above the terminal's
    segments = console.render(made, console.options.update(width=_least(made, FEWEST)))
    console.print(Segments(segments), crop=False, end="")


def show_whole(console: Console, made: Table) -> None:
    """Print a table as `show` does; off a terminal no line is wrapped or cut, so that a path can be copied."""
    if console.is_terminal:
        show(console, made)
        return
    wide = Console(file=io.StringIO(), width=NEVER_WRAPPED, color_system=None)
    show(wide, made)
    for line in wide.file.getvalue().splitlines():  # type: ignore[attr-defined]
        console.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)


def _least(made: Table, folded: int) -> int:
    """Columns of the terminal that a table needs so that no number is cut, if text is folded after `folded`."""
    total = -1  # nothing follows the last column
    for column in made.columns:
        cells = [Text(str(column.header)), *(cell for cell in column.cells if isinstance(cell, Text))]
        longest = max(part.cell_len for cell in cells for part in cell.split(allow_blank=True))
        total += 1 + (longest if column.no_wrap else min(longest, folded))
    return total


def say(console: Console, text: str = "", style: str = "") -> None:
    """A line of plain text, wrapped by the terminal."""
    console.print(Text(plain(text), style=style), soft_wrap=True)
