"""The columns of a labels table: which names the picture, which the class, the part and the group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convlet.data.choices import Choices
from convlet.data.survey import some
from convlet.data.tables import FIRST, Table
from convlet.data.tree import Item
from convlet.data.words import part_of, part_value, words
from convlet.errors import DataError

LABEL_NAMES = frozenset(
    (
        *("label", "labels", "class", "classes", "category", "target", "y", "species", "breed", "diagnosis", "dx"),
        *("tag", "classname", "class_name", "label_name", "categories", "class name"),
    )
)
SPLIT_NAMES = frozenset(("split", "set", "subset", "partition", "part", "usage", "dataset", "fold name", "phase"))
FOUND_ENOUGH, FOUND_IN_TEXT = 0.5, 0.9
"""The fraction of rows whose file must be there for a column to hold files: of a table, and of a text file."""


class Pictures:
    """Finds the picture that a cell of a table means: by path, by name, or by name without its end."""

    def __init__(self, items: list[Item]) -> None:
        self._by: dict[str, list[Item]] = {}
        for item in items:
            stem = item.name.rpartition(".")[0] or item.name
            tails = {"/".join(item.parts[k:]) for k in range(len(item.parts))}
            tails |= {"/".join((*item.parts[k:-1], stem)) for k in range(len(item.parts))}
            for tail in tails:
                self._by.setdefault(tail, []).append(item)

    def matches(self, cell: str) -> list[Item]:
        """The pictures that a cell may mean; those of the longest path that fits."""
        for path in dict.fromkeys((cell, cell.replace("\\", "/"))):
            parts = [part for part in path.split("/") if part not in ("", ".")]
            for first in range(len(parts)):
                found = self._by.get("/".join(parts[first:]))
                if found:
                    exact = [item for item in found if list(item.parts) == parts[first:]]
                    return exact or found
        return []

    def find(self, cell: str, table: Item, where: str) -> Item | None:
        """The one picture that a cell means; None if it is not there; DataError if it may be several."""
        found = self.matches(cell)
        if len(found) > 1:
            beside = [item for item in found if item.parts[: len(table.parts) - 1] == table.parts[:-1]]
            part = part_of(table.name)[0]
            of_part = [item for item in beside or found if part and any(part_of(p)[0] == part for p in item.parts[:-1])]
            found = of_part or beside or found
        if len(found) > 1:
            names = some(["/".join(item.parts) for item in found], 3)
            raise DataError(f"{where}: '{cell}' may be any of {names}; write paths into the table")
        return found[0] if found else None

    def column(self, table: Table) -> tuple[int, float]:
        """The column whose cells most often mean a picture, and the fraction of its rows that do."""
        rows = table.rows[:FIRST] if len(table.rows) <= FIRST else table.rows[:: len(table.rows) // FIRST]
        hits = [sum(bool(self.matches(row[at])) for row in rows) for at in range(len(table.columns))]
        best = max(range(len(hits)), key=lambda at: hits[at])
        return best, hits[best] / max(1, len(rows))


@dataclass(frozen=True)
class Columns:
    """Where a table holds what.

    said : the label's columns, for people
    label : the class of a row and where it stands -> its name
    """

    file: str
    file_at: int
    said: str
    label: Callable[[list[str], str], str]
    part: Callable[[list[str], str], str | None]
    group: Callable[[list[str]], str | None]


def columns_of(table: Table, pictures: Pictures, choices: Choices) -> Columns:
    file_at, fraction = pictures.column(table)
    if choices.file_column is not None:
        file_at = _named(table, choices.file_column, "--file-column")
    elif fraction < FOUND_ENOUGH:
        raise DataError(
            f"{table.shown}: no column names the pictures; its columns are {some(table.columns)}, name one with "
            "--file-column"
        )
    labels = label_columns_of(table, pictures, choices)
    if not labels:
        raise DataError(
            f"{table.shown}: no column holds the classes for sure; its columns are {some(table.columns)}, name one "
            "with --label-column"
        )
    said = f"'{table.columns[labels[0]]}'" if len(labels) == 1 else f"{len(labels)} columns of 0 and 1"
    low = [name.lower() for name in table.columns]
    split_at = next((k for k, name in enumerate(low) if name in SPLIT_NAMES and k not in labels and k != file_at), None)
    if split_at is not None and not any(part_value(row[split_at]) for row in table.rows):
        split_at = None
    group_at = low.index("group") if "group" in low else None

    def label(row: list[str], where: str) -> str:
        if len(labels) == 1:
            return row[labels[0]]
        ones = [at for at in labels if float(row[at] or 0) == 1]
        if len(ones) > 1:
            raise DataError(f"{where}: has {len(ones)} classes; a picture has one class")
        return table.columns[ones[0]] if ones else ""

    def part(row: list[str], where: str) -> str | None:
        if split_at is None:
            return None
        found = part_value(row[split_at])
        if found is None:
            raise DataError(f"{where}: '{row[split_at]}' in '{table.columns[split_at]}' is none of train, val, test")
        return found

    def group(row: list[str]) -> str | None:
        return None if group_at is None or not row[group_at] else row[group_at]

    return Columns(table.columns[file_at], file_at, said, label, part, group)


def label_columns_of(table: Table, pictures: Pictures, choices: Choices) -> list[int]:
    """The column of classes, or several that hold one 1 in each row; none if it cannot be told."""
    if choices.label_column is not None:
        return [_named(table, choices.label_column, "--label-column")]
    file_at = pictures.column(table)[0]
    others = [k for k in range(len(table.columns)) if k != file_at]
    low = [name.lower() for name in table.columns]
    named = [k for k in others if low[k] in LABEL_NAMES]
    if named:
        return named[:1]
    ends = [k for k in others if words(table.columns[k])[-1:] and words(table.columns[k])[-1] in LABEL_NAMES]
    if len(ends) == 1:
        return ends
    left = [k for k in others if low[k] not in SPLIT_NAMES and low[k] not in ("group", "id", "index", "")]
    if len(left) == 1:
        return left
    ones = [k for k in left if all(row[k] in ("0", "1", "0.0", "1.0") for row in table.rows)]
    if len(ones) > 1 and all(sum(float(row[k]) for k in ones) == 1 for row in table.rows):
        return ones
    return []


def _named(table: Table, name: str, option: str) -> int:
    if name not in table.columns:
        raise DataError(f"{option} {name}: {table.shown} has no such column; it has {some(table.columns)}")
    return table.columns.index(name)
