"""A table that names pictures and their classes, as in `file,label`, with its columns found or named by the user."""

from __future__ import annotations

from collections import Counter
from typing import Any

from convlet.data.choices import Choices
from convlet.data.kinds import Sorted
from convlet.data.label_columns import FOUND_ENOUGH, FOUND_IN_TEXT, Pictures, columns_of, label_columns_of
from convlet.data.layout import Layout, Taken
from convlet.data.survey import some
from convlet.data.tables import FIRST, read
from convlet.data.tree import Item, Tree
from convlet.data.words import part_of
from convlet.errors import DataError


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
        if table.rows and pictures.column(table)[1] >= FOUND_ENOUGH and label_columns_of(table, pictures, choices):
            fitting.append(item)
    parted = [item for item in fitting if part_of(item.name)[0]]
    if len(parted) > 1:
        return parted, ""
    if len(fitting) > 1:
        names = some([tree.shown(item) for item in fitting])
        raise DataError(f"{tree.root}: several tables name the pictures ({names}); choose one with --labels FILE")
    return fitting, ""


def take_texts(tree: Tree, sorted_files: Sorted, choices: Choices) -> None:
    """Count as tables the .txt files that hold lines such as `images/0001.jpg 3`, or the one that the user named.

    Nearly all first lines must name a picture in their first of two cells, and classes must repeat: a list such as
    `1 0001.jpg` that numbers the pictures is no table of classes.
    """
    pictures = Pictures(sorted_files.pictures)
    taken = []
    for item in sorted_files.texts:
        if choices.labels is not None:
            if choices.labels.replace("\\", "/") == "/".join(item.parts) or _same(tree.shown(item), choices.labels):
                taken.append(item)
            continue
        try:
            table = read(tree, item, FIRST)
        except DataError:
            continue
        file_at, fraction = pictures.column(table) if table.rows else (0, 0.0)
        if len(table.columns) != 2 or file_at != 0 or fraction < FOUND_IN_TEXT:
            continue
        if len({row[1] for row in table.rows}) < max(2, len(table.rows)):
            taken.append(item)
    sorted_files.take_as_tables(taken)


def refuse_other_classes(tree: Tree, sorted_files: Sorted, by_folders: Layout, choices: Choices) -> None:
    """Raise DataError if a table gives the pictures other classes than their folders do.

    Folders such as images_part_1 and images_part_2 would else pass for classes.
    """
    folder_of = {taken.item: taken.label for part in by_folders.parts.values() for taken in part}
    tables = choose(tree, sorted_files, choices)[0] if sorted_files.tables else []
    for item in tables:
        table = read(tree, item, FIRST)
        pictures = Pictures(sorted_files.pictures)
        columns = columns_of(table, pictures, choices)
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
    raise DataError(
        f"--labels {name}: is not a table (.csv, .tsv, .txt or .parquet) below {tree.root}; there are: {there}"
    )


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
        columns = columns_of(table, pictures, choices)
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
