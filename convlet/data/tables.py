"""Tables as text: .csv and .tsv by Python's own reader, .parquet by pyarrow where it is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO

from convlet.data.tree import Item, Tree
from convlet.errors import DataError

MOST_BYTES = 512 * 2**20
"""Of a labels table; a table of pixels may have more, see `pixel_table`."""

MOST_ROWS = 2_000_000
MOST_CELLS = 10_000_000
MOST_LINE = 4 * 2**20
"""Characters of one line, which is held as a whole."""

OWN_START = b"path,label,suggested,probability"
"""How a table begins that `evaluate --relabel-csv` wrote: it is in UTF-8, and the bytes of a path that is not stay."""

DELIMITERS = ",;\t|"
FIRST = 64
"""Rows by which a table is judged."""


@dataclass(frozen=True)
class Table:
    """A table of texts.

    columns : the names of the columns; "column 1" and so on if the table has no line of names
    rows : each with one text a column
    first : the number of the first row in the file, from 1
    """

    shown: str
    columns: list[str]
    rows: list[list[str]]
    first: int

    def column(self, name: str) -> list[str]:
        """The texts of one column."""
        at = self.columns.index(name)
        return [row[at] for row in self.rows]


def read(tree: Tree, item: Item, most: int | None = None) -> Table:
    """A table, or its first rows if `most` is given.

    Raises
    ------
    DataError : not a table, too large, rows of different lengths, or pyarrow is missing
    """
    if item.suffix == ".parquet":
        return _parquet(tree, item, most)
    shown = tree.shown(item)
    with opened_text(tree, item, MOST_BYTES if most is None else None) as text:
        try:
            return _table(shown, text, item.suffix, most)
        except csv.Error as error:
            raise DataError(f"{shown}: is not a table that can be read ({error})") from None


@contextmanager
def opened_text(tree: Tree, item: Item, most: int | None) -> Iterator[IO[str]]:
    """A text file in UTF-8, or in the encodings of Windows and old programs."""
    with tree.opened(item, "a table", most) as file:
        start = file.read(2**16)
        file.seek(0)
        own = start.startswith(OWN_START)
        encoding, errors = ("utf-8", "surrogateescape") if own else (_encoding(start), "replace")
        text = io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")
        try:
            yield text
        finally:
            text.detach()


def lines(text: IO[str], shown: str) -> Iterator[str]:
    """The lines of a table; raises DataError at one that is too long to be held."""
    while line := text.readline(MOST_LINE + 1):
        if len(line) > MOST_LINE:
            raise DataError(f"{shown}: has a line of more than {MOST_LINE:,} characters; is it a table?")
        yield line


def delimiter_of(text: str, suffix: str) -> str:
    """What stands between the cells, by the first lines."""
    lines = [line for line in text.splitlines()[:FIRST] if line.strip()]
    counts = {mark: min((line.count(mark) for line in lines), default=0) for mark in DELIMITERS}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ("\t" if suffix == ".tsv" else ",")


def has_names(first: list[str], second: list[str]) -> bool:
    """Whether the first row names the columns: none of its cells is a number, or they are numbers only below it."""
    if any(is_number(cell) for cell in first):
        return False
    return any(is_number(cell) for cell in second) or not any(_is_file(cell) for cell in first)


def is_number(text: str) -> bool:
    """Whether a cell holds a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_file(cell: str) -> bool:
    from convlet.data.pictures import SUFFIXES

    return f".{cell.rpartition('.')[2].lower()}" in SUFFIXES


def _encoding(start: bytes) -> str:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        start[:-4].decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _table(shown: str, text: IO[str], suffix: str, most: int | None) -> Table:
    start = text.read(2**16)
    text.seek(0)
    delimiter = delimiter_of(start, suffix)
    rows, cells = [], 0
    for row in islice(csv.reader(lines(text, shown), delimiter=delimiter), most and most + 1):
        if not any(cell.strip() for cell in row):
            continue
        rows.append([cell.strip() for cell in row])
        cells += len(row)
        if len(rows) > MOST_ROWS or cells > MOST_CELLS:
            raise DataError(f"{shown}: has more than {MOST_ROWS:,} rows or {MOST_CELLS:,} cells; split it")
    if not rows:
        raise DataError(f"{shown}: the table is empty")
    named = has_names(rows[0], rows[1] if len(rows) > 1 else [])
    columns = rows[0] if named else [f"column {k}" for k in range(1, len(rows[0]) + 1)]
    rows = rows[1:] if named else rows
    for number, row in enumerate(rows, 2 if named else 1):
        if len(row) != len(columns):
            raise DataError(f"{shown}: row {number} has {len(row)} cells, but {len(columns)} columns are named")
    return Table(shown, columns, rows, 2 if named else 1)


def _parquet(tree: Tree, item: Item, most: int | None) -> Table:
    shown = tree.shown(item)
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise DataError(
            f"{shown}: reading .parquet needs pyarrow; install it with 'pip install pyarrow', or save the table as .csv"
        ) from None
    with tree.opened(item, "a table", MOST_BYTES) as file:
        try:
            found = ParquetFile(file)
            about = found.metadata
            if about.num_rows > MOST_ROWS or about.num_rows * about.num_columns > MOST_CELLS:
                raise DataError(f"{shown}: has more than {MOST_ROWS:,} rows or {MOST_CELLS:,} cells; split it")
            sizes = sum(about.row_group(k).total_byte_size for k in range(about.num_row_groups))
            if sizes > MOST_BYTES:
                raise DataError(
                    f"{shown}: holds {sizes:,} bytes; at most {MOST_BYTES:,} are read, save paths, not pictures"
                )
            columns = found.schema_arrow.names
            rows: list[list[str]] = []
            for batch in found.iter_batches(batch_size=FIRST if most else 65536):
                values = [
                    ["" if value is None else str(value) for value in column.to_pylist()] for column in batch.columns
                ]
                rows += [list(row) for row in zip(*values, strict=True)]
                if most and len(rows) >= most:
                    break
        except ArrowException as error:
            raise DataError(f"{shown}: is not a parquet table, or a damaged one ({str(error)[:200]})") from None
    return Table(shown, list(columns), rows[:most], 1)
