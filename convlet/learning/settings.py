"""Settings: how a network is trained, checked by the table of settings when they are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

from convlet.errors import SettingsError
from convlet.learning.augmentation import parse_augmentation
from convlet.learning.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from convlet.learning.schedules import Constant, Cosine, Linear, OneCycle, Schedule, StepDecay, WarmUp
from convlet.learning.setting_checks import short
from convlet.learning.setting_table import TABLE


@dataclass(frozen=True)
class Settings:
    """The settings of a training.

    The parameters below are written from `setting_table` by `python -m tests.setting_texts`.

    Parameters
    ----------
    epochs : Number of epochs. Whole number from 1 to 2**32 - 1.
    steps : Number of updates, instead of a number of epochs. Whole number from 1 to 2**32 - 1, or None (set by the
        number of epochs). Training may then end in the middle of an epoch.
    minutes : Training time in minutes, instead of a number of epochs. Number above 0, or None (no time budget).
        Compiling and validation are not counted. The number of steps follows the clock, so two runs differ; give steps
        to repeat a run.
    batch : Batch size. Whole number from 1 to 2**32 - 1, or None (full batch; `--batch all`).
    optimizer : Optimizer that updates the parameters. One of sgd, adagrad, rmsprop, adam or adamw.
    learning_rate : Peak learning rate. Number above 0.
    momentum : Momentum of sgd. Number from 0 to below 1.
    nesterov : Use Nesterov momentum in sgd. True or False.
    beta1 : Decay rate of the mean gradient (first moment) in adam and adamw. Number from 0 to below 1.
    beta2 : Decay rate of the mean squared gradient (second moment) in adam and adamw. Number from 0 to below 1.
    smoothing : Decay rate of the mean squared gradient in rmsprop. Number from 0 to below 1.
    epsilon : Constant added to the denominator of the update in adagrad, rmsprop, adam and adamw. Number above 0, or
        None (0.001 in adagrad, 1e-08 in the others).
    schedule : Learning rate schedule. One of constant, step, cosine, linear or one-cycle.
    warm_up : Fraction of the steps over which the learning rate rises to its peak. Number from 0 to below 1, or None
        (0.3 in one-cycle, 0 in the other schedules).
    step_epochs : Number of epochs between two drops of the step schedule. Whole number from 1 to 2**32 - 1.
    step_factor : Factor by which each drop of the step schedule multiplies the rate. Number above 0.
    weight_decay : Weight decay; decoupled in adamw, an L2 penalty in the other optimizers. Number from 0. Biases and
        normalisation parameters are not decayed.
    clip_norm : Clip the gradient norm to this value. Number above 0, or None (no clipping).
    label_smoothing : Fraction of each label that is spread evenly over all classes. Number from 0 to below 1.
    class_weights : Weight of each class in the loss. "balanced", or one number from 0 for each class, or None (1 for
        each class). Balanced weights are images / (classes * images of the class).
    ema_decay : Decay rate of an exponential moving average of the parameters, as in 0.99. Number from 0 to below 1. If
        it is above 0, the average is what is validated, predicts and is saved.
    augment : Random changes of the training images, as in shift2-flip-rotate10. Tokens such as "shift2-flip", or ""
        (none). See `convlet.learning.augmentation.Augmentation`.
    views : Test-time augmentation: average the predictions of shifted or mirrored images, as in shift1-flip. Tokens
        such as "shift1-flip", or "" (none). See `convlet.learning.views.parse_views`.
    patience : Stop after this many epochs without a better validation score, and keep the best epoch. Whole number from
        1 to 2**32 - 1, or None (no early stopping).
    perfect_epochs : Stop after this many epochs in a row without a wrong validation image; 0 for never. Whole number
        from 0 to 2**32 - 1. It needs at least 50 validation images. Recipes set it.
    monitor : Validation score that compares epochs. One of loss, error or balanced-error, or None (loss; balanced-error
        with balanced class weights). The balanced error is the mean of the error rates of the classes; ties are decided
        by the loss.
    keep : Epoch whose parameters are kept. One of last or best. With patience it is always the best one; without
        validation images, the last.
    on_nonfinite : What to do if training diverges; rollback repeats the epoch with half the learning rate. One of stop
        or rollback. Training goes back at most ten times.
    members : Ensemble size: number of networks that predict together. Whole number from 1 to 256. They are trained one
        after the other, from independent seeds.
    seed : Seed of initial weights, shuffling, augmentation and dropout. Whole number from 0 to 2**64 - 1.
    threads : Number of threads; it never changes a result. Whole number from 1 to 1024, or None (all available
        processors).
    shard : Number of images that a thread processes at once. Whole number from 1 to 4096. It changes the last bits of a
        result.

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
        for setting in TABLE:
            object.__setattr__(self, setting.name, setting.check(getattr(self, setting.name)))
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
        """What is compared between epochs, one of `setting_table.MONITORS`."""
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
