"""One training of a ConvNetClassifier: what it is made of, and what becomes of errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib.parallel import get_active_backend

from convlet.data.inputs import Labelled
from convlet.data.splits import VALIDATION, split
from convlet.errors import ArchitectureError, TrainingError
from convlet.estimator.parameters import check_n_jobs
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.network.word import parse, with_head
from convlet.records.training import EpochRow
from convlet.system.threads import available_threads
from convlet.training.loop import TrainingResult, train
from convlet.training.progress import EpochEnd
from convlet.training.snapshot import Snapshot

Array = np.ndarray[Any, Any]


@dataclass
class Job:
    """Images, labels as numbers of the classes, and how to train on them.

    Parameters
    ----------
    weights : (n,) numbers above 0, or None
    held_out : validation images, or None
    start : where the training goes on, or the model whose filters it begins with; None where it begins anew
    freeze : whether those filters stay as they are
    preprocessing : its pixels' scale; None for that of a model to start from, else of the images
    guess : how the columns of a table were read as pictures, if that was guessed: see `classifier_inputs.guess`
    """

    images: Array
    numbers: Array
    weights: Array | None
    classes: Array
    held_out: Labelled | None = None
    start: Snapshot | Model | None = None
    freeze: bool = False
    preprocessing: Preprocessing | None = None
    guess: str = ""

    def leave_out_weightless(self) -> None:
        """Go on as if images of weight zero were not there."""
        if self.weights is not None and not self.weights.all():
            kept = self.weights > 0
            self.images, self.numbers, self.weights = self.images[kept], self.numbers[kept], self.weights[kept]

    def set_aside(self, fraction: float) -> None:
        """Take some training images for validation: about this share of each class, and one of it at least.

        A class of a single image keeps it. The choice depends on the labels alone, never on a seed.
        """
        kept, off = split(self.numbers, len(self.classes), float(fraction), VALIDATION)
        if not len(off):
            raise ValueError("early_stopping needs a class with at least 2 samples to validate with")
        weights = (None, None) if self.weights is None else (self.weights[off], self.weights[kept])
        self.held_out = Labelled(self.images[off], self.numbers[off], weights[0])
        self.images, self.numbers, self.weights = self.images[kept], self.numbers[kept], weights[1]

    def train(self, word: str, settings: Settings, on_epoch: Callable[[EpochEnd, Callable[[], Model]], bool]) -> Any:
        """Train the word's network; a training that diverges is a ValueError, as everywhere in scikit-learn.

        on_epoch : told after each epoch, with a function that gives the model so far; True ends the training
        """
        names = tuple(map(str, self.classes))
        preprocessing = self.preprocessing
        if preprocessing is None:
            begun = self.start
            preprocessing = begun.preprocessing if isinstance(begun, Model) else Preprocessing.from_images(self.images)

        def told(end: EpochEnd) -> bool:
            def model() -> Model:
                shape = self.images.shape[1:]
                return Model(word, shape, names, preprocessing, *end.vectors(), settings.changed(members=1).as_dict())

            return on_epoch(end, model)

        network = with_head(parse(word), len(self.classes))
        try:
            found: TrainingResult = train(
                network,
                Labelled(self.images, self.numbers),
                self.held_out,
                classes=names,
                settings=settings,
                preprocessing=preprocessing,
                weights=self.weights,
                start=self.start,
                freeze=self.freeze,
                on_epoch=told,
            )
        except ArchitectureError as error:  # the word is one, so the network does not suit the pictures
            raise ArchitectureError(f"{error}; {self.guess}" if self.guess else str(error)) from None
        except TrainingError as error:
            raise ValueError(str(error).replace("--learning-rate", "learning_rate")) from error
        return found


def threads_for(n_jobs: Any) -> int:
    """How many threads `n_jobs` means here and now: None is one inside a joblib worker, else all there are."""
    if n_jobs is None:
        return 1 if get_active_backend()[0].nesting_level else available_threads()
    check_n_jobs("n_jobs", n_jobs)
    return int(n_jobs if n_jobs > 0 else max(1, available_threads() + 1 + n_jobs))


def starting_model(given: Any) -> Model | None:
    """The model that the parameter `start` gives, read if it is a path; raises ModelFileError."""
    if given is None or isinstance(given, Model):
        return given
    from convlet.model import model_file

    return model_file.load(given)


PRIVATE = ("_snapshot", "_epochs_shown", "_frozen")
"""Attributes that a fit sets, besides those that end with an underscore."""


@contextmanager
def whole_or_nothing(estimator: Any) -> Iterator[None]:
    """If a fit fails, everything that it has set on an estimator is taken back, in one step that nothing interrupts."""

    def own(name: str) -> bool:  # scikit-learn's callbacks keep attributes of their own meanwhile
        return name in PRIVATE or (name.endswith("_") and not name.startswith("_"))

    before = {name: value for name, value in vars(estimator).items() if own(name)}
    try:
        yield
    except BaseException:
        estimator.__dict__ = {name: value for name, value in vars(estimator).items() if not own(name)} | before
        raise


def epoch_line(row: EpochRow) -> str:
    """A line of history for people."""
    line = f"epoch {row['epoch']}: loss {row['train_loss']:.4f}, error {row['train_error']:.4f}"
    if row["validation_loss"] is not None:
        line += f", validation loss {row['validation_loss']:.4f}, error {row['validation_error']:.4f}"
    return f"{line}, {row['seconds']:.2f} s"
