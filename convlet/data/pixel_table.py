"""A table whose rows are images: `label,pixel0,...,pixel783`, or a column of numbers with spaces between."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

import numpy as np

from convlet.data import archives, arrays
from convlet.data.choices import Choices
from convlet.data.dataset import Array, ImageSet, Rows
from convlet.data.kinds import STRANGE, Sorted
from convlet.data.label_columns import LABEL_NAMES, SPLIT_NAMES
from convlet.data.reading_rules import PLAIN, ReadingRules
from convlet.data.survey import PARTS, Read, Survey
from convlet.data.tables import FIRST, Table, delimiter_of, lines, opened_text, read
from convlet.data.tree import Item, Tree
from convlet.data.words import part_of, part_value
from convlet.errors import DataError

LEAST_PIXELS = 16
MOST_BYTES = 8 * 2**30
"""Of a table; it is read piece by piece."""

MOST_VALUES = 8 * 2**30
ROWS = 2000
"""Rows that are turned into numbers at once."""


def is_one(tree: Tree, item: Item) -> bool:
    """Whether a table's first rows hold pixels."""
    try:
        return _Form.of(tree, item, None) is not None
    except DataError:
        return False


def survey(tree: Tree, found: Sorted, choices: Choices) -> Survey:
    """What the tables of pixels below a place are, by their first rows.

    Raises
    ------
    DataError : no table with labels and pixels, or several that could be the training images
    """
    place = str(tree.root)
    parts: dict[str, tuple[Item, _Form]] = {}
    passed = dict(found.passed)
    for item in found.tables:
        form = _Form.of(tree, item, choices.label_column)
        name = "/".join(item.parts)
        if form is None:
            passed.setdefault("tables without pixels", []).append(name)
        elif form.label_at is None:
            passed.setdefault("tables of pixels without labels", []).append(name)
        else:
            part = part_of(item.name)[0] or "train"
            if part in parts:
                one = "/".join(parts[part][0].parts)
                raise DataError(f"{place}: {one} and {name} could both hold the {part} images; give one of them")
            parts[part] = item, form
    if "train" not in parts:
        raise DataError(
            f"{place}: no table holds images; expected a column of labels, then one column a pixel, as in "
            "label,pixel0,pixel1; name another column of labels with --label-column"
        )
    parts = {part: parts[part] for part in PARTS if part in parts}
    beside = ["/".join(item.parts) for item in (*found.pictures, *found.arrays)]
    if beside:
        passed.setdefault(STRANGE, []).extend(beside)
    how = "; ".join(
        f"{part} in {item.name}, labels in '{form.columns[form.label_at or 0]}', {form.pixels:,} pixels a row"
        for part, (item, form) in parts.items()
    )
    made = Survey(place, f"a table of pixels, {how}", (), {}, lambda: Read({}, ()), passed=passed)
    made.read = partial(_read, tree, parts, choices)
    return made


class _Form:
    """How a table of pixels is laid out.

    label_at : the column of labels; None without one
    text_at : the column that holds all pixels of an image as one text; None if each pixel has a column
    split_at : the column that says the part
    """

    def __init__(self, table: Table, label_at: int | None, text_at: int | None, pixels: int) -> None:
        self.columns, self.first = table.columns, table.first
        self.label_at, self.text_at, self.pixels = label_at, text_at, pixels
        low = [name.lower() for name in table.columns]
        self.split_at = next((k for k, name in enumerate(low) if name in SPLIT_NAMES), None)
        self.pixel_at = [k for k in range(len(low)) if k not in (label_at, self.split_at, text_at)]

    @classmethod
    def of(cls, tree: Tree, item: Item, label_column: str | None) -> _Form | None:
        """The form of a table by its first rows; None if it holds no pixels."""
        table = read(tree, item, FIRST)
        if not table.rows:
            return None
        low = [name.lower() for name in table.columns]
        if label_column is not None and label_column not in table.columns:
            raise DataError(f"--label-column {label_column}: {table.shown} has no such column")
        label_at = table.columns.index(label_column) if label_column else None
        if label_at is None:
            named = [k for k, name in enumerate(low) if name in LABEL_NAMES or name in ("digit", "emotion", "letter")]
            label_at = named[0] if named else None
        texts = [k for k in range(len(low)) if all(_is_pixels(row[k]) for row in table.rows)]
        if texts:
            return cls(table, label_at, texts[0], len(table.rows[0][texts[0]].split()))
        others = [k for k, name in enumerate(low) if k != label_at and name not in SPLIT_NAMES]
        if len(others) < LEAST_PIXELS or not all(_whole(row[k]) for row in table.rows for k in others):
            return None
        if label_at is None and not _is_picture(len(others)) and _is_picture(len(others) - 1):
            label_at = 0  # without names the label comes first
        return cls(table, label_at, None, len(others) - (label_at in others))


def _is_picture(count: int) -> bool:
    try:
        archives.row_shape(count, None, "")
    except DataError:
        return False
    return True


