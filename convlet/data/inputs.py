"""Images and labels at the door of training: brought to the form the engines take, or refused."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from convlet.data.mapped import ImageFile, image_file, pieces
from convlet.errors import DataError
from convlet.layers.base import Array, Shape


class LabelledImages(Protocol):
    """What may be given: images (n, H, W, C) uint8 or float, labels (n,) whole numbers."""

    @property
    def images(self) -> Array: ...

    @property
    def labels(self) -> Array: ...


@dataclass(frozen=True)
class Labelled:
    """Images (n, H, W, C), uint8 or float32, and labels (n,), int64, that have passed the door.

    weights : float (n,), how much each image counts; None for 1 each

    A large memory-mapped array of images stays in its file: `batch` reads what a step needs.
    """

    images: Array
    labels: Array
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def file(self) -> ImageFile | None:
        """The file the images are read from; None where they lie in memory."""
        return image_file(self.images)

    def batch(self, numbers: Array) -> tuple[Array, Array, Array, Array | None]:
        """Images, labels, the numbers in them of the images with these `numbers`, and weights; raises DataError."""
        if self.file is None:
            return self.images, self.labels, numbers, self.weights
        weights = None if self.weights is None else self.weights[numbers]
        return self.file.read(numbers), self.labels[numbers], np.arange(len(numbers)), weights

    @classmethod
    def of(cls, given: LabelledImages, name: str, classes: int, shape: Shape | None = None) -> Labelled:
        """The `name` images and labels, checked; raises DataError. See `as_images` and `as_labels`."""
        images = as_images(given.images, f"{name} images", shape)
        return cls(images, as_labels(given.labels, f"{name} labels", len(images), classes))


def times(shape: Shape) -> str:
    """A shape for people: `28x28x1`."""
    return "x".join(map(str, shape))


def as_images(images: Any, name: str, input_shape: Shape | None = None) -> Array:
    """Return images as uint8 or finite float32 (n, H, W, C), C-contiguous.

    uint8 stays; other numbers become float32 with the same values. What has the right form already is not copied.

    Parameters
    ----------
    images : array (n, H, W, C) of numbers
    name : what to call them in an error, such as `training images`
    input_shape : the shape (H, W, C) they must have; None for any

    Raises
    ------
    DataError : another shape, something that is no number, or a value that is not finite
    """
    array = np.asarray(images)
    if array.dtype.kind not in "buif":
        raise DataError(f"the {name} must be numbers (uint8 or float), but got dtype {array.dtype}")
    if array.ndim != 4 or min(array.shape[1:]) < 1:
        raise DataError(f"the {name} must be an array of shape (n, H, W, C), but got shape {array.shape}")
    if input_shape is not None and array.shape[1:] != input_shape:
        raise DataError(f"the {name} must be {times(input_shape)}, but got {times(array.shape[1:])}")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.ascontiguousarray(array, np.float32)
    first = 0
    for part in pieces(array):
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(part.sum(axis=(1, 2, 3), dtype=np.float64))
        if not finite.all():
            at = int(np.argmin(finite))
            number, value = first + at, part[at][~np.isfinite(part[at])][0]
            raise DataError(
                f"the {name} must be finite, but number {number} holds {value}; mend or leave out that image"
            )
        first += len(part)
    return array


def as_labels(labels: Any, name: str, count: int, classes: int) -> Array:
    """Return labels as int64 (count,).

    Parameters
    ----------
    labels : array (count,) of whole numbers from 0 to classes - 1
    name : what to call them in an error, such as `training labels`

    Raises
    ------
    DataError : another number of labels than images, labels that are no whole numbers, or out of range
    """
    array = np.asarray(labels)
    if array.ndim != 1 or array.dtype.kind not in "ui":
        raise DataError(
            f"the {name} must be whole numbers of shape (n,), but got dtype {array.dtype} and shape {array.shape}"
        )
    if len(array) != count:
        raise DataError(f"the {name} must be as many as the images, {count}, but got {len(array)}")
    wrong = (array < 0) | (array >= classes)
    if wrong.any():
        number = int(np.argmax(wrong))
        raise DataError(
            f"the {name} must be from 0 to {classes - 1}, but number {number} is {array[number]}; "
            "give as many class names as there are labels"
        )
    return np.ascontiguousarray(array, np.int64)
