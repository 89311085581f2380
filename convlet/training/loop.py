"""Training: from a network, images and settings to a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convlet.data.inputs import Labelled, LabelledImages
from convlet.data.mapped import pieces
from convlet.engine.choice import Training, compile_ahead, make_engine
from convlet.errors import PredictionError
from convlet.layers.base import Array
from convlet.layers.sequential import Sequential
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.likeness import TrainingImages
from convlet.model.model import Model
from convlet.records.training import History, joined
from convlet.report.notebook.history import history_table
from convlet.training.door import admit
from convlet.training.ensemble import train_members
from convlet.training.member import Member
from convlet.training.progress import OnEpoch, OnProgress, of_member
from convlet.training.run import Run
from convlet.training.snapshot import Snapshot
from convlet.training.state import Keeper
from convlet.training.validation import VALIDATED_BYTES, validate


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What a training gives.

    history has one list per name, with one entry per epoch: epoch (from 1), train_loss and train_error (while
    training, so with dropout), validation_loss and validation_error (None without validation images),
    learning_rate (of the epoch's last step) and seconds (of its steps). Errors are error rates.
    train_seconds are the seconds of all steps, without compiling and without validation.
    best_epoch is the epoch (from 1) whose parameters the model has: the last, or the best where `patience` is set.
    validation_loss and validation_error are those of the model as it predicts, with all its members and views; None
    without validation images.
    snapshot is where the training ended, for a training that goes on; None where a result was made of figures.
    rollbacks says, for each time training went back and halved the learning rate, why.

    Of several members, history has the epochs of one after the other, and a column `member` (from 1); best_epoch and
    snapshot are the last one's.
    """

    model: Model
    history: History
    train_seconds: float
    images_per_second: float
    best_epoch: int
    validation_loss: float | None = None
    validation_error: float | None = None
    snapshot: Snapshot | None = None
    rollbacks: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """The epochs and the model, for notebooks."""
        said = f"{self.train_seconds:.1f} s of training, {self.images_per_second:,.0f} images/s"
        return f"<p>{said}</p>{history_table(self.history)}{self.model._repr_html_()}"


def train(
    network: Sequential,
    train: LabelledImages,
    validation: LabelledImages | None = None,
    *,
    classes: tuple[str, ...],
    settings: Settings,
    preprocessing: Preprocessing | None = None,
    weights: Any = None,
    start: Snapshot | Model | None = None,
    freeze: bool = False,
    on_progress: OnProgress | None = None,
    on_epoch: OnEpoch | None = None,
    keeper: Keeper | None = None,
) -> TrainingResult:
    """Train a network; the same arguments give the same parameters to the last bit.

    Parameters
    ----------
    network : with its head, so that it puts out one number per class
    train : the training images and labels
    validation : images and labels to measure each epoch with; None or empty for none. Where it has `weights` (n,),
        or the settings have class weights, the validation loss is the weighted mean
    classes : the name of each class, in the order of the labels
    settings : how to train
    preprocessing : None for that of the model to start from, else for one computed from the training images
    weights : (n,) numbers from 0, how much each training image counts; None for 1 each. Only their proportions
        matter, and an image with the weight 0 is left out
    start : a model whose filters training begins with, or the snapshot of an earlier training of the same network, to
        go on from there; None to begin anew. Of a model, the layers with parameters are taken from the front while
        their tokens and shapes are the network's; the last layer only if the classes are the same in the same order.
        The optimizer begins anew. Of a model with several members the first is taken, by every member that is trained
    freeze : whether what was taken from a model stays as it is, bit by bit. Its batch normalisation then uses the
        model's running statistics. The last layer always learns
    on_progress : called in this thread, at most about ten times a second and after the last step
    on_epoch : called in this thread after each epoch; where it returns True, training ends
    keeper : keeps where training stands after each step, and may have a state to go on from

    Raises
    ------
    DataError : images or labels that cannot be used, or that do not suit the model to start from
    ArchitectureError : a network that does not fit the images, the classes, the memory or the model to start from
    SettingsError : several members that should go on from one snapshot, a start that is none, or nothing to freeze
    CheckpointError : a snapshot of another network
    TrainingError : the loss, the gradient or the parameters are no longer finite
    """
    given = {"preprocessing": preprocessing, "weights": weights, "start": start, "freeze": freeze}
    admitted = admit(network, train, validation, classes=classes, settings=settings, **given)
    network, shape, threads = admitted.network, admitted.shape, admitted.threads
    shown, held_out, preprocessing = admitted.shown, admitted.held_out, admitted.preprocessing
    learning = settings.learning() | {"frozen": admitted.frozen}
    begin = start if isinstance(start, Snapshot) else admitted.beginning
    compile_ahead([Training(network, shown.images, settings.make_optimizer(), settings.shard, learning)], threads)

    def one(own: Settings, number: int, kept: Keeper | None) -> Member:
        engine = make_engine(network, shape, preprocessing, shard=own.shard, threads=threads, seed=own.seed, **learning)
        try:
            watch = of_member(number, settings.members, on_progress, on_epoch)
            run = Run(engine, own, shown, held_out, *watch, begin, kept)
            run.all_epochs()
            return run.member()
        finally:
            engine.close()

    members = train_members(settings, one, keeper)
    if settings.minutes is not None:  # what can be repeated is the number of steps
        settings = settings.changed(minutes=None, steps=members[0].steps)
    settings = settings.changed(members=len(members))
    parameters, state = (np.concatenate([getattr(one, name) for one in members]) for name in ("parameters", "state"))
    model = Model(admitted.word, shape, admitted.classes, preprocessing, parameters, state, settings.as_dict())
    logits = _validation_logits(model, members, held_out, threads)
    # measured after training, so that no weight depends on it
    like = TrainingImages.of(shown.images, shown.file.read if shown.file is not None else None)
    if held_out is not None and logits is not None:
        like = like.with_scores(logits, held_out.labels)
    return _result(replace(model, training_images=like), members, held_out, logits)


def _validation_logits(model: Model, members: list[Member], held_out: Labelled | None, threads: int) -> Array | None:
    """What the model puts out for the validation images; None without any."""
    if held_out is None:
        return None
    kept = members[-1].validation_logits
    if kept is not None and len(members) == 1 and not model.settings["views"]:
        return kept  # the same bits, found while training
    parts, done = [], 0
    for part in pieces(held_out.images, VALIDATED_BYTES):
        try:
            parts.append(model.logits(part, threads))
        except PredictionError as error:
            raise error.of(f"validation image {done + error.number}", done + error.number) from None
        done += len(part)
    return np.concatenate(parts)


def _result(model: Model, members: list[Member], held_out: Labelled | None, logits: Array | None) -> TrainingResult:
    last, history = members[-1], joined([one.history for one in members])
    place = last.best_epoch - 1
    loss, error = last.history["validation_loss"][place], last.history["validation_error"][place]
    if held_out is not None and logits is not None and (model.members > 1 or model.settings["views"]):
        loss, error = validate(logits, held_out)
    seconds = sum(one.train_seconds for one in members)
    rate = sum(one.images for one in members) / seconds if seconds else 0.0
    rollbacks = tuple(reason for one in members for reason in one.rollbacks)
    return TrainingResult(model, history, seconds, rate, last.best_epoch, loss, error, last.snapshot, rollbacks)
