"""The pictures that a user brings to be predicted: files, folders, patterns and zip archives, in the order given."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from convlet.data import headers, kinds, pictures
from convlet.data.dataset import Array
from convlet.data.reading_rules import PLAIN, ReadingRules
from convlet.data.rules import CLEARLY
from convlet.data.survey import some
from convlet.data.tree import Item, Tree, ZipTree
from convlet.errors import DataError
from convlet.system import reading

MOST_SIDE = 1024
"""Pixels a side of a picture above the limit of pixels, if it is asked for whole: it is decoded this small."""

MOST_NAMED = 10
"""Pictures that cannot be read that an error names; it counts the rest."""


@dataclass(frozen=True)
class Brought:
    """One picture: its path for people, and where it lies; item None for a file of its own."""

    path: str
    tree: Tree | None = None
    item: Item | None = None


@dataclass
class Found:
    """What was brought: pictures in order, and how many files were passed over, by reason."""

    pictures: list[Brought] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)

    def notes(self) -> list[str]:
        """A line for each reason for which files were passed over."""
        return [f"passed over, {reason}: {count:,} files" for reason, count in self.passed.items()]


@contextmanager
def brought(words: Sequence[str]) -> Iterator[Found]:
    """The pictures that these words name; those in archives can be read inside the block.

    A word is a file, a folder (with the folders in it), a zip archive, or a pattern with `*`, `?`, `[...]` or `**`.

    Raises
    ------
    DataError : no such file, or a folder, archive or pattern without a picture
    """
    found = Found()
    with ExitStack() as stack:
        for word in words:
            for place in _places(word):
                _add(place, found, stack)
        yield found


def _places(word: str) -> list[str]:
    """The files and folders that a word names: itself if it is there, else what it matches."""
    if not reading.is_missing(word) or not glob.has_magic(word):
        return [word]
    matches = sorted(glob.glob(word, recursive=True))
    if not matches:
        raise DataError(f"{word}: no file has such a name; expected pictures, folders, zip archives or a pattern")
    return matches


def _add(place: str, found: Found, stack: ExitStack) -> None:
    kind = reading.kind(place)
    if kind == "folder":
        tree = stack.enter_context(Tree(Path(place)))
    elif kind == "file" and Path(place).suffix.lower() == ".zip":
        tree = stack.enter_context(ZipTree(Path(place)))
    else:
        found.pictures.append(Brought(place))
        return
    sorted_files = kinds.sort(tree)
    if not sorted_files.pictures:
        raise DataError(f"{place}: holds no picture; expected {', '.join(pictures.FORMATS)} files")
    found.pictures += [Brought(tree.shown(item), tree, item) for item in sorted_files.pictures]
    others: dict[str, Sequence[object]] = {
        "tables": sorted_files.tables,
        "arrays": sorted_files.arrays,
        "IDX files": sorted_files.idx,
    }
    for reason, files in (*others.items(), *sorted_files.passed.items()):
        if files:
            found.passed[reason] += len(files)


def read(
    one: Brought, size: tuple[int, int] | None, rules: ReadingRules | None = None
) -> tuple[Array, tuple[int, int]]:
    """The pixels of a picture, uint8 (H, W, C), and its own height and width.

    Parameters
    ----------
    size : height and width to resize to; None for the whole picture, made smaller only above the limit of pixels
    rules : how the training pictures were read

    Raises
    ------
    DataError : it cannot be read
    """
    tree, item = (one.tree, one.item) if one.tree and one.item else _alone(one.path)
    look = headers.look(tree, item)
    own = look.size
    if size is None and own[0] * own[1] > pictures.MOST_PIXELS:
        scale = MOST_SIDE / max(own)
        size = max(1, round(own[0] * scale)), max(1, round(own[1] * scale))
    rules = rules or PLAIN
    if not look.alpha or rules.ground is not None:
        return _decoded(tree, item, size, rules), own
    # nobody knows what lies under the transparent parts: what shows more is meant
    black, white = (_decoded(tree, item, size, replace(rules, ground=ground)) for ground in ("black", "white"))
    return (white if white.std() > CLEARLY * black.std() else black), own


def _decoded(tree: Tree, item: Item, size: tuple[int, int] | None, rules: ReadingRules) -> Array:
    with tree.opened(item, "a picture", pictures.most_bytes(size)) as file:
        return pictures.decode(tree.shown(item), file, size, rules).pixels


def _alone(path: str) -> tuple[Tree, Item]:
    """A file as the only one of a tree."""
    return _Alone(path), Item((Path(path).name or path,))


class _Alone(Tree):
    """A tree of one file, under the path that the user gave."""

    def __init__(self, path: str) -> None:
        self.root, self.path = Path(path), path
        self.items, self.hidden, self.empty = [], [], []

    def shown(self, item: Item) -> str:
        return self.path


def unreadable(errors: Sequence[str], all_pictures: int) -> DataError:
    """One error for all pictures that cannot be read."""
    if len(errors) == 1:
        return DataError(errors[0])
    return DataError(
        f"{len(errors):,} of {all_pictures:,} pictures cannot be read; mend them, or go on with --skip-unreadable: "
        f"{some(list(errors), MOST_NAMED)}"
    )