def _whole(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_pixels(cell: str) -> bool:
    numbers = cell.split()
    return len(numbers) >= LEAST_PIXELS and all(_whole(number) for number in numbers)


def _read(tree: Tree, parts: dict[str, tuple[Item, _Form]], choices: Choices) -> Read:
    """Read the tables; labels are classes by their sorted values, as those of arrays are."""
    images: dict[str, Array] = {}
    labels: dict[str, list[str]] = {}
    names: dict[str, Rows] = {}
    for of_file, (item, form) in parts.items():
        shape = archives.row_shape(form.pixels, choices.image_shape, tree.shown(item))
        pixels, texts, splits, numbers = _rows(tree, item, form)
        said = [part_value(split) for split in splits] if splits else []
        for part in PARTS:
            chosen = [k for k in range(len(texts)) if (said[k] or of_file if said else of_file) == part]
            if chosen:
                images[part] = arrays.images(pixels[chosen].reshape(-1, *shape), tree.shown(item))
                labels[part] = [texts[k] for k in chosen]
                names[part] = Rows((f"{tree.shown(item)}:", ""), np.array([numbers[k] for k in chosen], np.int64))
    if "train" not in labels:
        raise DataError(f"{tree.root}: no row of the tables is a training image")
    kinds = sorted(set(labels["train"]), key=lambda text: (not _whole(text), float(text) if _whole(text) else 0, text))
    place = {name: k for k, name in enumerate(kinds)}
    made = {}
    for part, texts in labels.items():
        unknown = set(texts) - set(place)
        if unknown:
            raise DataError(f"{tree.root}: {part} images have the class '{min(unknown)}', which no training image has")
        found = images[part]
        found = np.ascontiguousarray(found.transpose(0, 2, 1, 3)) if choices.transpose else found
        made[part] = ImageSet(found, np.array([place[text] for text in texts], np.int64), names[part])
    return Read(made, tuple(kinds), ReadingRules(transpose=True) if choices.transpose else PLAIN)


def _rows(tree: Tree, item: Item, form: _Form) -> tuple[Array, list[str], list[str], list[int]]:
    """Pixels (n, features) uint8 or float32, labels, parts, and the number of each row in the file."""
    pieces: list[Array] = []
    labels: list[str] = []
    splits: list[str] = []
    row, values, shown = form.first, 0, tree.shown(item)
    for block in _blocks(tree, item, form):
        for number, cells in enumerate(block, row):
            if len(cells) != len(form.columns):
                raise DataError(
                    f"{shown}: row {number} has {len(cells)} cells, but {len(form.columns)} columns are named"
                )
            labels.append(_plain(cells[form.label_at or 0].strip().strip('"')))
            if form.split_at is not None:
                splits.append(cells[form.split_at])
        pieces.append(_numbers(shown, form, block, row))
        row, values = row + len(block), values + pieces[-1].size
        if values > MOST_VALUES:
            raise DataError(f"{shown}: holds more than {MOST_VALUES:,} pixels; use fewer rows")
    if len({piece.dtype for piece in pieces}) > 1:
        pieces = [piece.astype(np.float32) for piece in pieces]
    return np.concatenate(pieces), labels, splits, list(range(form.first, row))


def _blocks(tree: Tree, item: Item, form: _Form) -> Iterator[list[list[str]]]:
    """Rows of cells, ROWS at a time."""
    if item.suffix == ".parquet":
        yield read(tree, item).rows
        return
    with opened_text(tree, item, MOST_BYTES) as text:
        mark = delimiter_of(text.read(2**16), item.suffix)
        text.seek(0)
        if form.first > 1:
            text.readline()
        every = lines(text, tree.shown(item))
        while some_lines := list(islice(every, ROWS)):
            yield [line.rstrip("\r\n").split(mark) for line in some_lines if line.strip()]


def _numbers(shown: str, form: _Form, block: list[list[str]], first: int) -> Array:
    """The pixels of some rows, uint8 if they are whole numbers from 0 to 255, else float32."""
    try:
        if form.text_at is not None:
            rows = [cells[form.text_at].strip('"').split() for cells in block]
        else:
            rows = [[cells[k] for k in form.pixel_at] for cells in block]
        if any(len(row) != form.pixels for row in rows):
            odd = next(k for k, row in enumerate(rows) if len(row) != form.pixels)
            raise DataError(f"{shown}: row {first + odd} has {len(rows[odd])} pixels; the first one has {form.pixels}")
        values = np.array(rows, np.float64).reshape(len(rows), form.pixels)
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{shown}: rows {first} to {first + len(block) - 1}: a pixel is no number") from None
    if not np.isfinite(values).all():
        bad = first + int(np.argmin(np.isfinite(values).all(axis=1)))
        raise DataError(f"{shown}: row {bad} has a pixel that is not finite")
    whole = (values == np.floor(values)).all() and values.min(initial=0) >= 0 and values.max(initial=0) <= 255
    return values.astype(np.uint8 if whole else np.float32)


def _plain(label: str) -> str:
    """`3.0` and `3` are one label."""
    try:
        number = float(label)
    except ValueError:
        return label
    return str(int(number)) if number.is_integer() else label
