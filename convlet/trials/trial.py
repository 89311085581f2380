"""One training of a comparison: refused if it cannot be, trained, measured, and merged with its repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from statistics import fmean, median, stdev
from time import perf_counter

import numpy as np

from convlet.data.dataset import Array, Dataset
from convlet.data.inputs import Labelled
from convlet.engine.choice import Training, compile_ahead, make_engine
from convlet.errors import DataError, TrainingError, images_called
from convlet.evaluation.figures import confusion_matrix, wilson_interval
from convlet.evaluation.headline import headline
from convlet.evaluation.mistakes import SHOWN, mistakes
from convlet.learning.losses import softmax
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.network.word import parse, with_head
from convlet.records.comparison import MergedFigures
from convlet.records.evaluation import Copies
from convlet.records.training import TrainingFigures
from convlet.runs.folder import Part
from convlet.system.threads import available_threads
from convlet.training.door import admit
from convlet.training.loop import TrainingResult, train
from convlet.training.progress import Progress
from convlet.training.stopping import stopped_perfect

TIMED_STEPS = 3
"""Steps that `expected_seconds` takes the middle one of."""


def check_fits(word: str, settings: Settings, data: Dataset, start: Model | None = None, freeze: bool = False) -> None:
    """Refuse what could not be trained or measured, before anything is written; see `convlet.training.door.admit`.

    Raises
    ------
    DataError : images or labels of any part that cannot be used, or no test images to measure the error on
    ArchitectureError : the network that a word describes does not fit the images or the model to start from, or its
        training the memory
    """
    if not len(data.test):
        raise DataError(
            f"{data.name} has no test images, and its {len(data.train):,} training images in {len(data.classes)} "
            "classes are too few to set some aside; give at least 2 images of each class, or a test folder"
        )
    network, channels = with_head(parse(word), len(data.classes)), data.image_shape[2]
    unscaled = Preprocessing((0.0,) * channels, (1.0,) * channels)  # its own is computed when it trains
    validation = data.validation if len(data.validation) else None
    admit(
        network,
        data.train,
        validation,
        classes=data.classes,
        settings=settings,
        preprocessing=unscaled,
        start=start,
        freeze=freeze,
    )
    Labelled.of(data.test, "test", len(data.classes), data.image_shape)


def no_validation(data: Dataset, why: str) -> DataError:
    """The error for a data set without validation images; `why` says what they are needed for."""
    most = int(np.bincount(data.train.labels).max())
    remedy = "raise --validation, as in --validation 0.1" if most > 1 else "give at least 3 images of each class"
    return DataError(f"{data.name} has no validation images to {why}; {remedy}")


def train_on(
    data: Dataset,
    word: str,
    settings: Settings,
    on_progress: Callable[[Progress], None] | None = None,
    part: Part | None = None,
    start: Model | None = None,
    freeze: bool = False,
) -> TrainingResult:
    """Train the network that a word describes on a data set's training images.

    Parameters
    ----------
    part : where the training is kept
    start, freeze : see `convlet.train`
    """
    network = with_head(parse(word), len(data.classes))
    held_out = data.validation if len(data.validation) else None
    preprocessing = start.preprocessing if start is not None else Preprocessing.from_images(data.train.images)

    def model(parameters: Array, state: Array) -> Model:
        form = (word, data.image_shape, data.classes, preprocessing)
        return Model(*form, parameters, state, settings.changed(members=1).as_dict())

    try:
        trained = train(
            network,
            data.train,
            held_out,
            classes=data.classes,
            settings=settings,
            preprocessing=preprocessing,
            start=start,
            freeze=freeze,
            on_progress=on_progress,
            keeper=part.keeper(model) if part is not None else None,
        )
    except TrainingError as error:
        if part is not None:
            part.fail(error)
        raise
    return replace(trained, model=replace(trained.model, rules=data.rules))


def expected_seconds(data: Dataset, word: str, settings: Settings, frozen: int = 0) -> float:
    """About how long this training will take here: the time of a few of its steps, times their number.

    The steps run in an engine of their own, which is thrown away, so the training itself does not change. Kernels
    that are missing are compiled first, outside the time. `frozen` counts the layers from the front that do not learn.
    """
    network, images = with_head(parse(word), len(data.classes)), data.train.images
    threads, size = settings.threads or available_threads(), min(settings.batch or len(images), len(images))
    learning, optimizer = settings.learning() | {"frozen": frozen}, settings.make_optimizer()
    compile_ahead([Training(network, images, optimizer, settings.shard, learning)], threads)
    form = network, data.image_shape, Preprocessing.from_images(images)
    engine = make_engine(*form, shard=settings.shard, threads=threads, seed=settings.seed, **learning)
    batch = np.arange(size, dtype=np.int64)
    seconds = []
    try:
        engine.load(engine.layout.initial_parameters(network, data.image_shape, settings.seed))
        slots = optimizer.new_slots(engine.layout.parameter_count)
        for step in range(TIMED_STEPS + 1):  # the first one fills caches
            began = perf_counter()
            engine.gradients(images, data.train.labels, batch, epoch=0, position=0)
            engine.update(optimizer, slots, 0.0, step + 1)
            seconds.append(perf_counter() - began)
    finally:
        engine.close()
    if settings.minutes is not None:
        return 60 * settings.minutes
    steps = settings.steps or settings.epochs * -(-len(images) // size)
    return median(seconds[1:]) * steps * settings.members


def measure(trained: TrainingResult, data: Dataset) -> TrainingFigures:
    """What one training gave, test images included."""
    with images_called("test"):
        labels, logits = data.test.labels, trained.model.logits(data.test.images)
    predicted = logits.argmax(axis=1)
    wrong = int((labels != predicted).sum())
    matrix = confusion_matrix(labels, predicted, len(data.classes))
    return {
        "parameters": trained.model.parameter_count,
        "train_seconds": trained.train_seconds,
        "images_per_second": trained.images_per_second,
        "validation_error": trained.validation_error,
        "test_error": wrong / len(labels),
        "test_error_interval": list(wilson_interval(wrong, len(labels))),
        "headline": headline(matrix, data.classes),
        "best_epoch": trained.best_epoch,
        "confusion_matrix": matrix,
        "mistakes": np.flatnonzero(labels != predicted).tolist(),
        "worst": mistakes(softmax(logits), labels, tuple(data.classes), data.test.names)[:SHOWN],
        "history": trained.history,
        "rollbacks": list(trained.rollbacks),
        "stopped": stopped_perfect(trained.history, trained.model.settings, len(data.validation)),
        "sha256": trained.model.sha256(),
        **without_copies(labels != predicted, data.test_copies),
    }


def without_copies(wrong: Array, copies: Array | None) -> Copies:
    """How many test images are training images too, which make the error too low, and the error of the others.

    Parameters
    ----------
    wrong, copies : bool (n,) of the test images; None for no copies
    """
    if copies is None or not copies.any():
        return {}
    error = float(wrong[~copies].mean()) if not copies.all() else None
    return {"test_copies": int(copies.sum()), "test_error_without_copies": error}


def merge(runs: list[TrainingFigures]) -> MergedFigures:
    """One line from the repeats of a network: means, their spread, and the interval around the mean test error."""
    first: MergedFigures = {**runs[0]}
    first.pop("seed", None)
    if len(runs) == 1:
        return first
    first["train_seconds"] = fmean(run["train_seconds"] for run in runs)
    first["images_per_second"] = fmean(run["images_per_second"] for run in runs)
    first["validation_error"] = _mean(run["validation_error"] for run in runs)
    first["test_error"] = fmean(run["test_error"] for run in runs)
    if "test_error_without_copies" in first:
        first["test_error_without_copies"] = _mean(run["test_error_without_copies"] for run in runs)
    images = sum(map(sum, runs[0]["confusion_matrix"]))
    first["test_error_interval"] = list(wilson_interval(round(first["test_error"] * images), images))
    first["test_error_spread"] = stdev(run["test_error"] for run in runs)
    first["repeats"] = runs
    return first


def _mean(errors: Iterable[float | None]) -> float | None:
    """The mean of what the repeats of a network measured; None if they measured nothing."""
    known = [error for error in errors if error is not None]
    return fmean(known) if known else None
