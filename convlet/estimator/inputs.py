"""What scikit-learn users hand in, brought to images, labels and weights, or refused in scikit-learn's words."""

from __future__ import annotations

import warnings
from math import isqrt, prod
from numbers import Number
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d, validate_data

from convlet.data import arrays, listed
from convlet.data.inputs import Labelled
from convlet.data.pictures import with_channels
from convlet.estimator.parameters import whole_sides
from convlet.likeness import TrainingImages, batch_note

Array = np.ndarray[Any, Any]
Shape = tuple[int, int, int]

PIXELS = (np.float32, np.uint8)
"""What pixels may stay; everything else becomes float32."""

SMALLEST_SIDE = 4
"""Rows of fewer than 4 x 4 numbers are not taken for pictures."""

LONGEST_LINE = 100
"""Rows of more numbers than this are pictures; if they are not square, somebody must say their shape."""


def picture_shape(features: int) -> Shape:
    """The height, width and channels that rows of so many numbers are read with, where nobody said.

    A square number of at least 4 x 4 is a square grey image, three times one a square RGB image; anything else is
    one line of pixels, or ValueError if it is too long for a line.
    """
    for channels in (1, 3):
        side = isqrt(features // channels)
        if side >= SMALLEST_SIDE and side * side * channels == features:
            return side, side, channels
    if features > LONGEST_LINE:
        raise ValueError(
            f"X has rows of {features} numbers, which are no square picture; give image_shape=(height, width) or "
            "(height, width, channels)"
        )
    return 1, features, 1


def guess(X: Any, image_shape: Any, shape: Shape) -> str:
    """How the columns of X were read, for an error that follows from it; empty if nobody had to guess."""
    if image_shape is not None or not is_rows(X):
        return ""
    return f"the {prod(shape)} columns of X were read as a {times(shape)} picture; image_shape sets another shape"


def given_shape(shape: Any, features: int) -> Shape:
    """The height, width and channels the user gave for rows of so many numbers, or ValueError."""
    sides = whole_sides(shape)
    if prod(sides) != features:
        raise ValueError(f"image_shape {sides} has {prod(sides)} pixels, but X has {features} features")
    return sides[0], sides[1], sides[2] if len(sides) == 3 else 1


def is_rows(X: Any) -> bool:
    """Whether X is a table of rows of numbers rather than images; ValueError for images of several sizes."""
    if getattr(getattr(X, "dtype", None), "kind", "") == "O" and X.ndim == 1 and len(X) and np.ndim(X[0]) > 1:
        X = list(X)
    if hasattr(X, "ndim"):
        return bool(X.ndim < 3)
    if not isinstance(X, list | tuple) or not len(X) or np.ndim(X[0]) < 2:
        return True
    sizes = sorted({np.shape(image) for image in X})
    if len(sizes) > 1:
        listed = " and ".join("x".join(map(str, size)) for size in sizes[:2])
        raise ValueError(f"X holds images of different sizes, {listed}; bring them to one size first")
    return False


def training_images(estimator: Any, X: Any, y: Any, image_shape: Any, first: bool = True) -> tuple[Array, Array]:
    """Images (n, H, W, C), uint8 or float32, and labels (n,).

    Parameters
    ----------
    image_shape : the shape of an image, or None for what X looks like
    first : whether X says what n_features_in_ and feature_names_in_ are, rather than having to fit them

    Raises
    ------
    ValueError : X or y that cannot be used
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    _refuse_columns(y)
    if listed.is_list(X):
        X = _pictures(estimator, X, image_shape, first)
    if not first:
        images, labels = more_images(estimator, X, image_shape), column_or_1d(y, warn=True)
        same_count(images, labels)
    elif is_rows(X):
        with np.errstate(over="ignore"):  # what overflows is refused as infinite
            rows, labels = validate_data(estimator, X, y, dtype=PIXELS, order="C")
        features = rows.shape[1]
        shape = picture_shape(features) if image_shape is None else given_shape(image_shape, features)
        images = rows.reshape(-1, *shape)
    else:
        images, labels = as_pictures(X), column_or_1d(y, warn=True)
        same_count(images, labels)
        if image_shape is not None and given_shape(image_shape, prod(images.shape[1:])) != images.shape[1:]:
            raise ValueError(f"image_shape is {image_shape!r}, but X has images of {times(images.shape[1:])}")
        estimator.n_features_in_ = prod(images.shape[1:])
        estimator.__dict__.pop("feature_names_in_", None)
    check_classification_targets(labels)
    return images, labels


def more_images(estimator: Any, X: Any, image_shape: Shape) -> Array:
    """Images (n, H, W, C) of the shape that the estimator was fitted with, or ValueError."""
    if listed.is_list(X):
        X = _pictures(estimator, X, image_shape, False)
    refuse_single(X, image_shape)
    if is_rows(X):
        with np.errstate(over="ignore"):
            rows = validate_data(estimator, X, dtype=PIXELS, order="C", reset=False)
        return np.asarray(rows).reshape(-1, *image_shape)
    images = as_pictures(X)
    if images.shape[1:] != image_shape:
        raise ValueError(
            f"X has images of {times(images.shape[1:])}, but {type(estimator).__name__} is expecting images of "
            f"{times(image_shape)}."
        )
    return images


def _pictures(estimator: Any, X: Any, image_shape: Any, first: bool) -> Array:
    """The images of a list of paths or of Pillow's images, with the channels that the estimator was fitted with."""
    size = None if image_shape is None else (int(image_shape[0]), int(image_shape[1]))
    images, rules = listed.read(X, size, None if first else getattr(estimator, "_reading_rules", None))
    if first:
        estimator._reading_rules = rules
    if (
        image_shape is not None
        and len(image_shape) == 3
        and images.shape[3] != image_shape[2]
        and image_shape[2] in (1, 3)
    ):
        images = np.stack([with_channels(image, image_shape[2]) for image in images])
    return images


def _refuse_columns(y: Any) -> None:
    """Raise ValueError for labels in several columns of 0 and 1, with the line that mends one-hot ones."""
    shape: tuple[int, ...] = getattr(y, "shape", ())
    if len(shape) != 2 or shape[1] < 2:
        return
    given = np.asarray(y)
    if given.dtype.kind in "buif" and np.isin(given, (0, 1)).all():
        if (given.sum(axis=1) == 1).all():
            raise ValueError(f"y is one-hot, {times(shape)}; one label an image is expected, give y.argmax(axis=1)")
        raise ValueError(
            f"y has several classes an image, {times(shape)}; that is not supported, give one label an image"
        )


def refuse_single(X: Any, image_shape: Shape) -> None:
    """Raise ValueError for one image without the axis that counts images, with the line that mends it."""
    shape: tuple[int, ...] = tuple(getattr(X, "shape", ()))
    if shape == image_shape or (len(shape) == 2 and shape == image_shape[:2] and shape[1] != prod(image_shape)):
        raise ValueError(f"X is one image of {times(shape)}; many are expected, give X[np.newaxis]")
    h, w, c = image_shape
    if c > 1 and h > 1 and shape[-3:] == (c, h, w) and len(shape) in (3, 4) and shape[-3:] != image_shape:
        mend = "X.transpose(0, 2, 3, 1)" if len(shape) == 4 else "X.transpose(1, 2, 0)[np.newaxis]"
        raise ValueError(f"X has its channels before the rows, {times(shape)}; put them last with {mend}")


def as_pictures(X: Any) -> Array:
    """Images (n, H, W, C), uint8 or float32, of an array with three or four axes."""
    with np.errstate(over="ignore"):
        images = check_array(X, dtype=PIXELS, order="C", allow_nd=True, ensure_2d=False, input_name="X")
    if images.ndim == 3:
        images = images[..., np.newaxis]
    arrays.refuse_channels_first(images.shape, "X")
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(
            f"X must be (n, features), (n, height, width) or (n, height, width, channels), but got {images.shape}"
        )
    return np.asarray(images)


def warn_of_unlike(images: Array, known: TrainingImages | None, logits: Array) -> None:
    """Give a UserWarning, in one line, if images (n, H, W, C) are unlike those that the estimator was fitted on."""
    note = batch_note(images, known, logits) if known is not None else None
    if note is not None:
        warnings.warn(f"X: {note}", UserWarning, stacklevel=4)


def given_validation(estimator: Any, X_val: Any, y_val: Any, classes: Array, shape: Shape) -> Labelled | None:
    """The validation images that a fit was given; None if it was given none. Raises ValueError."""
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val must be given together")
    if X_val is None:
        return None
    images, labels = more_images(estimator, X_val, shape), column_or_1d(y_val, warn=True)
    same_count(images, labels)
    return Labelled(images, numbered(labels, classes, "y_val"))


def same_count(images: Array, labels: Array) -> None:
    """Raise ValueError unless there is one label an image."""
    if len(images) != len(labels):
        raise ValueError(f"Found input variables with inconsistent numbers of samples: [{len(images)}, {len(labels)}]")


def times(shape: tuple[int, ...]) -> str:
    """A shape for people: `28x28x1`."""
    return "x".join(map(str, shape))


def sorted_classes(labels: Array, name: str) -> Array:
    """The sorted labels, or ValueError where there is only one; name is the estimator's."""
    classes: Array = np.unique(labels)
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs samples of at least 2 classes in the data, but the data contains only one class: "
            f"{classes.tolist()[0]!r}"
        )
    return classes


