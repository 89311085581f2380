"""The one form of all tables: no box, numbers to the right, long text folded rather than cut."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from convlet.report.plain import plain


def table(columns: list[tuple[str, bool]]) -> Table:
    """A table whose columns are (title, whether they hold numbers)."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for title, numbers in columns:
        made.add_column(title, justify="right" if numbers else "left", overflow="fold", no_wrap=numbers)
    return made


def add(made: Table, cells: list[str], style: str = "") -> None:
    """A row of plain text: names from data are never read as markup."""
    made.add_row(*(Text(plain(cell)) for cell in cells), style=style)


def say(console: Console, text: str = "", style: str = "") -> None:
    """A line of plain text, wrapped by the terminal."""
    console.print(Text(plain(text), style=style), soft_wrap=True)
