"""The confusion matrix in a terminal, and which classes are taken for which."""

from __future__ import annotations

from rich.console import Console

from convlet.report.numbers import percent
from convlet.report.plain import plain
from convlet.report.tables import add, say, table

RIGHT, WRONG = (28, 96, 160), (176, 48, 24)
"""Colours of a cell where everything is right, and where all is taken for one other class."""

MOST_COLUMNS = 26
"""More classes than this are no longer readable as a matrix."""


def print_confusion(matrix: list[list[int]], names: list[str], console: Console) -> None:
    """Rows are the true class, columns what the images were taken for."""
    total, right = sum(map(sum, matrix)), sum(row[k] for k, row in enumerate(matrix))
    say(console, f"{total - right:,} of {total:,} test images wrong; rows: true class, columns: taken for")
    short = names if max(map(len, names)) <= 3 else [str(k) for k in range(len(names))]
    width = max(len(str(max(map(max, matrix)))), *map(len, short)) + 1
    label = min(max(map(len, names)), 16)
    needed = label + 4 + width * len(names)
    if len(names) <= MOST_COLUMNS and needed <= console.width:
        most = max(value for number, row in enumerate(matrix) for column, value in enumerate(row) if column != number)
        head = " " * (label + 4) + "".join(f"{name:>{width}}" for name in short)
        say(console, head, "dim")
        for number, row in enumerate(matrix):
            prefix = f"{names[number][:label]:<{label}} " + (f"{short[number]:>3}" if short != names else "   ")
            _line(console, prefix, row, number, width, most)
    _pairs(matrix, names, console)


def _line(console: Console, prefix: str, row: list[int], number: int, width: int, most: int) -> None:
    from rich.text import Text

    line = Text(plain(prefix))
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
        said = ", ".join(f"{names[row]} for {names[column]} ({value})" for value, row, column in found[:most])
        say(console, f"most often taken: {said}")


def print_classes(rows: list[dict[str, object]], console: Console) -> None:
    """Precision and recall of each class."""
    made = table([("class", False), ("precision", True), ("recall", True), ("images", True)])
    for row in rows:
        precision, recall = (row[key] for key in ("precision", "recall"))
        add(made, [str(row["class"]), percent(precision), percent(recall), f"{row['images']:,}"])  # type: ignore[arg-type]
    console.print(made)