def known_classes(given: Any, before: Array | None, name: str) -> Array:
    """The sorted labels of a `partial_fit`, of which every call must say the same, or ValueError."""
    if given is None:
        if before is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        return before
    if before is None:
        return sorted_classes(np.asarray(given), name)
    if not np.array_equal(np.unique(given), before):
        raise ValueError(f"`classes={given!r}` is not the same as on last call to partial_fit, was: {before!r}")
    return before


def numbered(labels: Array, classes: Array, name: str = "y", remedy: str = "") -> Array:
    """The place of each label among the sorted classes, int64 (n,), or ValueError for one that is none of them.

    remedy : what the error says after the labels
    """
    found, inverse = np.unique(labels, return_inverse=True)
    unseen = np.setdiff1d(found, classes)
    if len(unseen):
        raise ValueError(f"{name} contains previously unseen labels: {unseen.tolist()}{remedy}")
    places: Array = np.searchsorted(classes, found)[inverse].astype(np.int64)
    return places


def image_weights(sample_weight: Any, count: int) -> Array | None:
    """float64 (n,) weights from 0 with one above it, None for None, or ValueError."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Number):
        sample_weight = np.full(count, sample_weight)
    weights: Array = check_array(
        sample_weight, dtype=np.float64, ensure_2d=False, allow_nd=True, input_name="sample_weight"
    )
    if weights.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got {weights.ndim}D array.")
    if weights.shape != (count,):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(count,)}!")
    if (weights < 0).any():
        raise ValueError("Negative values in data passed to `sample_weight`")
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def class_weights(class_weight: Any, classes: Array, labels: Array) -> str | tuple[float, ...] | None:
    """The weights of the classes as `Settings.class_weights` takes them, or ValueError."""
    if class_weight is None or (isinstance(class_weight, str) and class_weight == "balanced"):
        return class_weight
    return tuple(map(float, compute_class_weight(class_weight, classes=classes, y=labels)))
