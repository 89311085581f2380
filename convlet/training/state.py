"""The state of a training between two steps as plain values, and who keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from convlet.layers.base import Array
from convlet.records.checkpoint import StateValues


@dataclass(frozen=True, eq=False)
class State:
    """The state of a training between two steps.

    arrays : float32 arrays by name; read only
    values : everything else, in values that JSON knows
    """

    arrays: dict[str, Array]
    values: StateValues

    def copy(self) -> State:
        """The same, no longer tied to the training."""
        return State({name: array.copy() for name, array in self.arrays.items()}, self.values)


class Keeper(Protocol):
    """Keeps the state of a training, so that it can resume after an interruption."""

    def begin(self) -> State | None:
        """The state to resume from; None to begin."""

    def after_step(self, state: Callable[[], State], epoch_ended: bool) -> None:
        """A step, or with `epoch_ended` an epoch and its validation, is done; `state` gives the state of the training.

        It may end the training by raising an exception. `state` raises `Unsound`, which must pass, if the last update
        broke the parameters.
        """

    def end(self, state: State) -> None:
        """All epochs are done; `state` is the final state."""


class Unsound(Exception):
    """The parameters are not finite; no checkpoint may hold them."""
