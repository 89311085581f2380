"""What a training tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from convlet.layers.base import Array


@dataclass(frozen=True)
class Progress:
    """How far a training has come.

    epoch counts from 1. step and images are those done since training began, steps those of the whole
    training. loss is the mean over the epoch so far. seconds have passed since the first step;
    seconds_left are about to come.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    images: int
    loss: float
    images_per_second: float
    seconds: float
    seconds_left: float


@dataclass(frozen=True)
class EpochEnd:
    """An epoch that has just ended.

    row : its line of history
    last : whether it was the last
    vectors : gives the parameters (P,) and the state (S,) that a model would have now; they may not be changed
    """

    row: dict[str, Any]
    last: bool
    vectors: Callable[[], tuple[Array, Array]]


OnProgress = Callable[[Progress], None]
OnEpoch = Callable[[EpochEnd], bool | None]
