"""The door for arrays: what comes in leaves as uint8 or float32 images and int64 labels, or is refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from convlet.data.dataset import Array
from convlet.errors import DataError

MOST_CHANNELS_LAST = 5
"""Images whose last axis is at least this long, behind an axis of 1 or 3, have their channels first."""

MOST_SIGNALS = 16
LONG_SIGNAL = 4
"""Channels of a signal of one row, and how many times as long as that the row is."""


def images(array: Any, what: str = "images") -> Array:
    """Images (n, H, W, C), uint8 or float32 and C-contiguous, from any array of numbers.

    Parameters
    ----------
    array : (n, h, w) or (n, h, w, c), bool, integer or float; whole numbers from 0 to 255 become uint8
    what : what the error message calls it

    Raises
    ------
    DataError : no numbers, another number of axes, no images, or a pixel that is not finite
    """
    given = np.asarray(array)
    if given.dtype.kind not in "buif":
        raise DataError(f"{what}: expected numbers, but got {given.dtype}; give uint8 or float pixels")
    if given.ndim == 3:
        given = given[..., np.newaxis]
    if given.ndim != 4:
        shape = " x ".join(map(str, given.shape)) or "a single number"
        raise DataError(f"{what}: expected (n, h, w) or (n, h, w, c), but got {shape}")
    refuse_channels_first(given.shape, what)
    if 0 in given.shape:
        raise DataError(f"{what}: expected at least one pixel of one image, but got {given.shape}")
    if given.dtype == np.uint8:
        return np.ascontiguousarray(given)
    if given.dtype.kind in "bui" and given.min() >= 0 and given.max() <= 255:
        return np.ascontiguousarray(given, np.uint8)
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(given, np.float32)
    finite = np.isfinite(converted).all(axis=(1, 2, 3))
    if not finite.all():
        number = int(np.argmin(finite))
        bad = converted[number][~np.isfinite(converted[number])][0]
        raise DataError(f"{what}: image {number} has a pixel that is {bad}; every pixel must be a finite number")
    return converted


def refuse_channels_first(shape: tuple[int, ...], what: str = "images") -> None:
    """Raise DataError for images (n, c, h, w) with 1 or 3 channels, with the line that mends them.

    A signal of one row with up to 16 channels, (n, 1, w, c), is not one of them.
    """
    if len(shape) != 4 or shape[1] not in (1, 3) or min(shape[2:]) < MOST_CHANNELS_LAST:
        return
    if shape[1] == 1 and shape[3] <= MOST_SIGNALS and shape[2] > LONG_SIGNAL * shape[3]:
        return
    raise DataError(
        f"{what}: the shape {shape} has the channels before the rows; expected (n, height, width, channels), put the "
        "channels last with X.transpose(0, 2, 3, 1)"
    )


def labels(array: Any, classes: tuple[str, ...] | None = None, what: str = "labels") -> tuple[Array, tuple[str, ...]]:
    """Labels (n,) int64 and the names of the classes.

    Parameters
    ----------
    array : (n,), (n, 1) or (1, n) whole numbers or strings, or (n, k) with one 1 a row; without `classes`, each
        different value is a class, in sorted order
    classes : names of the classes, where they are known: numbers are then positions in it, strings names from it

    Raises
    ------
    DataError : another type or number of axes, or a label that is no class
    """
    given = _flat(np.asarray(array), what)
    if given.ndim != 1:
        raise DataError(f"{what}: expected one label an image (n,), but got {given.shape}")
    whole = given.dtype.kind in "bui" or (given.dtype.kind == "f" and bool(np.all(given == np.floor(given))))
    if not whole and given.dtype.kind not in "US":
        raise DataError(f"{what}: expected whole numbers or strings, but got {given.dtype}")
    if classes is None:
        values, numbers = np.unique(given, return_inverse=True)
        names = [int(value) if whole else value for value in values]
        return numbers.astype(np.int64), tuple(str(name) for name in names)
    if whole:
        outside = given[(given < 0) | (given >= len(classes))]
        if len(outside):
            raise DataError(
                f"{what}: label {outside[0]} is outside 0 to {len(classes) - 1}, the numbers of the classes"
            )
        return given.astype(np.int64), classes
    positions = {name: number for number, name in enumerate(classes)}
    unknown = [name for name in given.astype(str) if name not in positions]
    if unknown:
        raise DataError(f"{what}: '{unknown[0]}' is none of the classes {', '.join(classes[:10])}")
    return np.array([positions[name] for name in given.astype(str)], np.int64), classes


def _flat(given: Array, what: str) -> Array:
    """Labels as one axis: a column or a row as it is, one-hot rows as the numbers of their columns."""
    if given.ndim != 2 or given.size == 0:
        return given
    if 1 in given.shape:
        return given.ravel()
    if given.dtype.kind not in "buif" or not np.isin(given, (0, 1)).all():
        return given
    ones = given.sum(axis=1)
    if (ones != 1).any():
        row = int(np.argmax(ones != 1))
        raise DataError(f"{what}: row {row} has {int(ones[row])} ones; expected one, an image has one class")
    return given.argmax(axis=1)


def same_count(images: Array, labels: Array, what: str) -> None:
    """Raise DataError unless there is one label for each image."""
    if len(images) != len(labels):
        raise DataError(f"{what}: {len(images)} images but {len(labels)} labels; there must be one label an image")
