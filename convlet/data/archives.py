"""A .npz with `images` and `labels`, optionally `test_images`, `test_labels` and `classes`. No pickle is ever read."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from convlet.data import arrays
from convlet.errors import DataError

MOST_BYTES = 4 * 2**30
"""What the arrays may take when inflated, as the file's own directory says."""


def load(path: Path) -> dict[str, Any]:
    """Parts and classes of an archive, as `folders.load` gives them.

    Raises
    ------
    DataError : no archive, a missing or damaged array, objects instead of numbers, counts that differ, too large
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
        if size > MOST_BYTES:
            raise DataError(f"{path}: holds {size:,} bytes; at most {MOST_BYTES:,} are read")
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise DataError(f"{path}: is no .npz archive, or a damaged one ({error})") from None
    except ValueError as error:
        raise DataError(f"{path}: an array cannot be read ({error}); save plain numbers and strings") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    return _parts(path, found)


def _parts(path: Path, found: dict[str, Any]) -> dict[str, Any]:
    for name in ("images", "labels"):
        if name not in found:
            there = ", ".join(sorted(found)) or "nothing"
            raise DataError(f"{path}: there is no '{name}'; expected images and labels, found {there}")
    if ("test_images" in found) != ("test_labels" in found):
        raise DataError(f"{path}: test_images and test_labels belong together, but only one of them is there")
    classes = tuple(str(name) for name in np.ravel(found["classes"])) if "classes" in found else None
    result: dict[str, Any] = {"validation": None, "test": None}
    for part, prefix in (("train", ""), ("test", "test_")):
        if f"{prefix}images" in found:
            images = arrays.images(found[f"{prefix}images"], f"{path}: {prefix}images")
            labels, names = arrays.labels(found[f"{prefix}labels"], None, f"{path}: {prefix}labels")
            if part == "train" and classes is None:
                classes = names
            assert classes is not None
            own = _numbers(names, labels, classes, found[f"{prefix}labels"], f"{path}: {prefix}labels")
            arrays.same_count(images, own, str(path))
            result[part] = images, own
    return result | {"classes": classes}


def _numbers(names: Any, labels: Any, classes: tuple[str, ...], given: Any, what: str) -> Any:
    """Labels as positions in `classes`: by name, or as they are where whole numbers were given with class names."""
    if set(names) <= set(classes):
        return np.array([classes.index(name) for name in names], np.int64)[labels]
    return arrays.labels(given, classes, what)[0]
