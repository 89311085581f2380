"""What makes a model of its parts: one check for a model built by hand, loaded, unpickled or saved."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from convlet.errors import InputError
from convlet.layers.base import Array, Shape
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.setting_checks import short
from convlet.likeness import TrainingImages
from convlet.model.finite import finite

SIDE_LIMIT = 2**16
"""The largest height, width or number of channels of an image."""

GROUP = 2**20
"""Values that are checked at once; it bounds the memory."""


class Parts(Protocol):
    """What `check` reads of a model: see `convlet.model.model.Model`."""

    @property
    def input_shape(self) -> Shape: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def preprocessing(self) -> Preprocessing: ...
    @property
    def parameters(self) -> Array: ...
    @property
    def state(self) -> Array: ...
    @property
    def training_images(self) -> TrainingImages | None: ...
    def arrays(self) -> dict[str, Array]: ...


def image_shape(given: Any) -> Shape:
    """Height, width and channels as ints, or InputError unless they are three whole numbers from 1 to SIDE_LIMIT."""
    try:
        sides = tuple(0 if isinstance(side, bool) else operator.index(side) for side in given)
    except TypeError:
        sides = ()
    if len(sides) != 3 or not all(1 <= side <= SIDE_LIMIT for side in sides):
        raise InputError(
            f"the model's input_shape must be three whole numbers from 1 to {SIDE_LIMIT}, but got {short(given)}"
        )
    return sides


def class_names(given: Any) -> tuple[str, ...]:
    """The names of at least two classes as text, each there once, or InputError."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"the model's classes must be a tuple of names, but got {short(given)}")
    names = tuple(map(str, given))
    if len(names) < 2:
        raise InputError(f"the model needs at least 2 classes, but got {len(names)}")
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise InputError(f"the model has {names.count(twice)} classes of the name {short(twice)}; each needs its own")
    return names


def vector(given: Any, name: str, count: int, word: str) -> Array:
    """The parameters or the state as read-only float32 (count,), or InputError.

    Parameters
    ----------
    name : "parameters" or "state"
    word : the architecture
    """
    array = np.asarray(given)
    if array.dtype.kind not in "fiu":
        raise InputError(f"the model's {name} must be float32, but got {array.dtype}")
    if array.shape != (count,):
        raise InputError(f"{word} has {count} {name}, but got shape {array.shape}")
    with np.errstate(over="ignore"):  # what overflows is found as infinite
        values = np.ascontiguousarray(array, np.float32)
    if np.shares_memory(values, array) and array.flags.writeable:  # whoever made it may still write to it
        values = values.copy()
    values.flags.writeable = False
    return values


def check(model: Parts) -> None:
    """Raise InputError, as in "the model has parameters that are not finite", unless a model's numbers make one.

    A variance is at least 0, each channel has its scale, and every number is finite.
    """
    if not isinstance(model.preprocessing, Preprocessing):
        raise InputError(f"the model's preprocessing must be a Preprocessing, but got {short(model.preprocessing)}")
    channels, scaled = model.input_shape[-1], len(model.preprocessing.mean)
    if scaled != channels:
        raise InputError(f"the model has preprocessing for {scaled} channels, but images of {channels}")
    for name, values in (("parameters", model.parameters), ("running statistics", model.state)):
        if not all(finite(values[first : first + GROUP]) for first in range(0, len(values), GROUP)):
            raise InputError(f"the model has {name} that are not finite; train it again")
    for name, values in model.arrays().items():
        if name.endswith(".variance") and (values < 0).any():
            raise InputError(f"the model has a variance below 0 in {name}; train it again")
    scores = model.training_images.scores if model.training_images else None
    if scores is not None and scores.means and len(scores.means) != len(model.classes):
        raise InputError(f"the model has scores of {len(scores.means)} classes, but {len(model.classes)} classes")
