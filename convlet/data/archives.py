"""A .npz with `images` and `labels`, optionally `test_images`, `test_labels` and `classes`. No pickle is ever read."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from convlet.data import arrays, npy
from convlet.data.dataset import Array
from convlet.errors import DataError
from convlet.system import reading

MOST_BYTES = 4 * 2**30
"""What the arrays may take when inflated, as the archive's own directory says."""

MOST_FILES = 1000
"""Entries of an archive."""

INFLATES = 1032
"""Deflate makes at most so many bytes out of one."""

NAMES = ("images", "labels", "test_images", "test_labels", "classes")
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def load(path: Path) -> dict[str, Any]:
    """Parts and classes of an archive, as `folders.load` gives them.

    Raises
    ------
    DataError : no archive, a missing or damaged array, objects instead of numbers, counts that differ, too large
    """
    try:
        with reading.opened(path, "an .npz archive", refused=DataError) as file, zipfile.ZipFile(file) as archive:
            length = reading.size(file)
            items = {item.filename.removesuffix(".npy"): item for item in archive.infolist()}
            _check(path, archive)
            found = {name: _read(path, archive, items[name], length) for name in NAMES if name in items}
    except DataError:
        raise
    except Exception as error:  # zipfile and zlib raise many kinds where an archive is damaged
        raise DataError(f"{path}: is no .npz archive, or a damaged one ({error})") from None
    return _parts(path, found, sorted(items))


def _check(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse, before anything is inflated, what is too large or too much."""
    items = archive.infolist()
    if len(items) > MOST_FILES:
        raise DataError(f"{path}: holds {len(items):,} files; at most {MOST_FILES:,} are read")
    size = sum(item.file_size for item in items)
    if size > MOST_BYTES:
        raise DataError(f"{path}: holds {size:,} bytes; at most {MOST_BYTES:,} are read")


def _read(path: Path, archive: zipfile.ZipFile, item: zipfile.ZipInfo, length: int) -> Array:
    """One array; its size is bounded by what the archive's own bytes can hold."""
    if item.compress_type not in METHODS or item.flag_bits & 1:
        raise DataError(f"{path}: {item.filename} is encrypted or packed in an unknown way; write it with numpy.savez")
    if item.compress_size > length or item.file_size > INFLATES * item.compress_size + 64:
        raise DataError(
            f"{path}: {item.filename} declares {item.file_size:,} bytes, more than the archive can hold; get it again"
        )
    try:
        with archive.open(item) as file:
            return npy.read(file, item.file_size)
    except npy.Unreadable as error:
        raise DataError(f"{path}: {item.filename} {error}") from None


def _parts(path: Path, found: dict[str, Array], names: list[str]) -> dict[str, Any]:
    for name in ("images", "labels"):
        if name not in found:
            there = ", ".join(name if name.isprintable() else repr(name) for name in names)[:200] or "nothing"
            raise DataError(f"{path}: there is no '{name}'; expected images and labels, found {there}")
    if ("test_images" in found) != ("test_labels" in found):
        raise DataError(f"{path}: test_images and test_labels belong together, but only one of them is there")
    classes = tuple(str(name) for name in np.ravel(found["classes"])) if "classes" in found else None
    if classes is not None and len(set(classes)) < len(classes):
        twice = next(name for name in classes if classes.count(name) > 1)
        raise DataError(f"{path}: the class {twice!r} stands twice in classes; every class needs its own name")
    result: dict[str, Any] = {"validation": None, "test": None}
    for part, prefix in (("train", ""), ("test", "test_")):
        if f"{prefix}images" in found:
            images = arrays.images(found[f"{prefix}images"], f"{path}: {prefix}images")
            labels, own_names = arrays.labels(found[f"{prefix}labels"], None, f"{path}: {prefix}labels")
            if part == "train" and classes is None:
                classes = own_names
            assert classes is not None
            own = _numbers(own_names, labels, classes, found[f"{prefix}labels"], f"{path}: {prefix}labels")
            arrays.same_count(images, own, str(path))
            result[part] = images, own
    return result | {"classes": classes}


def _numbers(names: Any, labels: Any, classes: tuple[str, ...], given: Any, what: str) -> Any:
    """Labels as positions in `classes`: by name, or as they are where whole numbers were given with class names."""
    if set(names) <= set(classes):
        return np.array([classes.index(name) for name in names], np.int64)[labels]
    return arrays.labels(given, classes, what)[0]
