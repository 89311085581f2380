"""How much each image counts: given weights times the weights of the classes, with mean 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from convlet.errors import DataError
from convlet.layers.base import Array


def image_weights(
    given: Any, labels: Array, classes: int, class_weights: str | tuple[float, ...] | None, name: str = "training"
) -> Array | None:
    """Float64 (n,) with mean 1 over the images, or None where every image counts the same.

    weight of an image = given weight * weight of its class, divided by the mean of all

    balanced: weight of a class = sum of given weights / (classes * sum of given weights of the class)

    Parameters
    ----------
    given : (n,) numbers from 0, or None for 1 each
    labels : int64 (n,)
    class_weights : as in `Settings.class_weights`
    name : which images, for an error

    Raises
    ------
    DataError : weights that are no numbers from 0, of another count than the images, or all zero
    """
    if given is None and class_weights is None:
        return None
    weights = np.ones(len(labels)) if given is None else _checked(given, len(labels), name)
    if class_weights == "balanced":
        of_class = np.bincount(labels, weights, minlength=classes)
        share = np.where(of_class > 0, weights.sum() / (classes * np.maximum(of_class, 1e-300)), 0.0)
        weights = weights * share[labels]
    elif class_weights is not None:
        if len(class_weights) != classes:
            raise DataError(
                f"class_weights must have one number for each of {classes} classes, got {len(class_weights)}"
            )
        weights = weights * np.array(class_weights, np.float64)[labels]
    total = weights.sum()
    if total <= 0:
        raise DataError(f"the weights of the {name} images are all zero; at least one must be above 0")
    scaled: Array = weights * (len(weights) / total)
    return None if (scaled == 1).all() else scaled


def _checked(given: Any, count: int, name: str) -> Array:
    """The given weights as float64 (n,), or DataError."""
    try:
        weights = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise DataError(f"the weights of the {name} images must be numbers from 0") from None
    if weights.shape != (count,):
        raise DataError(
            f"the weights of the {name} images must be one number an image, ({count},), but got {weights.shape}"
        )
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        number = int(np.argmax(wrong))
        raise DataError(
            f"the weights of the {name} images must be finite and from 0, but number {number} is {weights[number]}"
        )
    return weights
