"""The table of images whose label looks wrong: `evaluate` writes it, a person checks it, `--labels` reads it back.

It has the columns path, label, suggested and probability. Unlike a labels table it does not name all pictures: what
gave them their classes stays, and the rows of this table correct it.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from convlet.data import labels_table
from convlet.data.kinds import TABLES, Sorted
from convlet.data.layout import Taken
from convlet.data.survey import some
from convlet.data.tables import FIRST, OWN_START, Table, read
from convlet.data.tree import FileTree, Item, Tree
from convlet.errors import DataError
from convlet.records.evaluation import Doubtful
from convlet.system import reading

COLUMNS = OWN_START.decode().split(",")


def as_csv(rows: Iterable[Doubtful]) -> bytes:
    """The table for images as `mistakes.suspects` gives them; a name that is not Unicode keeps its bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([row["name"], row["label"], row["suggested"], f"{row['probability']:.4f}"])
    return text.getvalue().encode("utf-8", "surrogateescape")


def is_one(table: Table) -> bool:
    """Whether a table holds corrections rather than the classes of all pictures."""
    return {"path", "suggested"} <= {name.lower() for name in table.columns}


def given(tree: Tree, found: Sorted, name: str) -> tuple[Tree, Item] | None:
    """The corrections that the user named, below the place or anywhere else; None for another table.

    A table below the place is taken out of `found`, so that nothing else looks at it.
    """
    item = labels_table.below(tree, found, name)
    if item is not None:
        if not is_one(read(tree, item, FIRST)):
            return None
        found.tables.remove(item)
        return tree, item
    path = Path(name)
    if path.suffix.lower() not in TABLES or reading.kind(path) != "file":
        return None
    alone = FileTree(path)
    return (alone, alone.items[0]) if is_one(read(alone, alone.items[0], FIRST)) else None


def correct(tree: Tree, item: Item, parts: dict[str, list[Taken]]) -> tuple[str, list[str]]:
    """Give the pictures that a table names the classes that it suggests.

    A row without a suggestion is left out, and so is one that has been followed already.

    Returns
    -------
    what was done, in words, and the rows whose picture is not there

    Raises
    ------
    DataError : a picture has neither the label of its row nor the suggested one, or no picture has the suggested class
    """
    table = read(tree, item)
    every = [taken for part in parts.values() for taken in part]
    taken_of = {taken.item: taken for taken in every}
    classes = sorted({taken.label for taken in every})
    pictures = labels_table.Pictures(list(taken_of))
    at = {name.lower(): k for k, name in enumerate(table.columns)}
    lost, corrected = [], 0
    for number, row in enumerate(table.rows, table.first):
        where, path = f"{table.shown}: row {number}", row[at["path"]]
        suggested = unicodedata.normalize("NFC", row[at["suggested"]])
        if not suggested:
            continue
        matches = pictures.matches(path)
        if len(matches) != 1:
            lost.append(f"{where}: {path} is not there")
            continue
        taken = taken_of[matches[0]]
        before = unicodedata.normalize("NFC", row[at["label"]]) if "label" in at else taken.label
        if suggested not in classes:
            raise DataError(f"{where}: '{suggested}' is not a class; expected one of {some(classes)}, or nothing")
        if taken.label not in (before, suggested):
            raise DataError(
                f"{where}: {path} has the label '{taken.label}', but the table says '{before}'; write the table again "
                "with 'convlet evaluate --relabel-csv'"
            )
        corrected += taken.label != suggested
        taken.label = suggested
    return f"{table.shown}: {corrected:,} labels corrected", lost
