"""How a network is trained: every number of it, checked when it is made."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, SupportsFloat, cast

from convlet.errors import SettingsError
from convlet.training.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from convlet.training.schedules import Constant, Cosine, OneCycle, Schedule, StepDecay

SCHEDULES = ("constant", "step", "cosine", "one-cycle")
"""Every schedule by its name."""

WHOLE_NUMBERS = {
    "epochs": (1, 2**32 - 1, False),
    "batch": (1, 2**32 - 1, True),
    "seed": (0, 2**64 - 1, False),
    "threads": (1, 1024, True),
    "shard": (1, 4096, False),
    "step_epochs": (1, 2**32 - 1, False),
}
"""For each setting that counts something: lowest, highest, and whether it may be None."""

NUMBERS = {
    "learning_rate": (0.0, math.inf, False),
    "momentum": (0.0, 1.0, True),
    "beta1": (0.0, 1.0, True),
    "beta2": (0.0, 1.0, True),
    "smoothing": (0.0, 1.0, True),
    "epsilon": (0.0, math.inf, False),
    "weight_decay": (0.0, math.inf, True),
    "step_factor": (0.0, math.inf, False),
}
"""For each other number: lowest, the number it must stay below, and whether the lowest itself is allowed."""


@dataclass(frozen=True)
class Settings:
    """The settings of a training.

    Parameters
    ----------
    epochs : passes over the training images
    batch : images between two updates; None for all of them (full batch)
    optimizer : sgd, adagrad, rmsprop, adam or adamw
    learning_rate : the highest of the schedule
    schedule : constant, step, cosine or one-cycle
    momentum, nesterov : of sgd
    beta1, beta2 : of adam and adamw
    smoothing : of rmsprop, the share of its running mean square that a step keeps
    epsilon : of adagrad, rmsprop, adam and adamw; None for the optimizer's own
    weight_decay : on weights; biases and normalisation are left out
    step_epochs, step_factor : of the step schedule: every so many epochs, times this
    seed : of initial weights, shuffling and dropout, 0 to 2**64 - 1
    threads : how many shards are worked on at once; None for all the machine has. It never changes a result
    shard : images that one thread takes through the network at once; it does change results in the last bits

    Raises
    ------
    SettingsError : a setting outside its range, or an unknown name
    """

    epochs: int = 1
    batch: int | None = 32
    optimizer: str = "adam"
    learning_rate: float = 0.006
    schedule: str = "one-cycle"
    momentum: float = 0.9
    nesterov: bool = False
    beta1: float = 0.9
    beta2: float = 0.999
    smoothing: float = 0.99
    epsilon: float | None = None
    weight_decay: float = 0.0
    step_epochs: int = 10
    step_factor: float = 0.1
    seed: int = 0
    threads: int | None = None
    shard: int = 16

    def __post_init__(self) -> None:
        for name, (low, high, optional) in WHOLE_NUMBERS.items():
            value = getattr(self, name)
            if value is not None or not optional:
                object.__setattr__(self, name, _whole_number(name, value, low, high, optional))
        for name, (least, limit, closed) in NUMBERS.items():
            value = getattr(self, name)
            if value is not None or name != "epsilon":
                object.__setattr__(self, name, _number(name, value, least, limit, closed))
        _known("optimizer", self.optimizer, tuple(OPTIMIZERS))
        _known("schedule", self.schedule, SCHEDULES)
        if not isinstance(self.nesterov, bool):
            raise SettingsError(f"nesterov must be True or False, but got {_short(self.nesterov)}")
        if self.nesterov and self.optimizer == "sgd" and self.momentum == 0:
            raise SettingsError("nesterov needs a momentum above 0, but got 0; raise momentum or leave it out")

    def as_dict(self) -> dict[str, Any]:
        """Every setting by its name, in values that JSON knows."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """The settings that `as_dict` described; those left out are the default. Raises SettingsError."""
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise SettingsError(f"unknown setting {_short(name)}, expected {', '.join(sorted(known))}")
        return cls(**values)

    def changed(self, **changes: Any) -> Settings:
        """These settings with some of them changed, checked again."""
        return replace(self, **changes)

    def make_optimizer(self) -> Optimizer:
        """The optimizer that these settings describe."""
        decay = self.weight_decay
        epsilon = {} if self.epsilon is None else {"epsilon": self.epsilon}
        if self.optimizer == "sgd":
            return SGD(decay, self.momentum, self.nesterov)
        if self.optimizer == "adagrad":
            return Adagrad(decay, **epsilon)
        if self.optimizer == "rmsprop":
            return RMSprop(decay, self.smoothing, **epsilon)
        adam = Adam if self.optimizer == "adam" else AdamW
        return adam(decay, self.beta1, self.beta2, **epsilon)

    def make_schedule(self, steps_per_epoch: int) -> Schedule:
        """The schedule that these settings describe, for epochs of this many steps."""
        if self.schedule == "constant":
            return Constant(self.learning_rate)
        if self.schedule == "step":
            return StepDecay(self.learning_rate, self.step_factor, self.step_epochs * steps_per_epoch)
        if self.schedule == "cosine":
            return Cosine(self.learning_rate)
        return OneCycle(self.learning_rate)


def _whole_number(name: str, value: object, low: int, high: int, optional: bool) -> int:
    """The value as an int from low to high, or SettingsError."""
    try:
        number = low - 1 if isinstance(value, bool) else operator.index(cast(int, value))
    except TypeError:
        number = low - 1
    if low <= number <= high:
        return number
    powers = {2**32 - 1: "2**32 - 1", 2**64 - 1: "2**64 - 1"}
    allowed = f"from {low} to {powers.get(high, high)}{' or None' if optional else ''}"
    raise SettingsError(f"{name} must be a whole number {allowed}, but got {_short(value)}")


def _number(name: str, value: object, least: float, limit: float, closed: bool) -> float:
    """The value as a float above (or from) least and below limit, or SettingsError."""
    try:
        number = math.nan if isinstance(value, (str, bytes, bool)) else float(cast(SupportsFloat, value))
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if least < number < limit or (closed and number == least):
        return number
    allowed = f"from {least:g}" if closed else f"above {least:g}"
    if limit < math.inf:
        allowed += f" to below {limit:g}"
    raise SettingsError(f"{name} must be a finite number {allowed}, but got {_short(value)}")


def _known(name: str, value: object, known: tuple[str, ...]) -> None:
    """Raise SettingsError, with the nearest name, where the value is none of those known."""
    if isinstance(value, str) and value in known:
        return
    close = get_close_matches(value.lower(), known, 1, 0.5) if isinstance(value, str) else []
    hint = f"; did you mean '{close[0]}'?" if close else ""
    listed = f"{', '.join(known[:-1])} or {known[-1]}"
    raise SettingsError(f"unknown {name} {_short(value)}, expected {listed}{hint}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
