"""How a ConvNetClassifier continues from its last training: what must not change, and where that training ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from convlet.estimator.inputs import Shape, times
from convlet.layers.base import Array
from convlet.model.model import Model
from convlet.network.word import format_word, parse
from convlet.recipes.recipe import recipe
from convlet.training.snapshot import Snapshot

NEW_CLASS = (
    "; partial_fit knows only the classes of its first call: name all of them there with classes=, or fit a new "
    "estimator with start=model_, which begins with the filters"
)
"""What `partial_fit` adds to the error about a class that its first call did not name."""


def architecture(estimator: Any, shape: Shape, start: Snapshot | Model | None = None) -> str:
    """The architecture string for images of this shape (H, W, C).

    start : what this fit begins with; a model gives its architecture if the parameter is "auto"
    """
    if estimator.architecture == "auto" and estimator.start is not None:
        known: str = start.architecture if isinstance(start, Model) else estimator.model_.architecture
        return known
    chosen: str = estimator.architecture
    return recipe(estimator.recipe).architecture(shape) if chosen == "auto" else chosen


def check_same_network(estimator: Any, how: str, classes: Array, shape: Shape, guess: str = "") -> None:
    """Raise ValueError if classes, image shape or architecture differ from those of the last fit.

    Parameters
    ----------
    how : "warm_start" or "partial_fit", for the message
    classes : (C,) labels of the new images
    guess : how the new images' shape was guessed; "" if it was not
    """
    if not np.array_equal(classes, estimator.classes_):
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
            f"Previously got {estimator.classes_}, `y` has {classes}"
        )
    if shape != estimator.image_shape_:
        raise ValueError(
            "warm_start can only be used where `X` has images of the same shape as in the previous call to fit. "
            f"Previously got {times(estimator.image_shape_)}, `X` has {times(shape)}" + (f"; {guess}" if guess else "")
        )
    word = architecture(estimator, shape)
    if format_word(parse(word)) != estimator.model_.architecture:
        raise ValueError(
            f"{how} goes on with the network it was fitted with, {estimator.model_.architecture}, but architecture is "
            f"now {word}; set it back, or fit a new estimator"
        )


def last_end(estimator: Any) -> Snapshot:
    """Where the last training ended. Raises ValueError if it gave an ensemble."""
    model: Model = estimator.model_
    if model.members > 1:
        raise ValueError(
            f"partial_fit and warm_start go on with one network, but this estimator was fitted with "
            f"{model.members} members"
        )
    frozen = estimator._frozen if estimator.freeze else 0
    if estimator._snapshot is not None:
        return replace(estimator._snapshot, frozen=frozen)
    return Snapshot(model.parameters, model.state, {}, 0, estimator._epochs_shown, frozen=frozen)
