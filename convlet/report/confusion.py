"""The confusion matrix in a terminal, and which classes are predicted as which."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from convlet.records.evaluation import ClassFigures
from convlet.report.numbers import percent
from convlet.report.plain import plain
from convlet.report.tables import add, say, show, table

RIGHT, WRONG = (28, 96, 160), (176, 48, 24)
"""Colours of a cell where everything is right, and where all is predicted as one other class."""

MOST_COLUMNS = 26
"""More classes than this are no longer readable as a matrix."""

LABEL_CELLS = 16
"""Longer class names are cut to this many cells of the terminal, as labels of rows and columns."""


def print_confusion(matrix: list[list[int]], names: list[str], console: Console) -> None:
    """Rows are the true class, columns the predicted class.

    Where the names do not fit side by side above their columns, they are written from top to bottom.
    """
    total, right = sum(map(sum, matrix)), sum(row[k] for k, row in enumerate(matrix))
    say(console, f"{total - right:,} of {total:,} test images wrong; rows: true class, columns: predicted class")
    names = [plain(name) for name in names]
    longest = max(map(cell_len, names))
    label, digits = min(longest, LABEL_CELLS), len(str(max(map(max, matrix)))) + 1
    beside = max(digits, longest + 1)
    upright = label + beside * len(names) <= console.width
    width = beside if upright else digits
    if len(names) <= MOST_COLUMNS and label + width * len(names) <= console.width:
        for line in [names] if upright else _letters(names):
            head = " " * label + "".join(" " * (width - cell_len(text)) + text for text in line)
            console.print(Text(head.rstrip(), "dim"), soft_wrap=True)
        most = max(value for number, row in enumerate(matrix) for column, value in enumerate(row) if column != number)
        for number, row in enumerate(matrix):
            _line(console, set_cell_size(names[number], label), row, number, width, most)
    _pairs(matrix, names, console)


def _letters(names: list[str]) -> list[list[str]]:
    """The lines of names written from top to bottom, one letter of each name a line; they end at the same line."""
    height = min(max(map(len, names)), LABEL_CELLS)
    columns = [name[:height].rjust(height) for name in names]
    return [[column[line] for column in columns] for line in range(height)]


def _line(console: Console, prefix: str, row: list[int], number: int, width: int, most: int) -> None:
    line = Text(prefix)
    for column, value in enumerate(row):
        line.append(
            f"{value if value else '.':>{width}}",
            cell_style(value, sum(row) if column == number else most, column == number),
        )
    console.print(line, soft_wrap=True)


def cell_style(value: int, of: int, right: bool) -> str:
    """The ground of a cell: the deeper blue the more of its class are right, the deeper red the more mistakes it holds.

    `of` is how many the class has, or how many mistakes the fullest cell has.
    """
    if not value:
        return "bright_black"
    if right:
        return f"bold white on {_mixed(RIGHT, (value / of) ** 2)}"
    return f"white on {_mixed(WRONG, (value / of) ** 0.7)}"


def _mixed(colour: tuple[int, int, int], share: float) -> str:
    """A colour between dark grey and this one."""
    return "#" + "".join(f"{round(38 + (part - 38) * share):02x}" for part in colour)


def _pairs(matrix: list[list[int]], names: list[str], console: Console, most: int = 3) -> None:
    """The most frequent mistakes in words."""
    found = [
        (value, row, column)
        for row, values in enumerate(matrix)
        for column, value in enumerate(values)
        if row != column and value
    ]
    found.sort(key=lambda item: (-item[0], item[1], item[2]))
    if found:
        said = ", ".join(f"{names[row]} as {names[column]} ({value})" for value, row, column in found[:most])
        say(console, f"most frequent mistakes: {said}")


def print_classes(rows: list[ClassFigures], console: Console) -> None:
    """Precision and recall of each class."""
    made = table([("class", False), ("precision", True), ("recall", True), ("images", True)])
    for row in rows:
        add(made, [row["class"], percent(row["precision"]), percent(row["recall"]), f"{row['images']:,}"])
    show(console, made)
