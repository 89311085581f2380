"""One training under way: epochs of steps, what they show, and when they end."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from convlet import random
from convlet.errors import TrainingError
from convlet.layers.base import Array
from convlet.training.averaging import RunningMean
from convlet.training.clipping import clip_norm
from convlet.training.engine import Engine
from convlet.training.ensemble import Member
from convlet.training.finite import check_outputs, check_step, check_vectors, finite, layer_of_outputs
from convlet.training.inputs import Labelled
from convlet.training.losses import softmax_cross_entropy
from convlet.training.mapped import pieces
from convlet.training.pace import Pace
from convlet.training.progress import EpochEnd, OnEpoch, OnProgress, Progress
from convlet.training.resume import Keeper, Place, State, capture, restore
from convlet.training.settings import Settings
from convlet.training.snapshot import Snapshot
from convlet.training.starting import Beginning, begin
from convlet.training.stopping import Best, stays_perfect

SECONDS_BETWEEN_REPORTS = 0.1

VALIDATED_BYTES = 4 * 2**20
"""Validation images that go through the network in one call; it bounds the memory, not the result."""

NEVER = 2**32
"""More epochs than there are."""

LOOKED_AT = 64
"""Training images that the network is tried on after each epoch if there are no validation images."""

MOST_ROLLBACKS = 10
"""Halvings of the learning rate, after which a training that still diverges is given up."""

PROBE_SHARE, PROBE_SECONDS = 0.02, 2.0
"""Of a time budget, and at most: what is spent on finding out how long a step takes."""


class Unsound(Exception):
    """The training stands at parameters that are not finite, which no checkpoint may hold."""


@dataclass
class Run:
    """One training under way.

    Parameters
    ----------
    shown, held_out : the training images; the validation images or None
    on_progress : told about ten times a second and after the last step
    on_epoch : told after each epoch; True ends the training
    start : where to go on, or what to begin with; None for a training from its beginning
    keeper : told after each step; it keeps the state, and may have one to go on from
    ended_early : whether on_epoch ended it
    """

    engine: Engine
    settings: Settings
    shown: Labelled
    held_out: Labelled | None
    on_progress: OnProgress | None = None
    on_epoch: OnEpoch | None = None
    start: Snapshot | Beginning | None = None
    keeper: Keeper | None = None
    history: dict[str, list[Any]] = field(default_factory=dict)
    images: int = 0
    train_seconds: float = 0.0
    ended_early: bool = False

    def __post_init__(self) -> None:
        engine, settings, start = self.engine, self.settings, self.start
        self.batch = min(settings.batch or len(self.shown), len(self.shown))
        self.steps_per_epoch = -(-len(self.shown) // self.batch)
        self.schedule = settings.make_schedule(self.steps_per_epoch)
        self.optimizer = settings.make_optimizer()
        self.slots = self.optimizer.new_slots(engine.layout.parameter_count)
        self.first_step = self.first_epoch = 0
        if not isinstance(start, Snapshot):
            begin(engine, settings.seed, start)
        else:
            engine.load(start.parameters, start.state)
            if start.slots.keys() == self.slots.keys():
                self.slots = {name: values.copy() for name, values in start.slots.items()}
                self.first_step = start.step
            self.first_epoch = start.epoch
        self.mean = RunningMean(settings.ema_decay, engine.parameters, engine.state) if settings.ema_decay else None
        keeps_best = bool(settings.patience) or settings.keep == "best"
        self.best = Best(settings.patience or NEVER) if keeps_best and self.held_out else None
        self.pace = Pace(settings.steps or self.steps_per_epoch * settings.epochs)
        # whoever keeps the state keeps the best epoch too, also where it is not what training ends with
        self.watched = self.best or (Best(NEVER) if self.keeper is not None and self.held_out else None)
        self.place, self.rate_scale = Place(), 1.0
        self.rollbacks: list[str] = []
        self.kept_logits: Array | None = None
        self._last_logits: Array | None = None
        self.anchor: State | None = None

    @property
    def epochs(self) -> int:
        """Epochs in all, the last of which may be cut short."""
        return -(-self.pace.steps // self.steps_per_epoch)

    def all_epochs(self) -> None:
        """Every epoch, each with its line of history."""
        state = self.keeper.begin() if self.keeper is not None else None
        self.reported = self.began = perf_counter()
        if state is not None:
            restore(self, state)
        elif self.settings.minutes is not None:
            self.pace = Pace(self._steps_in(60 * self.settings.minutes), 60 * self.settings.minutes)
        while not self.ended:
            if self.settings.on_nonfinite == "rollback" and not self.place.first:
                self.anchor = capture(self, history=False).copy()
            try:
                row = self._epoch_with_validation(self.place.epoch)
            except TrainingError as error:
                self._go_back(error)
                continue
            for name, value in row.items():
                self.history.setdefault(name, []).append(value)
            self.place = Place(self.place.epoch + 1)
            self.ended_early = self.on_epoch is not None and bool(
                self.on_epoch(EpochEnd(row, self.ended, self.vectors))
            )
            if self.keeper is not None:
                self.keeper.after_step(lambda: capture(self), True)
            if self.ended_early:
                break
        if self.keeper is not None:
            self.keeper.end(capture(self))

    @property
    def ended(self) -> bool:
        """Whether there is no epoch left."""
        waited = self.best is not None and self.best.waited_enough
        return self.place.first == 0 and (self.pace.done or waited or self._stays_perfect)

    @property
    def _stays_perfect(self) -> bool:
        errors = self.history.get("validation_error", [])
        return stays_perfect(errors, self.settings.perfect_epochs, len(self.held_out) if self.held_out else 0)

    def _go_back(self, error: TrainingError) -> None:
        """To the beginning of the epoch, with half the learning rate; raises `error` where that is not to be done."""
        if self.anchor is None:
            raise error
        if len(self.rollbacks) == MOST_ROLLBACKS:
            raise TrainingError(f"{error}, after going back {MOST_ROLLBACKS} times with half the learning rate each")
        rollbacks, scale = [*self.rollbacks, str(error)], self.rate_scale / 2
        began = self.began  # the clock of a time budget does not go back
        restore(self, self.anchor)
        self.rollbacks, self.rate_scale, self.began = rollbacks, scale, began

    def vectors(self) -> tuple[Array, Array]:
        """The parameters and the state that a model of this training has now: the mean's where there is one."""
        if self.mean is not None:
            return self.mean.means[0], self.mean.means[1]
        return self.engine.parameters, self.engine.state

    def final(self) -> tuple[Array, Array]:
        """The parameters and the state that training ends with: the best epoch's where that was asked for."""
        if self.best is not None and self.best.parameters is not None and self.best.state is not None:
            return self.best.parameters, self.best.state
        return self.vectors()

    def member(self) -> Member:
        """What this training ends with."""
        parameters, state = self.final()
        best = self.best.epoch if self.best else len(self.history["epoch"])
        return Member(
            *(parameters.copy(), state.copy(), self.history, best, self.pace.step, self.images),
            train_seconds=self.train_seconds,
            rollbacks=self.rollbacks,
            ended_early=self.ended_early,
            snapshot=self.snapshot(),
            validation_logits=self.kept_logits,
        )

    def snapshot(self) -> Snapshot:
        """Where the training stands."""
        engine, slots = self.engine, {name: values.copy() for name, values in self.slots.items()}
        step, epoch = self.first_step + self.pace.step, self.first_epoch + len(self.history["epoch"])
        network = engine.network.token(), engine.input_shape
        return Snapshot(engine.parameters.copy(), engine.state.copy(), slots, step, epoch, network, engine.frozen)

    def _epoch_with_validation(self, epoch: int) -> dict[str, Any]:
        """One epoch and its line of history."""
        self._epoch(epoch)
        place = self.place
        self.train_seconds += place.seconds
        check_vectors(self.engine, self._after(epoch), place.rate)
        validation_loss, validation_error, score = self._validate(epoch, place.rate)
        if self.watched is not None:
            assert score is not None  # there are validation images
            self.watched.see(score, epoch + 1, *self.vectors())
        if self.best is None or self.best.epoch == epoch + 1:
            self.kept_logits = self._last_logits
        return {
            "epoch": epoch + 1,
            "train_loss": place.loss / place.images,
            "train_error": place.wrong / place.images,
            "validation_loss": validation_loss,
            "validation_error": validation_error,
            "learning_rate": place.rate,
            "seconds": place.seconds,
        }

    def _epoch(self, epoch: int) -> None:
        """Every training image once, from where the epoch stands."""
        place, number = self.place, self.first_epoch + epoch
        order = random.permutation(len(self.shown), self.settings.seed, random.SHUFFLE, epoch=number)
        began = perf_counter()
        for first in range(place.first, len(order), self.batch):
            if self.pace.done:
                break
            batch = order[first : first + self.batch]
            rate = self.rate_scale * self.schedule.rate(min(self.pace.place, self.pace.length - 1), self.pace.length)
            loss, missed = self._step(batch, number, first, rate, epoch)
            self.images += len(batch)
            now = perf_counter()
            place.took(len(batch), loss, missed, rate, now - began)
            began = now
            if self.pace.budget is not None:
                self.pace.look(perf_counter() - self.began)
            self._report(epoch, place.loss / place.images)
            if self.keeper is not None:
                with suppress(Unsound):
                    self.keeper.after_step(self._sound, False)
                began = perf_counter()

    def _sound(self) -> State:
        """Where training stands, for a checkpoint.

        Raises
        ------
        Unsound : the last update broke the parameters. They are not saved, and the checkpoint waits: the next step, or
            the end of the epoch, finds the divergence. So whether a checkpoint is due changes neither the model nor
            what is said about it.
        """
        if not (finite(self.engine.parameters) and finite(self.engine.state)):
            raise Unsound
        return capture(self)

    def _step(self, batch: Array, number: int, first: int, rate: float, epoch: int) -> tuple[float, int]:
        """One update: the sum of the batch's losses, and its wrong images."""
        images, labels, numbers, weights = self.shown.batch(batch)
        loss, missed = self.engine.gradients(
            images, labels, numbers, epoch=number, position=first, weights=weights, identities=batch
        )
        where = f"{self._at(epoch)}, step {self.pace.step + 1} of {self.pace.steps}"
        check_step(self.engine, loss, where, rate, images, numbers)
        if self.settings.clip_norm is not None:
            clip_norm(self.engine.gradient, self.settings.clip_norm)
        self.pace.advance()
        step = self.first_step + self.pace.step
        # squares of a large gradient may overflow; the parameters are checked after the epoch
        with np.errstate(all="ignore"):
            self.engine.update(self.optimizer, self.slots, rate, step)
        if self.mean is not None:
            self.mean.follow(self.pace.step, self.engine.parameters, self.engine.state)
            self._keep_fixed(self.mean.means)
        return loss, missed

    def _keep_fixed(self, means: tuple[Array, ...]) -> None:
        """Of what is frozen, the mean has the same bits; minus zero would become zero."""
        engine = self.engine
        for mean, vector, fixed in zip(
            means, (engine.parameters, engine.state), (engine.fixed_parameters, engine.fixed_state), strict=True
        ):
            mean[:fixed] = vector[:fixed]

    def _steps_in(self, budget: float) -> int:
        """How many steps fit into so many seconds, found by taking some that are undone afterwards."""
        engine, slots = self.engine, {name: values.copy() for name, values in self.slots.items()}
        parameters, state = engine.parameters.copy(), engine.state.copy()
        numbers = np.arange(self.batch, dtype=np.int64)
        began, steps, seconds = perf_counter(), 0, 0.0
        while seconds < min(PROBE_SHARE * budget, PROBE_SECONDS) or not steps:
            engine.gradients(*self.shown.batch(numbers)[:3], epoch=0, position=0)
            engine.update(self.optimizer, slots, 0.0, 1)
            steps, seconds = steps + 1, perf_counter() - began
        engine.load(parameters, state)
        return int((budget - seconds) / (seconds / steps))

    def _report(self, epoch: int, loss: float) -> None:
        """Tell `on_progress`, unless it has just been told."""
        now, pace = perf_counter(), self.pace
        if self.on_progress is None:
            return
        if now - self.reported < SECONDS_BETWEEN_REPORTS and not pace.done:
            return
        self.reported = now
        seconds = max(now - self.began, 1e-9)
        left = seconds / pace.step * (pace.steps - pace.step)
        self.on_progress(
            Progress(
                epoch=epoch + 1,
                epochs=self.epochs,
                step=pace.step,
                steps=pace.steps,
                images=self.images,
                loss=loss,
                images_per_second=self.images / seconds,
                seconds=seconds,
                seconds_left=left,
            )
        )

    def _at(self, epoch: int) -> str:
        return f"epoch {epoch + 1} of {self.epochs}"

    def _after(self, epoch: int) -> str:
        """The epoch and the step that was done last, for people."""
        return f"{self._at(epoch)}, step {self.pace.step} of {self.pace.steps}"

    def _validate(self, epoch: int, rate: float) -> tuple[float | None, float | None, float | None]:
        """Mean loss and error rate of the validation images, and the score epochs are compared by; None without any.

        Without any, the network is tried on a few training images: nothing else would see what its last update did.
        """
        tried = self.held_out or self._first_images()
        name = "validation loss" if self.held_out else f"loss of the first {len(tried)} training images"
        logits = self._logits(tried.images)
        loss, error = validate(logits, tried)
        check_outputs(
            *(logits, loss, name, self._after(epoch), rate),
            lambda: layer_of_outputs(self.engine, self.vectors(), tried.images, logits),
        )
        if self.held_out is None:
            return None, None, None
        self._last_logits = logits
        return loss, error, score_of(self.settings.watched, logits, self.held_out, loss)

    def _first_images(self) -> Labelled:
        """The first training images, at most `LOOKED_AT`."""
        some = np.arange(min(len(self.shown), LOOKED_AT), dtype=np.int64)
        images, labels, numbers, _ = self.shown.batch(some)
        return Labelled(images[numbers], labels[numbers])

    def _logits(self, images: Array) -> Array:
        """What the parameters of `vectors` say about images."""
        parts = pieces(images, VALIDATED_BYTES)
        if self.mean is None:
            return np.concatenate([self.engine.logits(part) for part in parts])
        parameters, state = self.engine.parameters.copy(), self.engine.state.copy()
        self.engine.load(*self.mean.means)
        logits = np.concatenate([self.engine.logits(part) for part in parts])
        self.engine.load(parameters, state)
        return logits


def validate(logits: Array, held_out: Labelled) -> tuple[float, float]:
    """Mean loss, weighted where the images are, and error rate of logits (n, K)."""
    with np.errstate(all="ignore"):
        losses, _ = softmax_cross_entropy(logits, held_out.labels, held_out.weights)
        loss = float(losses.mean(dtype=np.float64))
    return loss, float(np.mean(logits.argmax(axis=1) != held_out.labels))


TIE = 1e-9
"""Weight of the loss beside the balanced error: of epochs with the same one, the lower loss wins."""


def score_of(watched: str, logits: Array, held_out: Labelled, loss: float) -> float:
    """What epochs are compared by, lower is better; see `Settings.monitor`.

    balanced error = mean over the classes of (wrong / images of the class);   its score = balanced error + TIE * loss
    """
    if watched == "loss":
        return loss
    wrong = (logits.argmax(axis=1) != held_out.labels).astype(np.float64)
    if watched == "error":
        return float(wrong.mean())
    images = np.bincount(held_out.labels, minlength=logits.shape[1])
    of_class = np.bincount(held_out.labels, wrong, minlength=logits.shape[1])
    return float((of_class[images > 0] / images[images > 0]).mean()) + TIE * min(loss, 1e3)
