"""What a model says about pictures that a user brings: classes, confidence, what is unlike, unsure or rejected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlet.data import pictures
from convlet.data.brought import Brought, read, unreadable
from convlet.errors import DataError, PredictionError, SettingsError
from convlet.learning.losses import softmax
from convlet.likeness import prepared
from convlet.model.model import Model
from convlet.records.prediction import Prediction

Array = np.ndarray[Any, Any]

AT_ONCE = 256
"""Pictures that are held at once; it bounds the memory."""

UNSURE = 0.8
"""A class with a lower probability is marked as unsure."""


@dataclass(frozen=True)
class Rejection:
    """When no class is named.

    threshold : the lowest confidence with which a class is named
    unlike : whether no class is named either for an image that is unlike the training images
    """

    threshold: float = 0.0
    unlike: bool = False

    def reason(self, confidence: float, notes: Sequence[str], is_far: bool) -> str | None:
        """Why an image gets no class; None if it gets one.

        notes : what is unlike in it
        is_far : whether its logits are unlike those of validation images
        """
        if self.unlike and (notes or is_far):
            return "rejected: unlike the training images"
        if confidence < self.threshold:
            return f"rejected: {100 * confidence:.1f} % is below {100 * self.threshold:.4g} %"
        return None


def rejection(model: Model, reject: float | None, error: float | None) -> Rejection | None:
    """What the options --reject and --reject-error ask for; None without either.

    Raises
    ------
    SettingsError : both, a number outside its range, or no threshold that keeps the error
    """
    if reject is not None and error is not None:
        raise SettingsError("--reject and --reject-error were both given; give one of them")
    for name, value in (("--reject", reject), ("--reject-error", error)):
        if value is not None and not 0 < value < 1:
            raise SettingsError(
                f"{name} must be between 0 and 1, but got {value:g}; give it as in {name} {EXAMPLES[name]}"
            )
    if reject is not None:
        return Rejection(reject)
    if error is None:
        return None
    scores = model.training_images.scores if model.training_images else None
    if scores is None:
        raise SettingsError(
            "--reject-error needs a threshold found on validation images, but this model has none; "
            "train it again with validation images, or give --reject 0.95"
        )
    return Rejection(scores.threshold(error), True)


EXAMPLES = {"--reject": "0.95", "--reject-error": "0.01"}


def predictions(
    model: Model,
    brought: Sequence[Brought],
    *,
    prepare: bool = False,
    reject: Rejection | None = None,
    skip_unreadable: bool = False,
    transpose: bool = False,
) -> Iterator[Prediction]:
    """What the model says about each picture, in order.

    image : its path; class : None if it is rejected; probability : of the most probable class;
    probabilities : float64 (K,); unsure : whether the class is not certain; notes : in words; unlike : what is unlike;
    seen : (H, W, C), what the network saw; prepared : what was done to it, in words

    Raises
    ------
    DataError : pictures that cannot be read, all of them named, unless they are to be skipped; or none is left
    PredictionError : what the network puts out is not finite
    """
    errors: list[str] = []
    left = 0
    for first in range(0, len(brought), AT_ONCE):
        group = []
        for one in brought[first : first + AT_ONCE]:
            try:
                group.append(_Picture.of(one, model, prepare, transpose))
            except DataError as error:
                errors.append(str(error))
        left += len(group)
        if group and (skip_unreadable or not errors):
            yield from _answers(model, group, reject)
    if errors and (not skip_unreadable or not left):
        raise unreadable(errors, len(brought))


@dataclass(frozen=True, eq=False)
class _Picture:
    """A picture as the network takes it."""

    path: str
    pixels: Array
    notes: list[str]
    steps: tuple[str, ...]

    @classmethod
    def of(cls, one: Brought, model: Model, prepare: bool, transpose: bool) -> _Picture:
        height, width, channels = model.input_shape
        plain, own = read(one, (width, height) if transpose else (height, width), model.rules)
        plain, notes = _turned(plain, transpose), []
        if own != (height, width):
            notes.append(f"resized from {own[0]}x{own[1]} to {height}x{width}")
        if channels not in (1, 3):
            raise DataError(
                f"{one.path}: has {plain.shape[2]} channels, but the model was trained on images of {channels}, which "
                "no picture file holds; predict arrays in Python"
            )
        if plain.shape[2] != channels:
            notes.append("made grey" if channels == 1 else "made RGB")
        if prepare:
            whole = plain if own == (height, width) else _turned(read(one, None, model.rules)[0], transpose)
            made = prepared(whole, model.training_images, model.input_shape)
            if made.steps:
                return cls(one.path, made.pixels, [f"prepared: {', '.join(made.steps)}"], made.steps)
        return cls(one.path, pictures.with_channels(plain, channels), notes, ())


def _turned(pixels: Array, transpose: bool) -> Array:
    return pixels.transpose(1, 0, 2) if transpose else pixels


def _answers(model: Model, group: list[_Picture], reject: Rejection | None) -> Iterator[Prediction]:
    images = np.stack([one.pixels for one in group])
    try:
        logits = model.logits(images)
    except PredictionError as error:
        raise PredictionError(group[error.number].path, error.reason) from None
    scores = model.training_images.scores if model.training_images else None
    far = scores.unlike(logits, strict=True) if scores is not None else np.zeros(len(images), bool)
    rows = zip(group, softmax(logits).astype(np.float64), model.unlike(images, logits), far.tolist(), strict=True)
    for one, probabilities, unlike, is_far in rows:
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        reason = reject.reason(confidence, unlike, is_far) if reject is not None else None
        yield {
            "image": one.path,
            "class": None if reason else model.classes[best],
            "probability": confidence,
            "probabilities": probabilities,
            "unsure": reason is None and (confidence < UNSURE or bool(unlike)),
            "notes": [*([reason] if reason else []), *one.notes],
            "unlike": unlike,
            "seen": one.pixels,
            "prepared": list(one.steps),
        }
