"""The training loop: epochs of steps, what they show, and when to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from convlet import random
from convlet.architecture import format_word, with_head, without_head
from convlet.errors import DataError
from convlet.layers.sequential import Sequential
from convlet.training.backend import compile_ahead, make_engine
from convlet.training.engine import Engine
from convlet.training.finite import check_step, check_validation, check_vectors
from convlet.training.inputs import Labelled, LabelledImages
from convlet.training.losses import softmax_cross_entropy
from convlet.training.model import Model
from convlet.training.preprocessing import Preprocessing
from convlet.training.settings import Settings
from convlet.training.threads import available_threads

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


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What a training gives.

    history has one list per name, with one entry per epoch: epoch (from 1), train_loss and train_error (while
    training, so with dropout), validation_loss and validation_error (None without validation images),
    learning_rate (of the epoch's last step) and seconds (of its steps). Errors are error rates.
    train_seconds are the seconds of all steps, without compiling and without validation.
    """

    model: Model
    history: dict[str, list[Any]]
    train_seconds: float
    images_per_second: float


def train(
    network: Sequential,
    train: LabelledImages,
    validation: LabelledImages | None = None,
    *,
    classes: tuple[str, ...],
    settings: Settings,
    preprocessing: Preprocessing | None = None,
    on_progress: OnProgress | None = None,
) -> TrainingResult:
    """Train a network; the same arguments give the same parameters to the last bit.

    Parameters
    ----------
    network : with its head, so that it puts out one number per class
    train : the training images and labels
    validation : images and labels to measure each epoch with; None or empty for none
    classes : the name of each class, in the order of the labels
    settings : how to train
    preprocessing : None for one computed from the training images
    on_progress : called in this thread, at most about ten times a second and after the last step

    Raises
    ------
    DataError : images or labels that cannot be used
    ArchitectureError : a network that does not fit the images or the classes
    TrainingError : the loss, the gradient or the parameters are no longer finite
    """
    if len(classes) < 2:
        raise DataError(f"training needs at least 2 classes, but got {len(classes)}")
    body = without_head(network)
    shown = Labelled.of(train, "training", len(classes), None)
    shape = shown.images.shape[1:]
    if network.output_shape(shape) != (len(classes),):
        raise DataError(
            f"the network puts out {network.output_shape(shape)[-1]} numbers, but there are {len(classes)} "
            f"classes; end it with Dense({len(classes)})"
        )
    if len(shown) == 0:
        raise DataError("training needs at least one image, but got none")
    held_out = None if validation is None else Labelled.of(validation, "validation", len(classes), shape)
    preprocessing = preprocessing or Preprocessing.from_images(shown.images)
    # the same network as the one that the model's word describes, so that a saved model is this one
    network = with_head(body, len(classes))
    word = format_word(body)
    compile_ahead(network, shape, preprocessing, shown.images, settings.make_optimizer(), settings.shard)
    engine = make_engine(
        network,
        shape,
        preprocessing,
        shard=settings.shard,
        threads=settings.threads or available_threads(),
        seed=settings.seed,
    )
    try:
        run = _Run(engine, settings, shown, held_out if held_out else None, on_progress)
        run.all_epochs()
        model = Model(word, shape, classes, preprocessing, engine.parameters, engine.state, settings.as_dict())
    finally:
        engine.close()
    rate = run.images / run.train_seconds if run.train_seconds else 0.0
    return TrainingResult(model, run.history, run.train_seconds, rate)


@dataclass
class _Run:
    """One training under way."""

    engine: Engine
    settings: Settings
    shown: Labelled
    held_out: Labelled | None
    on_progress: OnProgress | None
    history: dict[str, list[Any]] = field(default_factory=dict)
    step: int = 0
    images: int = 0
    train_seconds: float = 0.0

    def __post_init__(self) -> None:
        engine, settings = self.engine, self.settings
        self.batch = min(settings.batch or len(self.shown), len(self.shown))
        steps_per_epoch = -(-len(self.shown) // self.batch)
        self.steps = steps_per_epoch * settings.epochs
        self.schedule = settings.make_schedule(steps_per_epoch)
        self.optimizer = settings.make_optimizer()
        self.slots = self.optimizer.new_slots(engine.layout.parameter_count)
        engine.parameters[:] = engine.layout.initial_parameters(engine.network, engine.input_shape, settings.seed)
        self.reported = self.began = perf_counter()

    def all_epochs(self) -> None:
        """Every epoch, each with its line of history."""
        self.reported = self.began = perf_counter()
        for epoch in range(self.settings.epochs):
            began = perf_counter()
            loss, wrong, rate = self._epoch(epoch)
            seconds = perf_counter() - began
            self.train_seconds += seconds
            check_vectors(self.engine, self._at(epoch), rate)
            validation_loss, validation_error = self._validate(epoch, rate)
            row = {
                "epoch": epoch + 1,
                "train_loss": loss / len(self.shown),
                "train_error": wrong / len(self.shown),
                "validation_loss": validation_loss,
                "validation_error": validation_error,
                "learning_rate": rate,
                "seconds": seconds,
            }
            for name, value in row.items():
                self.history.setdefault(name, []).append(value)

    def _epoch(self, epoch: int) -> tuple[float, int, float]:
        """Every training image once: the sum of the losses, the wrong images, the last learning rate."""
        order = random.permutation(len(self.shown), self.settings.seed, random.SHUFFLE, epoch=epoch)
        total, wrong, rate = 0.0, 0, 0.0
        for first in range(0, len(order), self.batch):
            batch = order[first : first + self.batch]
            rate = self.schedule.rate(self.step, self.steps)
            loss, missed = self.engine.gradients(
                self.shown.images, self.shown.labels, batch, epoch=epoch, position=first
            )
            check_step(self.engine, loss, f"{self._at(epoch)}, step {self.step + 1} of {self.steps}", rate)
            self.step += 1
            # squares of a large gradient may overflow; the parameters are checked after the epoch
            with np.errstate(all="ignore"):
                self.engine.update(self.optimizer, self.slots, rate, self.step)
            self.images += len(batch)
            total += loss
            wrong += missed
            self._report(epoch, total / (first + len(batch)))
        return total, wrong, rate

    def _report(self, epoch: int, loss: float) -> None:
        """Tell `on_progress`, unless it has just been told."""
        now = perf_counter()
        if self.on_progress is None:
            return
        if now - self.reported < SECONDS_BETWEEN_REPORTS and self.step < self.steps:
            return
        self.reported = now
        seconds = max(now - self.began, 1e-9)
        left = seconds / self.step * (self.steps - self.step)
        self.on_progress(
            Progress(
                epoch=epoch + 1,
                epochs=self.settings.epochs,
                step=self.step,
                steps=self.steps,
                images=self.images,
                loss=loss,
                images_per_second=self.images / seconds,
                seconds=seconds,
                seconds_left=left,
            )
        )

    def _at(self, epoch: int) -> str:
        return f"epoch {epoch + 1} of {self.settings.epochs}"

    def _validate(self, epoch: int, rate: float) -> tuple[float | None, float | None]:
        """Mean loss and error rate of the validation images; None without any."""
        if self.held_out is None:
            return None, None
        logits = self.engine.logits(self.held_out.images)
        with np.errstate(all="ignore"):
            losses, _ = softmax_cross_entropy(logits, self.held_out.labels)
            loss = float(losses.mean(dtype=np.float64))
        check_validation(loss, self._at(epoch), rate)
        return loss, float(np.mean(logits.argmax(axis=1) != self.held_out.labels))
