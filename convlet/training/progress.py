"""What a training tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

from convlet.layers.base import Array
from convlet.records.training import EpochRow
from convlet.training.standing import Standing

SECONDS_BETWEEN_REPORTS = 0.1


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

    row: EpochRow
    last: bool
    vectors: Callable[[], tuple[Array, Array]]


OnProgress = Callable[[Progress], None]
OnEpoch = Callable[[EpochEnd], bool | None]


def of_member(
    member: int, members: int, on_progress: OnProgress | None, on_epoch: OnEpoch | None
) -> tuple[OnProgress | None, OnEpoch | None]:
    """Watchers of one member of several, who tell the watchers of the whole training; members count from 0 here."""
    if members == 1:
        return on_progress, on_epoch

    def progress(one: Progress) -> None:
        done, all_steps = member * one.steps + one.step, members * one.steps
        seconds = one.seconds / one.step * done
        whole = replace(
            one,
            epoch=member * one.epochs + one.epoch,
            epochs=members * one.epochs,
            step=done,
            steps=all_steps,
            images=one.images // one.step * done,
            seconds=seconds,
            seconds_left=one.seconds_left + one.seconds / one.step * (all_steps - (member + 1) * one.steps),
        )
        if on_progress is not None:
            on_progress(whole)

    def epoch(end: EpochEnd) -> bool | None:
        return on_epoch(replace(end, last=end.last and member + 1 == members)) if on_epoch is not None else None

    return progress, epoch


class Reporter:
    """Tells whoever watches how far a training has come, about ten times a second and after the last step.

    Parameters
    ----------
    on_progress : None if nobody watches
    began : when training began, by `perf_counter`
    """

    def __init__(self, on_progress: OnProgress | None, began: float) -> None:
        self.on_progress, self.told = on_progress, began

    def tell(self, now: Standing, epoch: int, epochs: int) -> None:
        """A step of this epoch (from 0) of so many is done."""
        time, pace, place = perf_counter(), now.pace, now.place
        if self.on_progress is None or (time - self.told < SECONDS_BETWEEN_REPORTS and not pace.done):
            return
        self.told = time
        seconds = max(time - now.began, 1e-9)
        self.on_progress(
            Progress(
                epoch=epoch + 1,
                epochs=epochs,
                step=pace.step,
                steps=pace.steps,
                images=now.images,
                loss=place.loss / place.images,
                images_per_second=now.images / seconds,
                seconds=seconds,
                seconds_left=seconds / pace.step * (pace.steps - pace.step),
            )
        )
