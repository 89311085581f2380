"""What a model says about a picture, in memory and in `convlet predict --json`."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

import numpy as np

from convlet.records.evaluation import OfClass

Array = np.ndarray[Any, Any]


class ClassProbability(OfClass):
    """A class and its probability."""

    probability: float


_Named = TypedDict("_Named", {"class": str | None})


class _Answer(_Named):
    image: str
    probability: float
    unsure: bool
    notes: list[str]
    unlike: list[str]


class Prediction(_Answer):
    """One picture: see `convlet.model.predicting.predictions`."""

    probabilities: Array
    seen: Array
    prepared: list[str]


class PredictionRow(_Answer):
    """The same for JSON, with the most probable classes; `seen` are nested lists of pixel values."""

    top: list[ClassProbability]
    prepared: NotRequired[list[str]]
    seen: NotRequired[list[Any]]
