"""A table that names pictures and their classes, as in `file,label`, with its columns found or named by the user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from convlet.data.choices import Choices
from convlet.data.kinds import Sorted
from convlet.data.layout import Layout, Taken
from convlet.data.survey import some
from convlet.data.tables import FIRST, Table, read
from convlet.data.tree import Item, Tree
from convlet.data.words import part_of, part_value, words
from convlet.errors import DataError

LABEL_NAMES = frozenset(
    (
        *("label", "labels", "class", "classes", "category", "target", "y", "species", "breed", "diagnosis", "dx"),
        *("tag", "classname", "class_name", "label_name", "categories", "class name"),
    )
)
SPLIT_NAMES = frozenset(("split", "set", "subset", "partition", "part", "usage", "dataset", "fold name", "phase"))
FOUND_ENOUGH = 0.5
"""The fraction of rows whose file must be there for a column to hold files."""


def choose(tree: Tree, sorted_files: Sorted, choices: Choices) -> tuple[list[Item], str]:
    """The tables that name the pictures: the one the user gave, or those whose first rows name files that are there.

    Returns
    -------
    the tables, and what was passed over, in words ("" for nothing); no table if none names pictures
    """
    if choices.labels is not None:
        return [given(tree, sorted_files, choices.labels)], ""
    pictures = Pictures(sorted_files.pictures)
    fitting = []
    for item in sorted_files.tables:
        try:
            table = read(tree, item, FIRST)
        except DataError:
            continue
        if "suggested" in map(str.lower, table.columns):  # corrections, which are read only if the user names them
            continue
        if table.rows and pictures.column(table)[1] >= FOUND_ENOUGH and _label_columns(table, pictures, choices):
            fitting.append(item)
    parted = [item for item in fitting if part_of(item.name)[0]]
    if len(parted) > 1:
        return parted, ""
    if len(fitting) > 1:
        names = some([tree.shown(item) for item in fitting])
        raise DataError(f"{tree.root}: several tables name the pictures ({names}); choose one with --labels FILE")
    return fitting, ""


def refuse_other_classes(tree: Tree, sorted_files: Sorted, by_folders: Layout, choices: Choices) -> None:
    """Raise DataError if a table gives the pictures other classes than their folders do.

    Folders such as images_part_1 and images_part_2 would else pass for classes.
    """
    folder_of = {taken.item: taken.label for part in by_folders.parts.values() for taken in part}
    tables = choose(tree, sorted_files, choices)[0] if sorted_files.tables else []
    for item in tables:
        table = read(tree, item, FIRST)
        pictures = Pictures(sorted_files.pictures)
        columns = _columns(table, pictures, choices)
        for number, row in enumerate(table.rows, table.first):
            found = pictures.matches(row[columns.file_at])
            label = columns.label(row, f"{table.shown}: row {number}")
            folders = {folder_of[one] for one in found if one in folder_of}
            if label and len(folders) == 1 and label.lower() not in {name.lower() for name in folders}:
                raise DataError(
                    f"{table.shown}: row {number} gives {row[columns.file_at]} the class '{label}', but its folder is "
                    f"'{min(folders)}'; choose with --labels {'/'.join(item.parts)}, or --class-level 1 for the folders"
                )


def below(tree: Tree, sorted_files: Sorted, name: str) -> Item | None:
    """The table that the user named, by its path below the place or by a path of its own; None if it is not there."""
    wanted = name.replace("\\", "/")
    for item in sorted_files.tables:
        if "/".join(item.parts) == wanted or tree.shown(item) == name or _same(tree.shown(item), name):
            return item
    return None


def given(tree: Tree, sorted_files: Sorted, name: str) -> Item:
    """The same; raises DataError if it is not there."""
    item = below(tree, sorted_files, name)
    if item is not None:
        return item
    there = some(["/".join(item.parts) for item in sorted_files.tables]) or "none"
    raise DataError(f"--labels {name}: is not a table (.csv, .tsv or .parquet) below {tree.root}; there are: {there}")


def recognise(tree: Tree, sorted_files: Sorted, items: list[Item], choices: Choices) -> tuple[Layout, list[str]]:
    """The pictures that the tables name, and what cannot be read because it is not there.

    Raises
    ------
    DataError : columns that cannot be told, a picture with several classes, or no pictures
    """
    pictures = Pictures(sorted_files.pictures)
    parts: dict[str, list[Taken]] = {}
    lost: list[str] = []
    passed: dict[str, list[str]] = {}
    seen: dict[Item, tuple[str, str]] = {}
    how = []
    for item in items:
        table = read(tree, item)
        columns = _columns(table, pictures, choices)
        how.append(f"{item.name}: files in '{columns.file}', classes in {columns.said}")
        of_table = part_of(item.name)[0] if len(items) > 1 else None
        for number, row in enumerate(table.rows, table.first):
            where = f"{table.shown}: row {number}"
            name, label = row[columns.file_at], columns.label(row, where)
            if label == "":
                passed.setdefault("rows of a table without a class", []).append(f"{item.name}:{number}")
                continue
            picture = pictures.find(name, item, where)
            if picture is None:
                lost.append(f"{where}: {name} is not there")
                continue
            part = of_table or columns.part(row, where) or "train"
            before = seen.setdefault(picture, (label, part))
            if before != (label, part):
                what = f"the classes '{before[0]}' and '{label}'" if before[0] != label else f"{before[1]} and {part}"
                raise DataError(f"{where}: {name} stands twice, for {what}; a picture has one class and one part")
            if len(parts.setdefault(part, [])) and parts[part][-1].item is picture:
                continue
            parts[part].append(Taken(picture, label, columns.group(row)))
    _once(parts)
    unnamed = [item for item in sorted_files.pictures if item not in seen]
    if unnamed:
        passed["pictures that no row names"] = ["/".join(item.parts) for item in unnamed]
    if not parts.get("train"):
        raise DataError(f"{tree.root}: no row of {some([item.name for item in items])} names a training picture")
    return Layout("a labels table, " + "; ".join(how), parts, passed), lost


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
class _Columns:
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


def _columns(table: Table, pictures: Pictures, choices: Choices) -> _Columns:
    file_at, fraction = pictures.column(table)
    if choices.file_column is not None:
        file_at = _named(table, choices.file_column, "--file-column")
    elif fraction < FOUND_ENOUGH:
        raise DataError(
            f"{table.shown}: no column names the pictures; its columns are {some(table.columns)}, name one with "
            "--file-column"
        )
    labels = _label_columns(table, pictures, choices)
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

    return _Columns(table.columns[file_at], file_at, said, label, part, group)


def _label_columns(table: Table, pictures: Pictures, choices: Choices) -> list[int]:
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


def _once(parts: dict[str, list[Taken]]) -> None:
    """Keep the first of rows that name a picture again."""
    for part, given_rows in parts.items():
        counts: Counter[Any] = Counter()
        kept = []
        for taken in given_rows:
            if not counts[taken.item]:
                kept.append(taken)
            counts[taken.item] += 1
        parts[part] = kept


def _same(one: str, other: str) -> bool:
    from pathlib import Path

    try:
        return Path(one).resolve() == Path(other).resolve()
    except (OSError, ValueError, RuntimeError):
        return False
