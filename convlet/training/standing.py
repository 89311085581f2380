"""Everything that a step or the end of an epoch changes, in one object that is captured and restored as a whole.

Checkpoints and going back after a divergence need it. Random numbers are functions of seed, epoch and position, so
there is no generator to save.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter

from convlet.engine.engine import Engine
from convlet.errors import CheckpointError
from convlet.layers.base import Array
from convlet.learning.averaging import RunningMean
from convlet.records.checkpoint import PlaceValues, StateValues
from convlet.records.training import History, copied
from convlet.training.pace import Pace
from convlet.training.state import State
from convlet.training.stopping import Best


@dataclass
class Place:
    """The position within an epoch, and the epoch's sums so far.

    epoch counts from 0; first is the position of the next batch in the epoch; loss is the sum over the images so far;
    rate is the learning rate of the last step; seconds are those of the steps alone.
    """

    epoch: int = 0
    first: int = 0
    images: int = 0
    loss: float = 0.0
    wrong: int = 0
    rate: float = 0.0
    seconds: float = 0.0

    def values(self) -> PlaceValues:
        """All of it, in values that JSON knows."""
        return {
            "epoch": self.epoch,
            "first": self.first,
            "images": self.images,
            "loss": self.loss,
            "wrong": self.wrong,
            "rate": self.rate,
            "seconds": self.seconds,
        }

    def took(self, images: int, loss: float, wrong: int, rate: float, seconds: float) -> None:
        """One more step was done."""
        self.first += images
        self.images += images
        self.loss += loss
        self.wrong += wrong
        self.rate = rate
        self.seconds += seconds


@dataclass
class Standing:
    """The state of a training. What is added to a training is added here.

    Parameters
    ----------
    engine : holds the parameters (P,) and the running statistics (S,)
    slots : the optimizer's vectors, float32 (P,), by name
    pace : steps done and planned, and the position in the schedule
    mean : the running mean of the parameters; None without one
    best : the best epoch so far; None if nobody needs it
    images : images shown so far
    train_seconds : the seconds of all steps of the epochs that ended
    began : when training began, by `perf_counter`; moved back by the time before an interruption
    rate_scale : halved each time training goes back
    rollbacks : why training went back
    anchor : the state at the beginning of the epoch; None if training never goes back
    """

    engine: Engine
    slots: dict[str, Array]
    pace: Pace
    mean: RunningMean | None = None
    best: Best | None = None
    place: Place = field(default_factory=Place)
    history: History = field(default_factory=History)
    images: int = 0
    train_seconds: float = 0.0
    began: float = field(default_factory=perf_counter)
    rate_scale: float = 1.0
    rollbacks: list[str] = field(default_factory=list)
    anchor: State | None = None

    def capture(self, history: bool = True) -> State:
        """The whole state; its arrays are the training's own until they are copied.

        history : False leaves the history out, which never changes within an epoch
        """
        arrays = self._arrays()
        values: StateValues = {
            "place": self.place.values(),
            "pace": self.pace.values(),
            "best": self.best.values() if self.best is not None and self.best.epoch else None,
            "images": self.images,
            "train_seconds": self.train_seconds,
            "seconds": perf_counter() - self.began,
            "rate_scale": self.rate_scale,
            "rollbacks": list(self.rollbacks),
        }
        if history:
            values["history"] = copied(self.history)
        if history and self.anchor is not None:
            arrays |= {f"anchor.{name}": array for name, array in self.anchor.arrays.items()}
            values["anchor"] = self.anchor.values
        return State(arrays, values)

    def restore(self, state: State) -> None:
        """Continue from a state of a training with the same settings and images.

        Raises
        ------
        CheckpointError : the state is of another kind of training
        """
        try:
            self._restore(state)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(f"the checkpoint does not fit this training ({error}); begin a new run") from None

    def _arrays(self) -> dict[str, Array]:
        """Each array that a step, or the end of an epoch, changes."""
        arrays = {"parameters": self.engine.parameters, "state": self.engine.state}
        arrays |= {f"slot.{name}": values for name, values in self.slots.items()}
        if self.mean is not None:
            arrays |= dict(zip(("mean.parameters", "mean.state"), self.mean.means, strict=True))
        best = self.best
        if best is not None and best.parameters is not None and best.state is not None:
            arrays |= {"best.parameters": best.parameters, "best.state": best.state}
        return arrays

    def _restore(self, state: State) -> None:
        values, arrays = state.values, dict(state.arrays)
        anchor = {name.removeprefix("anchor."): arrays.pop(name) for name in list(arrays) if name.startswith("anchor.")}
        if "anchor" in values:
            self.anchor = State(anchor, values["anchor"])
        if self.best is not None and values["best"] is not None:
            self.best.restore(values["best"], arrays["best.parameters"], arrays["best.state"])
        own = self._arrays()
        if {name: array.shape for name, array in own.items()} != {name: array.shape for name, array in arrays.items()}:
            raise ValueError(f"expected the arrays {', '.join(own)}, but it holds {', '.join(arrays)}")
        for name, array in own.items():
            array[...] = arrays[name]
        self.engine.load(arrays["parameters"], arrays["state"])
        self.pace.restore(values["pace"])
        self.place = Place(**values["place"])
        self.images, self.train_seconds = int(values["images"]), float(values["train_seconds"])
        self.began = perf_counter() - float(values["seconds"])
        self.rate_scale, self.rollbacks = float(values["rate_scale"]), list(values["rollbacks"])
        if "history" in values:
            self.history = copied(values["history"])
