"""Data: from a name, a folder or a file to training, validation and test images. Knows nothing of networks."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from convlet.data import archives, folders, idx, named, splits
from convlet.data.dataset import Dataset, ImageSet
from convlet.errors import DataError
from convlet.system import reading

__all__ = ["Dataset", "ImageSet", "load"]

TEST_FRACTION = 0.2
"""What is split off for testing where a data set brings no test images of its own."""


def load(
    data: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    offline: bool = False,
    train_images: int | None = None,
    validation: float = 0.1,
) -> Dataset:
    """Load a data set and cut it into training, validation and test images.

    Parameters
    ----------
    data : a name (see `convlet data list`), a folder of IDX files, a folder with one sub-folder per class (optionally
        under train/ and test/), or an .npz with images and labels
    size : height and width that pictures of a folder are resized to
    offline : never download
    train_images : keep only so many training images, every class with its share
    validation : the fraction of the training images split off for validation, where the data brings none

    The splits are stratified and do not depend on any seed; test images never change with the other options.

    Raises
    ------
    DataError : no such data, or data that cannot be used
    DownloadError : a named set that no mirror delivered
    """
    if not 0 <= validation < 1:
        raise DataError(f"--validation must be a fraction from 0 to below 1, but got {validation}")
    name, source, classes, parts = _read(data, size, offline)
    if size is not None and reading.kind(data) != "folder":
        raise DataError(f"--size resizes pictures in folders; {name} has images of one size already")
    train, test, held_out = parts["train"], parts.get("test"), parts.get("validation")
    if test is None:
        kept, off = splits.split(train.labels, len(classes), TEST_FRACTION, splits.TEST)
        train, test = train.take(kept), train.take(off)
    if held_out is None:
        kept, off = splits.split(train.labels, len(classes), validation, splits.VALIDATION)
        train, held_out = train.take(kept), train.take(off)
    if train_images is not None:
        train = train.take(splits.subset(train.labels, len(classes), train_images))
    pictures = named.BY_NAME[name].pictures if os.fspath(data) in named.BY_NAME else ""
    return Dataset(name, source, classes, train, held_out, test, pictures)


def _read(
    data: str | os.PathLike[str], size: tuple[int, int] | None, offline: bool
) -> tuple[str, str, tuple[str, ...], dict[str, ImageSet]]:
    """Name, source, classes and the parts that the data brings."""
    word = os.fspath(data)
    if word in named.BY_NAME:
        source, classes, parts = named.load(word, offline)
        return word, source, classes, parts
    path, found = Path(word), reading.kind(word)
    if found == "folder" and idx.is_idx_folder(path):
        parts = idx.load(path, 256)
        count = int(max(part.labels.max() for part in parts.values())) + 1
        return path.resolve().name, str(path), tuple(str(k) for k in range(count)), parts
    if found == "folder":
        return _from(folders.load(path, size), path)
    if not reading.is_missing(path):
        if found == "file" and path.suffix != ".npz":
            raise DataError(f"{path}: is no data set; expected a folder, an .npz or one of {_names()}")
        return _from(archives.load(path), path)
    close = get_close_matches(word.lower(), named.BY_NAME, 1, 0.5)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    raise DataError(f"unknown data '{word}': expected {_names()}, a folder or an .npz file{hint}")


def _from(found: dict[str, Any], path: Path) -> tuple[str, str, tuple[str, ...], dict[str, ImageSet]]:
    names = ("train", "validation", "test")
    parts = {name: ImageSet(*found[name]) for name in names if found.get(name) is not None}
    shapes = {part.images.shape[1:] for part in parts.values()}
    if len(shapes) > 1 or len({part.images.dtype for part in parts.values()}) > 1:
        listed = ", ".join(f"{name} {part.images.shape[1:]}" for name, part in parts.items())
        raise DataError(f"{path}: the parts differ in the form of their images: {listed}")
    if len(found["classes"]) < 2:
        raise DataError(f"{path}: there is only the class '{found['classes'][0]}'; at least two are needed")
    counts = np.bincount(parts["train"].labels, minlength=len(found["classes"]))
    if not counts.all():
        empty = found["classes"][int(np.argmin(counts))]
        raise DataError(f"{path}: class '{empty}' has no training image; every class needs one")
    return path.resolve().stem, str(path), tuple(found["classes"]), parts


def _names() -> str:
    return ", ".join(f"'{name}'" for name in named.BY_NAME)
