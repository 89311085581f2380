"""Early stopping: the best epoch so far on validation images, and when no later one can be better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convlet.layers.base import Array
from convlet.records.checkpoint import BestValues
from convlet.records.conditions import SettingValues
from convlet.records.training import History

ENOUGH = 50
"""Validation images from which on none wrong says something: with fewer, 6 % errors would still show none in 20."""


@dataclass
class Best:
    """The best epoch so far and the parameters it ended with.

    Parameters
    ----------
    patience : epochs without a better score after which `waited_enough` is true
    waited : epochs since the best one

    Source: Prechelt 1998, "Early stopping - but when?", the class UP of stopping criteria.
    """

    patience: int
    score: float = float("inf")
    epoch: int = 0
    parameters: Array | None = None
    state: Array | None = None
    waited: int = 0

    def see(self, score: float, epoch: int, parameters: Array, state: Array) -> None:
        """An epoch ended with this score (lower is better), float32 parameters (P,) and state (S,); they are copied."""
        if score < self.score:
            self.score, self.epoch, self.waited = score, epoch, 0
            self.parameters, self.state = parameters.copy(), state.copy()
        else:
            self.waited += 1

    @property
    def waited_enough(self) -> bool:
        return self.waited >= self.patience

    def values(self) -> BestValues:
        """All but the arrays, in values that JSON knows, under the names that checkpoints have."""
        return {"score": self.score, "epoch": self.epoch, "_waited": self.waited}

    def restore(self, values: BestValues, parameters: Array, state: Array) -> None:
        """Continue from what `values` gave, and from the arrays, which are copied."""
        self.score, self.epoch, self.waited = values["score"], values["epoch"], values["_waited"]
        self.parameters, self.state = parameters.copy(), state.copy()


def stays_perfect(errors: Sequence[float | None], epochs: int, images: int) -> bool:
    """Whether the last epochs had no wrong validation image, so that training stops; see `Settings.perfect_epochs`.

    It depends on the history alone, so a training that resumes stops at the same epoch.

    Parameters
    ----------
    errors : validation error rate of each epoch so far
    epochs : how many epochs in a row must have none; 0 for never
    images : validation images
    """
    return epochs > 0 and images >= ENOUGH and len(errors) >= epochs and all(error == 0 for error in errors[-epochs:])


def stopped_perfect(history: History, settings: SettingValues, images: int) -> str:
    """Where and why `stays_perfect` ended a training before its last epoch, in words; "" if it did not.

    Parameters
    ----------
    history : as in `TrainingResult`, of one member or several
    settings : as `Settings.as_dict` gives them
    images : validation images
    """
    wanted, planned = settings.get("perfect_epochs", 0), settings["epochs"]
    by_steps = settings.get("steps") is not None or settings.get("minutes") is not None
    whose = history.get("member") or [1] * len(history["epoch"])
    ends = []
    for member in sorted(set(whose)):
        errors = [error for error, own in zip(history["validation_error"], whose, strict=True) if own == member]
        if stays_perfect(errors, wanted, images) and (by_steps or len(errors) < planned):
            ends.append(f"{len(errors):,}" if len(set(whose)) == 1 else f"{len(errors):,} (member {member})")
    if not ends:
        return ""
    of_all = "" if by_steps else f" of {planned:,}"
    return (
        f"stopped after {', '.join(ends)}{of_all} epochs: no validation image was wrong in {wanted:,} "
        f"epoch{'s' if wanted > 1 else ''} in a row"
    )
