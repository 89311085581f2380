"""How a network is trained: every number of it, checked when it is made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

from convlet.errors import SettingsError
from convlet.learning.augmentation import parse_augmentation
from convlet.learning.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from convlet.learning.schedules import Constant, Cosine, Linear, OneCycle, Schedule, StepDecay, WarmUp
from convlet.learning.setting_checks import boolean, class_weights, number, one_of, short, whole_number
from convlet.learning.views import parse_views

SCHEDULES = ("constant", "step", "cosine", "linear", "one-cycle")
"""Every schedule by its name."""

MONITORS = ("loss", "error", "balanced-error")
"""What early stopping can watch."""

KEPT = ("last", "best")
"""The epochs whose parameters a training can end with."""

NONFINITE = ("stop", "rollback")
"""What a training that diverges can do."""

WHOLE_NUMBERS = {
    "epochs": (1, 2**32 - 1, False),
    "batch": (1, 2**32 - 1, True),
    "seed": (0, 2**64 - 1, False),
    "threads": (1, 1024, True),
    "shard": (1, 4096, False),
    "step_epochs": (1, 2**32 - 1, False),
    "steps": (1, 2**32 - 1, True),
    "patience": (1, 2**32 - 1, True),
    "perfect_epochs": (0, 2**32 - 1, False),
    "members": (1, 256, False),
}
"""For each setting that counts something: lowest, highest, and whether it may be None."""

NUMBERS = {
    "learning_rate": (0.0, math.inf, False),
    "minutes": (0.0, math.inf, False),
    "warm_up": (0.0, 1.0, True),
    "momentum": (0.0, 1.0, True),
    "beta1": (0.0, 1.0, True),
    "beta2": (0.0, 1.0, True),
    "smoothing": (0.0, 1.0, True),
    "epsilon": (0.0, math.inf, False),
    "weight_decay": (0.0, math.inf, True),
    "step_factor": (0.0, math.inf, False),
    "label_smoothing": (0.0, 1.0, True),
    "clip_norm": (0.0, math.inf, False),
    "ema_decay": (0.0, 1.0, True),
}
"""For each other number: lowest, the number it must stay below, and whether the lowest itself is allowed."""

MAY_BE_NONE = frozenset({"epsilon", "minutes", "warm_up", "clip_norm"})
"""Of those numbers, the ones that may be left open."""


@dataclass(frozen=True)
class Settings:
    """The settings of a training.

    Parameters
    ----------
    epochs : passes over the training images
    batch : images between two updates; None for all of them (full batch)
    optimizer : sgd, adagrad, rmsprop, adam or adamw
    learning_rate : the highest of the schedule
    schedule : constant, step, cosine, linear or one-cycle
    warm_up : the share of the steps over which the learning rate climbs; None for the schedule's own, which is 0.3
        for one-cycle and 0 for the others
    momentum, nesterov : of sgd
    beta1, beta2 : of adam and adamw
    smoothing : of rmsprop, the share of its running mean square that a step keeps
    epsilon : of adagrad, rmsprop, adam and adamw; None for the optimizer's own
    weight_decay : on weights; biases and normalisation are left out
    clip_norm : a gradient longer than this is shortened to it; None for no limit
    label_smoothing : the share of each label that is spread evenly over all classes
    augment : how images are changed each time they are shown, as a word such as "shift2-flip"; "" for not at all. See
        `convlet.learning.augmentation.Augmentation`
    class_weights : how much an image of each class counts: one number for each class, or "balanced" for
        images / (classes * images of the class); None for 1 each
    ema_decay : how much of the running mean of the parameters a step keeps; with 0 there is no mean, else it is
        what validates, predicts and is saved
    patience : epochs without a better validation image score after which training stops; the best epoch's parameters
        are then kept. None to train to the end and keep the last
    perfect_epochs : epochs in a row without a wrong validation image after which training stops, if there are at least
        `stopping.ENOUGH` validation images; 0 to train to the end. Recipes set it
    monitor : what is compared between epochs: validation "loss", "error" or "balanced-error", the mean of the error
        rates of the classes, of equal ones the loss. None for the loss, with class_weights "balanced"
        for the balanced error
    keep : the epoch whose parameters are kept: "last", or "best" by `monitor` if there are validation images. With
        patience it is the best
    steps : updates in all, which may end in the middle of an epoch; None for those of `epochs`. Where it is given,
        `epochs` does not count
    minutes : a time budget in place of `epochs`: the number of steps is chosen so that training, without compiling
        and validation, ends with it. Such a run follows the clock and is not the same twice; `steps` is
    on_nonfinite : what to do where the loss, the gradient or a parameter is no longer finite: "stop", or "rollback"
        to the beginning of the epoch with half the learning rate from there on, at most ten times
    members : networks that are trained one after the other, from independent seeds (`random.derived_seed`), and
        predict together
    views : how images are shown to predict them, as a word such as "shift1-flip"; "" for as they are. See
        `convlet.learning.views.parse_views`
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
    warm_up: float | None = None
    clip_norm: float | None = None
    label_smoothing: float = 0.0
    augment: str = ""
    class_weights: str | tuple[float, ...] | None = None
    ema_decay: float = 0.0
    patience: int | None = None
    perfect_epochs: int = 0
    monitor: str | None = None
    keep: str = "last"
    steps: int | None = None
    minutes: float | None = None
    on_nonfinite: str = "stop"
    members: int = 1
    views: str = ""
    seed: int = 0
    threads: int | None = None
    shard: int = 16

    def __post_init__(self) -> None:
        for name, (low, high, optional) in WHOLE_NUMBERS.items():
            value = getattr(self, name)
            if value is not None or not optional:
                object.__setattr__(self, name, whole_number(name, value, low, high, optional))
        for name, (least, limit, closed) in NUMBERS.items():
            value = getattr(self, name)
            if value is not None or name not in MAY_BE_NONE:
                object.__setattr__(self, name, number(name, value, least, limit, closed))
        object.__setattr__(self, "class_weights", class_weights(self.class_weights))
        parse_augmentation(self.augment)
        parse_views(self.views)
        one_of("optimizer", self.optimizer, tuple(OPTIMIZERS))
        one_of("schedule", self.schedule, SCHEDULES)
        if self.monitor is not None:
            one_of("monitor", self.monitor, MONITORS)
        one_of("keep", self.keep, KEPT)
        one_of("on_nonfinite", self.on_nonfinite, NONFINITE)
        object.__setattr__(self, "nesterov", boolean("nesterov", self.nesterov))
        if self.nesterov and self.optimizer == "sgd" and self.momentum == 0:
            raise SettingsError("nesterov needs a momentum above 0, but got 0; raise momentum or leave it out")

    def as_dict(self) -> dict[str, Any]:
        """Every setting by its name, in values that JSON knows."""
        values = asdict(self)
        if isinstance(self.class_weights, tuple):
            values["class_weights"] = list(self.class_weights)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """The settings that `as_dict` described; those left out are the default. Raises SettingsError."""
        if not isinstance(values, Mapping):
            raise SettingsError(f"settings must be names with their values, but got {short(values)}")
        known = sorted(field.name for field in fields(cls))
        for name in values:
            if name not in known:
                close = get_close_matches(str(name), known, 1, 0.6)
                hint = f"; did you mean '{close[0]}'?" if close else f", expected {', '.join(known)}"
                raise SettingsError(f"unknown setting {short(name)}{hint}")
        return cls(**values)

    def changed(self, **changes: Any) -> Settings:
        """These settings with some of them changed, checked again."""
        return replace(self, **changes)

    @property
    def watched(self) -> str:
        """What is compared between epochs, one of MONITORS."""
        return self.monitor or ("balanced-error" if self.class_weights == "balanced" else "loss")

    def learning(self) -> dict[str, Any]:
        """What an engine must know to train that it need not know to predict."""
        return {"smoothing": self.label_smoothing, "augmentation": parse_augmentation(self.augment)}

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
        if self.schedule == "one-cycle":
            return OneCycle(self.learning_rate, **({} if self.warm_up is None else {"warm_up": self.warm_up}))
        schedules: dict[str, Schedule] = {
            "constant": Constant(self.learning_rate),
            "step": StepDecay(self.learning_rate, self.step_factor, self.step_epochs * steps_per_epoch),
            "cosine": Cosine(self.learning_rate),
            "linear": Linear(self.learning_rate),
        }
        schedule = schedules[self.schedule]
        return WarmUp(schedule, self.warm_up) if self.warm_up else schedule
