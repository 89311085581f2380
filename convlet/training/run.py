"""One training under way: epochs of steps, what they show, and when they end."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from convlet import random
from convlet.data.inputs import Labelled
from convlet.engine.engine import Engine
from convlet.errors import TrainingError
from convlet.layers.base import Array
from convlet.learning.averaging import RunningMean
from convlet.learning.clipping import clip_norm
from convlet.learning.settings import Settings
from convlet.model.finite import check_outputs, check_step, check_vectors, finite, layer_of_outputs
from convlet.records.training import EpochRow, add_epoch
from convlet.training.member import Member
from convlet.training.pace import Pace, steps_within
from convlet.training.progress import EpochEnd, OnEpoch, OnProgress, Reporter
from convlet.training.snapshot import Snapshot
from convlet.training.standing import Place, Standing
from convlet.training.starting import Beginning, begin
from convlet.training.state import Keeper, State, Unsound
from convlet.training.stopping import Best, stays_perfect
from convlet.training.validation import first_images, logits_of, score_of, validate

NEVER = 2**32
"""More epochs than there are."""

MOST_ROLLBACKS = 10
"""Halvings of the learning rate, after which a training that still diverges is given up."""


@dataclass
class Run:
    """One training under way. All that a step changes is in `standing`.

    Parameters
    ----------
    shown, held_out : the training images; the validation images or None
    on_progress : told about ten times a second and after the last step
    on_epoch : told after each epoch; True ends the training
    start : where to continue, or what to begin with; None for a training from its beginning
    keeper : told after each step; it keeps the state, and may have one to resume from
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
    ended_early: bool = False
    standing: Standing = field(init=False)

    def __post_init__(self) -> None:
        engine, settings, start = self.engine, self.settings, self.start
        self.batch = min(settings.batch or len(self.shown), len(self.shown))
        self.steps_per_epoch = -(-len(self.shown) // self.batch)
        self.schedule = settings.make_schedule(self.steps_per_epoch)
        self.optimizer = settings.make_optimizer()
        slots = self.optimizer.new_slots(engine.layout.parameter_count)
        self.first_step = self.first_epoch = 0
        if isinstance(start, Snapshot):
            engine.load(start.parameters, start.state)
            if start.slots.keys() == slots.keys():
                slots = {name: values.copy() for name, values in start.slots.items()}
                self.first_step = start.step
            self.first_epoch = start.epoch
        else:
            begin(engine, settings.seed, start)
        mean = RunningMean(settings.ema_decay, engine.parameters, engine.state) if settings.ema_decay else None
        self.keeps_best = bool(self.held_out) and (bool(settings.patience) or settings.keep == "best")
        # whoever keeps the state keeps the best epoch too, even if training does not end with it
        watched = self.keeps_best or (self.keeper is not None and bool(self.held_out))
        best = Best((settings.patience if self.keeps_best else None) or NEVER) if watched else None
        pace = Pace(settings.steps or self.steps_per_epoch * settings.epochs)
        self.standing = Standing(engine, slots, pace, mean, best)
        self.kept_logits: Array | None = None
        self._last_logits: Array | None = None

    @property
    def epochs(self) -> int:
        """Epochs in all, the last of which may be cut short."""
        return -(-self.standing.pace.steps // self.steps_per_epoch)

    def all_epochs(self) -> None:
        """Every epoch, each with its line of history."""
        now = self.standing
        state = self.keeper.begin() if self.keeper is not None else None
        now.began = perf_counter()
        self.reporter = Reporter(self.on_progress, now.began)
        if state is not None:
            now.restore(state)
        elif self.settings.minutes is not None:
            budget = 60 * self.settings.minutes
            steps = steps_within(budget, self.engine, self.optimizer, now.slots, self.shown, self.batch)
            now.pace = Pace(steps, budget)
        while not self.ended:
            if self.settings.on_nonfinite == "rollback" and not now.place.first:
                now.anchor = now.capture(history=False).copy()
            try:
                row = self._epoch_with_validation(now.place.epoch)
            except TrainingError as error:
                self._go_back(error)
                continue
            add_epoch(now.history, row)
            now.place = Place(now.place.epoch + 1)
            told = EpochEnd(row, self.ended, self.vectors)
            self.ended_early = self.on_epoch is not None and bool(self.on_epoch(told))
            if self.keeper is not None:
                self.keeper.after_step(now.capture, True)
            if self.ended_early:
                break
        if self.keeper is not None:
            self.keeper.end(now.capture())

    @property
    def ended(self) -> bool:
        """Whether there is no epoch left."""
        now = self.standing
        waited = self.keeps_best and now.best is not None and now.best.waited_enough
        return now.place.first == 0 and (now.pace.done or waited or self._stays_perfect)

    @property
    def _stays_perfect(self) -> bool:
        errors = self.standing.history.get("validation_error", [])
        return stays_perfect(errors, self.settings.perfect_epochs, len(self.held_out) if self.held_out else 0)

    def _go_back(self, error: TrainingError) -> None:
        """To the beginning of the epoch, with half the learning rate; raises `error` if that is not allowed."""
        now = self.standing
        if now.anchor is None:
            raise error
        if len(now.rollbacks) == MOST_ROLLBACKS:
            raise TrainingError(f"{error}, after going back {MOST_ROLLBACKS} times with half the learning rate each")
        rollbacks, scale = [*now.rollbacks, str(error)], now.rate_scale / 2
        began = now.began  # the clock of a time budget does not go back
        now.restore(now.anchor)
        now.rollbacks, now.rate_scale, now.began = rollbacks, scale, began

    def vectors(self) -> tuple[Array, Array]:
        """The parameters and the state that a model would have now: the running mean's if there is one."""
        if self.standing.mean is not None:
            return self.standing.mean.means[0], self.standing.mean.means[1]
        return self.engine.parameters, self.engine.state

    def member(self) -> Member:
        """What this training ends with: the best epoch if that was asked for, else the last."""
        now, best = self.standing, self.standing.best
        (parameters, state), epoch = self.vectors(), len(now.history["epoch"])
        if self.keeps_best and best is not None and best.parameters is not None and best.state is not None:
            parameters, state = best.parameters, best.state
        if self.keeps_best and best is not None:
            epoch = best.epoch
        return Member(
            *(parameters.copy(), state.copy(), now.history, epoch, now.pace.step, now.images),
            train_seconds=now.train_seconds,
            rollbacks=now.rollbacks,
            ended_early=self.ended_early,
            snapshot=self.snapshot(),
            validation_logits=self.kept_logits,
        )

    def snapshot(self) -> Snapshot:
        """A point from which another training can continue."""
        engine, now = self.engine, self.standing
        slots = {name: values.copy() for name, values in now.slots.items()}
        step, epoch = self.first_step + now.pace.step, self.first_epoch + len(now.history["epoch"])
        network = engine.network.token(), engine.input_shape
        return Snapshot(engine.parameters.copy(), engine.state.copy(), slots, step, epoch, network, engine.frozen)

    def _epoch_with_validation(self, epoch: int) -> EpochRow:
        """One epoch and its line of history."""
        self._epoch(epoch)
        now, place = self.standing, self.standing.place
        now.train_seconds += place.seconds
        check_vectors(self.engine, self._after(epoch), place.rate)
        validation_loss, validation_error, score = self._validate(epoch, place.rate)
        if now.best is not None:
            assert score is not None  # there are validation images
            now.best.see(score, epoch + 1, *self.vectors())
        if not self.keeps_best or (now.best is not None and now.best.epoch == epoch + 1):
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
        """Every training image once, from the position in the epoch on."""
        now, pace = self.standing, self.standing.pace
        place, number = now.place, self.first_epoch + epoch
        order = random.permutation(len(self.shown), self.settings.seed, random.SHUFFLE, epoch=number)
        began = perf_counter()
        for first in range(place.first, len(order), self.batch):
            if pace.done:
                break
            batch = order[first : first + self.batch]
            rate = now.rate_scale * self.schedule.rate(min(pace.place, pace.length - 1), pace.length)
            loss, missed = self._step(batch, number, first, rate, epoch)
            now.images += len(batch)
            ended = perf_counter()
            place.took(len(batch), loss, missed, rate, ended - began)
            began = ended
            if pace.budget is not None:
                pace.look(perf_counter() - now.began)
            self.reporter.tell(now, epoch, self.epochs)
            if self.keeper is not None:
                with suppress(Unsound):
                    self.keeper.after_step(self._sound, False)
                began = perf_counter()

    def _sound(self) -> State:
        """The state, for a checkpoint.

        Raises
        ------
        Unsound : the last update broke the parameters. They are not saved, and the checkpoint waits: the next step, or
            the end of the epoch, finds the divergence. So whether a checkpoint is due changes neither the model nor
            what is said about it.
        """
        if not (finite(self.engine.parameters) and finite(self.engine.state)):
            raise Unsound
        return self.standing.capture()

    def _step(self, batch: Array, number: int, first: int, rate: float, epoch: int) -> tuple[float, int]:
        """One update: the sum of the batch's losses, and its wrong images."""
        engine, now = self.engine, self.standing
        images, labels, numbers, weights = self.shown.batch(batch)
        loss, missed = engine.gradients(
            images, labels, numbers, epoch=number, position=first, weights=weights, identities=batch
        )
        where = f"{self._at(epoch)}, step {now.pace.step + 1} of {now.pace.steps}"
        check_step(engine, loss, where, rate, images, numbers)
        if self.settings.clip_norm is not None:
            clip_norm(engine.gradient, self.settings.clip_norm)
        now.pace.advance()
        # squares of a large gradient may overflow; the parameters are checked after the epoch
        with np.errstate(all="ignore"):
            engine.update(self.optimizer, now.slots, rate, self.first_step + now.pace.step)
        if now.mean is not None:
            now.mean.follow(now.pace.step, engine.parameters, engine.state)
            self._keep_fixed(now.mean.means)
        return loss, missed

    def _keep_fixed(self, means: tuple[Array, ...]) -> None:
        """Of what is frozen, the mean has the same bits; minus zero would become zero."""
        engine = self.engine
        for mean, vector, fixed in zip(
            means, (engine.parameters, engine.state), (engine.fixed_parameters, engine.fixed_state), strict=True
        ):
            mean[:fixed] = vector[:fixed]

    def _at(self, epoch: int) -> str:
        return f"epoch {epoch + 1} of {self.epochs}"

    def _after(self, epoch: int) -> str:
        """The epoch and the step that was done last, for people."""
        return f"{self._at(epoch)}, step {self.standing.pace.step} of {self.standing.pace.steps}"

    def _validate(self, epoch: int, rate: float) -> tuple[float | None, float | None, float | None]:
        """Mean loss and error rate of the validation images, and the score epochs are compared by; None without any.

        Without any, the network is tried on a few training images: nothing else would see what its last update did.
        """
        tried = self.held_out or first_images(self.shown)
        name = "validation loss" if self.held_out else f"loss of the first {len(tried)} training images"
        logits = logits_of(self.engine, self.standing.mean, tried.images)
        loss, error = validate(logits, tried)
        check_outputs(
            *(logits, loss, name, self._after(epoch), rate),
            lambda: layer_of_outputs(self.engine, self.vectors(), tried.images, logits),
        )
        if self.held_out is None:
            return None, None, None
        self._last_logits = logits
        return loss, error, score_of(self.settings.watched, logits, self.held_out, loss)
