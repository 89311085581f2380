"""A folder with one sub-folder per class, optionally under train/ and test/ (and validation/ or val/)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from convlet.data import pictures
from convlet.data.dataset import Array
from convlet.errors import DataError
from convlet.system import reading

PARTS = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
MOST_BYTES = 8 * 2**30
"""Pixels of all pictures together; a folder with more is refused."""


def load(folder: Path, size: tuple[int, int] | None = None) -> dict[str, Any]:
    """Parts and classes of a folder of pictures.

    Parameters
    ----------
    folder : its sub-folders are the classes, in the order of their names; hidden ones are passed over
    size : height and width that all pictures are resized to

    Returns
    -------
    "train", "validation", "test" : images (n, H, W, C) uint8 and labels (n,) int64, or None where there are none
    "classes" : the names of the classes. Images are RGB where any picture is in colour, else grey

    Raises
    ------
    DataError : no classes, a class without pictures, pictures of several sizes, or a picture that cannot be read
    """
    roots = {part: _first_folder(folder, names) for part, names in PARTS.items()}
    if roots["train"] is None:
        roots = {"train": folder, "validation": None, "test": None}
    assert roots["train"] is not None
    classes = [path.name for path in _visible(roots["train"]) if reading.kind(path) == "folder"]
    if not classes:
        raise DataError(
            f"{folder}: there are no classes; expected one sub-folder of pictures for each class, or IDX files"
        )
    files = {part: _files(root, classes) for part, root in roots.items() if root is not None}
    shape = _common_shape([path for part in files.values() for path, _ in part], size)
    found: dict[str, Any] = {"classes": tuple(classes)}
    for part in PARTS:
        found[part] = _read(files[part], shape, size) if part in files else None
    return found


def _first_folder(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if reading.kind(folder / name) == "folder"), None)


def _visible(folder: Path) -> list[Path]:
    return [path for path in reading.entries(folder, DataError) if not path.name.startswith(".")]


def _files(root: Path, classes: list[str]) -> list[tuple[Path, int]]:
    """Every picture below `root` with the number of its class."""
    strange = [path.name for path in _visible(root) if reading.kind(path) == "folder" and path.name not in classes]
    if strange:
        raise DataError(f"{root / strange[0]}: is no class of the training images ({', '.join(classes[:10])})")
    found = []
    for number, name in enumerate(classes):
        folder = root / name
        # whatever is not a folder is read, so a pipe or a lost link is named and not passed over
        there = _visible(folder) if reading.kind(folder) == "folder" else []
        files = [path for path in there if reading.kind(path) != "folder"]
        if not files:
            raise DataError(f"{folder}: class '{name}' has no image; put pictures there or remove the folder")
        found += [(path, number) for path in files]
    return found


def _common_shape(paths: list[Path], size: tuple[int, int] | None) -> tuple[int, int, int]:
    """Height, width and channels of all pictures: each is read once to learn them."""
    first: tuple[Path, tuple[int, int]] | None = None
    channels = 1
    for path in paths:
        h, w, c = pictures.read(path, size).shape
        channels = max(channels, c)
        first = first or (path, (h, w))
        if (h, w) != first[1]:
            raise DataError(
                f"{path}: is {h}x{w}, but {first[0].name} is {first[1][0]}x{first[1][1]}; "
                "pictures must have one size, resize them with --size, as in --size 32x32"
            )
    assert first is not None
    (h, w), total = first[1], len(paths)
    if total * h * w * channels > MOST_BYTES:
        raise DataError(
            f"{paths[0].parent.parent}: {total:,} pictures of {h}x{w} are more than {MOST_BYTES // 2**30} GiB"
        )
    return h, w, channels


def _read(
    files: list[tuple[Path, int]], shape: tuple[int, int, int], size: tuple[int, int] | None
) -> tuple[Array, Array]:
    images = np.empty((len(files), *shape), np.uint8)
    for place, (path, _) in zip(images, files, strict=True):
        place[...] = pictures.with_channels(pictures.read(path, size), shape[2])
    return images, np.array([number for _, number in files], np.int64)
