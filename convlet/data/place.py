"""A place on disk, surveyed: a folder, a zip archive, or a file of arrays or a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convlet.data import archives, folders, idx_folders, kinds, labels_table, layout, pixel_table
from convlet.data.choices import Choices
from convlet.data.kinds import ARRAYS, TABLES, Sorted
from convlet.data.survey import Survey
from convlet.data.tree import FileTree, Item, Tree, ZipTree
from convlet.errors import DataError
from convlet.system import reading

UNPACK = {
    ".tar": "tar -xf",
    ".tgz": "tar -xzf",
    ".gz": "tar -xzf",
    ".7z": "7z x",
    ".rar": "unrar x",
    ".h5": "",
    ".hdf5": "",
    ".pkl": "",
    ".pt": "",
}
"""Files that are often given, and how they are unpacked; "" for formats that are not read at all."""


@contextmanager
def surveyed(path: Path, choices: Choices) -> Iterator[Survey]:
    """The survey of a place; what it reads must be read inside the block.

    Raises
    ------
    DataError : there is nothing to train on, or it can be understood in two ways
    """
    kind = reading.kind(path)
    if kind is None and path.parent != path and reading.kind(path.parent) == "folder":
        tree = Tree(path.parent)
        chosen = idx_folders.of_prefix([item for item in tree.items if kinds.is_idx_name(item.name)], path.name)
        tree.items = chosen + [item for item in tree.items if item.suffix == ".txt"]
        yield idx_folders.survey(tree, kinds.sort(tree), choices)
    elif kind == "folder":
        yield survey(Tree(path), choices)
    elif path.suffix.lower() == ".zip" and kind == "file":
        with ZipTree(path) as tree:
            yield survey(tree, choices)
    else:
        yield _of_file(path, choices)


def is_prefix(path: Path) -> bool:
    """Whether a path that leads nowhere is the beginning of IDX files' names, as in FOLDER/emnist-letters."""
    if reading.kind(path.parent) != "folder":
        return False
    there = [Item((entry.name,)) for entry in reading.entries(path.parent, DataError) if kinds.is_idx_name(entry.name)]
    return bool(idx_folders.of_prefix(there, path.name))


def survey(tree: Tree, choices: Choices) -> Survey:
    """What the files of a tree are: IDX files, pictures, arrays or tables of pixels, in this order.

    Raises
    ------
    DataError : nothing to train on, or it can be understood in two ways
    """
    found = kinds.sort(tree)
    made = _survey(tree, found, choices)
    if not made.formats:
        _refuse_for_pictures(str(tree.root), choices)
    return made


def _refuse_for_pictures(place: str, choices: Choices) -> None:
    """Raise DataError for options that go by the paths of pictures, where there are none."""
    given = {
        "--labels": choices.labels,
        "--label-pattern": choices.label_pattern,
        "--group-pattern": choices.group_pattern,
        "--class-level": choices.class_level,
    }
    for option, value in given.items():
        if value is not None:
            raise DataError(f"{option} {value}: is for pictures in files, but {place} holds images in arrays or tables")


def _survey(tree: Tree, found: Sorted, choices: Choices) -> Survey:
    """The same, by what was found."""
    by_user = choices.labels is not None or choices.label_pattern is not None
    if found.idx and not (found.pictures and by_user):
        return idx_folders.survey(tree, found, choices)
    if found.pictures and (by_user or not _is_beside(found, tree)):
        return folders.survey(tree, found, choices)
    if found.arrays:
        return archives.survey(tree, found, choices)
    if found.tables:
        return pixel_table.survey(tree, found, choices)
    if found.pictures:
        return folders.survey(tree, found, choices)
    raise DataError(
        f"{tree.root}: there are no classes; expected one sub-folder of pictures for each class, or IDX files"
        + _of_packed(tree)
    )


def _of_file(path: Path, choices: Choices) -> Survey:
    """A single file of arrays or a table; a labels table stands for the pictures around it."""
    suffix = path.suffix.lower()
    shown = path.parent if path.parent != Path() else Path(".")
    if suffix not in ARRAYS | TABLES:
        if kinds.is_idx_name(path.name):
            raise DataError(f"{path}: is one IDX file; give the folder of images and labels, {shown}")
        if suffix in UNPACK:
            how = (
                f"unpack it with '{UNPACK[suffix]} {path.name}' and give the folder"
                if UNPACK[suffix]
                else "save it as .npz"
            )
            raise DataError(f"{path}: is a file that is not read; {how}")
        raise DataError(
            f"{path}: is no data set; expected a folder, or a .zip, .npz, .mat, .csv, .tsv or .parquet file"
        )
    with reading.opened(path, "a data set", None, DataError):
        pass
    tree = FileTree(path)
    if suffix in ARRAYS or pixel_table.is_one(tree, tree.items[0]):
        _refuse_for_pictures(str(path), choices)
    if suffix in ARRAYS:
        return archives.survey(tree, kinds.sort(tree), choices)
    if pixel_table.is_one(tree, tree.items[0]):
        return pixel_table.survey(tree, kinds.sort(tree), choices)
    around = Tree(path.parent)
    from dataclasses import replace

    return folders.survey(around, kinds.sort(around), replace(choices, labels=str(path)))


def _is_beside(found: Sorted, tree: Tree) -> bool:
    """Whether pictures only lie beside arrays or tables of pixels: nothing names their classes."""
    if not (found.arrays or found.tables):
        return False
    root = layout.nodes(found.pictures, tree.empty)
    if layout.unwrapped(root).full:
        return False
    try:
        if labels_table.choose(tree, found, Choices())[0]:
            return False
    except DataError:
        return False
    return bool(found.arrays) or any(pixel_table.is_one(tree, item) for item in found.tables)


def _of_packed(tree: Tree) -> str:
    """What to unpack, if a folder holds nothing but archives."""
    packed = [item for item in tree.items if item.suffix in (".zip", *UNPACK) and UNPACK.get(item.suffix) != ""]
    return f"; give {tree.shown(packed[0])} itself, or unpack it" if packed else ""
