"""Everything a training holds between two steps, taken out and put back: what checkpoints and going back need.

Random numbers are functions of seed, epoch and position, so there is no generator to save.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from convlet.errors import CheckpointError
from convlet.layers.base import Array

if TYPE_CHECKING:
    from convlet.training.run import Run


@dataclass(frozen=True, eq=False)
class State:
    """The state of a training between two steps.

    arrays : float32 arrays by name; read only
    values : everything else, in values that JSON knows
    """

    arrays: dict[str, Array]
    values: dict[str, Any]

    def copy(self) -> State:
        """The same, no longer tied to the training."""
        return State({name: array.copy() for name, array in self.arrays.items()}, self.values)


class Keeper(Protocol):
    """Who keeps the state of a training, so that it can go on after an interruption."""

    def begin(self) -> State | None:
        """The state to go on from; None to begin."""

    def after_step(self, state: Callable[[], State], epoch_ended: bool) -> None:
        """A step, or with `epoch_ended` an epoch and its validation, is done; `state` gives where training stands.

        It may end the training by raising an exception. `state` raises `Unsound`, which must pass, if the last update
        broke the parameters.
        """

    def end(self, state: State) -> None:
        """All epochs are done; this is where training stands."""


@dataclass
class Place:
    """How far an epoch has come, and what it has shown.

    epoch counts from 0, first is the place of the next batch in the epoch, loss the sum over the images so far, rate
    the learning rate of the last step; seconds are those of the steps alone.
    """

    epoch: int = 0
    first: int = 0
    images: int = 0
    loss: float = 0.0
    wrong: int = 0
    rate: float = 0.0
    seconds: float = 0.0

    def took(self, images: int, loss: float, wrong: int, rate: float, seconds: float) -> None:
        """One more step was done."""
        self.first += images
        self.images += images
        self.loss += loss
        self.wrong += wrong
        self.rate = rate
        self.seconds += seconds


def capture(run: Run, history: bool = True) -> State:
    """Where a training stands; its arrays are the training's own until they are copied.

    history : False leaves the history out, which within an epoch never changes
    """
    arrays = _arrays(run)
    best, pace = run.watched, run.pace
    values = {
        "place": asdict(run.place),
        "pace": {name: getattr(pace, name) for name in PACE},
        "best": {name: getattr(best, name) for name in BEST} if best is not None and best.epoch else None,
        "images": run.images,
        "train_seconds": run.train_seconds,
        "seconds": perf_counter() - run.began,
        "rate_scale": run.rate_scale,
        "rollbacks": list(run.rollbacks),
    }
    if history:
        values["history"] = {name: list(column) for name, column in run.history.items()}
    if history and run.anchor is not None:
        arrays |= {f"anchor.{name}": array for name, array in run.anchor.arrays.items()}
        values["anchor"] = run.anchor.values
    return State(arrays, values)


PACE = ("step", "steps", "place", "length", "budget", "_next_look")
BEST = ("score", "epoch", "_waited")


def _arrays(run: Run) -> dict[str, Array]:
    """Each array that a step, or the end of an epoch, changes. What is added to a training is added here."""
    arrays = {"parameters": run.engine.parameters, "state": run.engine.state}
    arrays |= {f"slot.{name}": values for name, values in run.slots.items()}
    if run.mean is not None:
        arrays |= dict(zip(("mean.parameters", "mean.state"), run.mean.means, strict=True))
    best = run.watched
    if best is not None and best.parameters is not None and best.state is not None:
        arrays |= {"best.parameters": best.parameters, "best.state": best.state}
    return arrays


def restore(run: Run, state: State) -> None:
    """Let a training, made with the same settings and images, stand where it stood.

    Raises
    ------
    CheckpointError : the state is of another kind of training
    """
    try:
        _restore(run, state)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"the checkpoint does not fit this training ({error}); begin a new run") from None


def _restore(run: Run, state: State) -> None:
    values, arrays = state.values, dict(state.arrays)
    anchor = {name.removeprefix("anchor."): arrays.pop(name) for name in list(arrays) if name.startswith("anchor.")}
    if "anchor" in values:
        run.anchor = State(anchor, values["anchor"])
    best = run.watched
    if best is not None and values["best"] is not None:
        for name in BEST:
            setattr(best, name, values["best"][name])
        best.parameters, best.state = arrays["best.parameters"].copy(), arrays["best.state"].copy()
    own = _arrays(run)
    if {name: array.shape for name, array in own.items()} != {name: array.shape for name, array in arrays.items()}:
        raise ValueError(f"expected the arrays {', '.join(own)}, but it holds {', '.join(arrays)}")
    for name, array in own.items():
        array[...] = arrays[name]
    run.engine.load(arrays["parameters"], arrays["state"])
    for name in PACE:
        setattr(run.pace, name, values["pace"][name])
    run.place = Place(**values["place"])
    run.images, run.train_seconds = int(values["images"]), float(values["train_seconds"])
    run.began = perf_counter() - float(values["seconds"])
    run.rate_scale, run.rollbacks = float(values["rate_scale"]), list(values["rollbacks"])
    if "history" in values:
        run.history = {name: list(column) for name, column in values["history"].items()}
