"""What a model file says beside its arrays."""

from __future__ import annotations

from typing import TypedDict


class ScoreValues(TypedDict):
    """How validation images are scored: see `convlet.likeness.scores.Scores`."""

    images: int
    curve: list[list[float]]
    means: list[list[float]]
    deviations: list[list[float]]
    limits: list[list[float]]


class LikenessValues(TypedDict):
    """What the training images were like: see `convlet.likeness.training_images.TrainingImages`."""

    measured: int
    low: float
    high: float
    lows: list[float]
    middles: list[float]
    highs: list[float]
    drawn: bool
    scores: ScoreValues | None


class Scaling(TypedDict):
    """How pixels are scaled: mean and standard deviation of each channel."""

    mean: list[float]
    std: list[float]
