"""ConvNetClassifier: a network as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, estimator_html_repr
from sklearn.utils.validation import check_is_fitted, column_or_1d

from convlet.data.inputs import Labelled
from convlet.estimator import inputs as door
from convlet.estimator.callbacks import CallbackSupportMixin, FitTask, with_callbacks
from convlet.estimator.job import Job, epoch_line, starting_model, threads_for, whole_or_nothing
from convlet.estimator.parameters import SETTINGS, check_parameters
from convlet.learning.losses import softmax
from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.network.costs import describe
from convlet.network.word import format_word, parse
from convlet.recipes.recipe import recipe
from convlet.report.notebook.layers import layers_table
from convlet.training.loop import TrainingResult
from convlet.training.progress import EpochEnd
from convlet.training.snapshot import Snapshot

Array = np.ndarray[Any, Any]

PARTIAL_LEARNING_RATE = 0.001
"""Of `partial_fit`, which never ends and so cannot let a higher one fall: what Adam's authors suggest."""

NEW_CLASS = (
    "; partial_fit knows only the classes of its first call: name all of them there with classes=, or fit a new "
    "estimator with start=model_, which begins with the filters"
)
"""What `partial_fit` says of a class that it was not told of."""


class ConvNetClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """A convolutional network for small images.

    X is (n, height, width), (n, height, width, channels) or (n, features): rows of a square number of features are
    square grey images, of three times a square number square RGB images (channels last), others lines of pixels,
    unless `image_shape` says otherwise. Pixels are uint8 or become float32; any scale will do if
    every call has the same. Images that are unlike those of `fit`, also in their scale, give a UserWarning of one line.

    Parameters
    ----------
    architecture : a word such as "conv16-relu-pool-conv32-relu-pool", or "auto" for the recipe's
    recipe : "fast", "standard" or "best": used if a parameter is None or "auto". See `convlet recipes`
    image_shape : (height, width) or (height, width, channels) of rows of features; None as above
    epochs, batch, optimizer, learning_rate, schedule, weight_decay, label_smoothing, ema_decay,
    augment, members, views : as in `convlet.Settings`; None for what the recipe says
    class_weight : {label: weight}, "balanced", or None for 1 each
    early_stopping : whether to stop when the validation loss has not fallen for `patience` epochs, and keep the best
        epoch's parameters
    validation_fraction : how much of the training images early stopping sets aside, every class with its share, where
        no validation images are given
    patience : see early_stopping
    start : a `convlet.Model`, or the path of a model file, whose filters the first fit begins with, as in
        `convlet.train`. Classes may be others; pixels must be in the units of its training images. With
        "auto" the architecture is its own, and the recipe gives the settings
    freeze : whether the filters of `start` stay as they are
    warm_start : whether `fit` goes on from the parameters of the last one
    random_state : int, RandomState or None; the same int gives the same model to the last bit for any `n_jobs`
    n_jobs : threads; -1 for all, None for all but inside a joblib worker, where it is one
    verbose : whether to print a line an epoch

    Attributes
    ----------
    model_ : `convlet.Model`, as `convlet.save_model` takes it
    classes_ : the labels, sorted
    image_shape_ : (height, width, channels)
    n_features_in_, feature_names_in_ : numbers of an image; the columns' names where X was a DataFrame
    loss_curve_, validation_loss_curve_ : mean loss of each epoch; the second is None without validation images
    n_iter_ : epochs that were run
    best_epoch_ : the epoch, from 1, whose parameters were kept
    """

    model_: Model
    classes_: Array
    image_shape_: door.Shape
    loss_curve_: list[float]
    validation_loss_curve_: list[float] | None
    n_iter_: int
    best_epoch_: int
    _snapshot: Snapshot | None
    _epochs_shown: int
    _frozen = 0

    def __init__(
        self,
        architecture: str = "auto",
        *,
        recipe: str = "standard",
        image_shape: tuple[int, ...] | None = None,
        epochs: int | None = None,
        batch: int | None = None,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        schedule: str | None = None,
        weight_decay: float | None = None,
        label_smoothing: float | None = None,
        ema_decay: float | None = None,
        augment: str | None = None,
        members: int | None = None,
        views: str | None = None,
        class_weight: dict[Any, float] | str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        start: Any = None,
        freeze: bool = False,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.architecture = architecture
        self.recipe = recipe
        self.image_shape = image_shape
        self.epochs = epochs
        self.batch = batch
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.ema_decay = ema_decay
        self.augment = augment
        self.members = members
        self.views = views
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.start = start
        self.freeze = freeze
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None, X_val: Any = None, y_val: Any = None) -> ConvNetClassifier:
        """Train a network.

        Parameters
        ----------
        X : images, see the class
        y : (n,) labels of any type
        sample_weight : (n,) numbers from 0: how much each image counts; None for 1 each
        X_val, y_val : images and labels to validate each epoch with; None for none, or for some of X with
            `early_stopping`

        Raises
        ------
        ValueError : what was given cannot be used, or training diverged; the estimator is then as it was
        """
        with whole_or_nothing(self):
            check_parameters(self)
            goes_on = self.warm_start and hasattr(self, "model_")
            images, labels = door.training_images(self, X, y, self.image_shape)
            weights = door.image_weights(sample_weight, len(images))
            labels_that_count = labels if weights is None else labels[weights > 0]
            classes = door.sorted_classes(labels_that_count, type(self).__name__)
            guess = door.guess(X, self.image_shape, images.shape[1:])
            if goes_on:
                self._check_going_on("warm_start", classes, images.shape[1:], guess)
            job = Job(images, door.numbered(labels, classes), weights, classes, guess=guess)
            job.leave_out_weightless()
            job.held_out = self._given_validation(X_val, y_val, classes, images.shape[1:])
            if self.early_stopping and job.held_out is None:
                job.set_aside(self.validation_fraction)
            settings = self._settings(job, classes[job.numbers], self._seed())
            if goes_on:
                job.start, job.preprocessing = self._start(), self.model_.preprocessing
            else:
                job.start, job.freeze = starting_model(self.start), self.freeze
            told = {"X": X, "y": y, "metadata": {} if sample_weight is None else {"sample_weight": sample_weight}}
            self._take(self._train(job, settings, FitTask(self, settings.epochs * settings.members, told)), classes)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> ConvNetClassifier:
        """Show the network some images once, at a constant learning rate: `learning_rate`, else 0.001.

        The pixels' scale is that of the first images it was shown.

        Parameters
        ----------
        X, y, sample_weight : see `fit`
        classes : all labels that may ever come; needed in the first call

        Raises
        ------
        ValueError : what was given cannot be used, or training diverged; the estimator is then as it was
        """
        with whole_or_nothing(self):
            check_parameters(self)
            first = not hasattr(self, "model_")
            known = door.known_classes(classes, None if first else self.classes_, type(self).__name__)
            if self.class_weight == "balanced":
                raise ValueError(
                    "class_weight 'balanced' is not supported for partial_fit, which does not see all labels; "
                    "give a dict of weights"
                )
            images, labels = door.training_images(self, X, y, self.image_shape if first else self.image_shape_, first)
            numbers = door.numbered(labels, known, remedy=NEW_CLASS)
            job = Job(images, numbers, door.image_weights(sample_weight, len(images)), known)
            job.guess = door.guess(X, self.image_shape, images.shape[1:]) if first else ""
            job.leave_out_weightless()
            if not first:
                self._check_going_on("partial_fit", known, images.shape[1:])
                job.start, job.preprocessing = self._start(), self.model_.preprocessing
            else:
                job.start, job.freeze = starting_model(self.start), self.freeze
            settings = self._settings(job, known, self._seed())
            rate = PARTIAL_LEARNING_RATE if self.learning_rate is None else self.learning_rate
            settings = settings.changed(
                **{"epochs": 1, "schedule": "constant", "learning_rate": rate, "warm_up": None},
                **{"ema_decay": 0.0, "patience": None, "members": 1},
            )
            trained = self._train(job, settings)
            before = None if first else self.model_.training_images
            self._take(trained, known, goes_on=not first)
            if before is not None and self.model_.training_images is not None:
                seen = before.joined(self.model_.training_images)
                self.model_ = replace(self.model_, training_images=seen)
            self._snapshot = trained.snapshot
        return self

    def decision_function(self, X: Any) -> Array:
        """Scores before softmax, float64 (n, classes); of two classes the second's minus the first's, (n,)."""
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, float64 (n, classes). A row's do not depend on the other rows."""
        return softmax(self._logits(X))

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`, also where a probability rounds to 0."""
        logits = self._logits(X)
        shifted: Array = logits - logits.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> Array:
        """The most probable label of each image, (n,)."""
        numbers = self._logits(X).argmax(axis=1)
        predicted: Array = self.classes_[numbers]
        return predicted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _logits(self, X: Any) -> Array:
        check_is_fitted(self)
        images = door.more_images(self, X, self.image_shape_)
        logits = self.model_.logits(images, threads_for(self.n_jobs))
        door.warn_of_unlike(images, self.model_.training_images, logits)
        return logits.astype(np.float64)

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _settings(self, job: Job, labels: Array, seed: int) -> Settings:
        given = {name: getattr(self, name) for name in SETTINGS if getattr(self, name) is not None}
        return Settings(
            **{**recipe(self.recipe).settings_for(job.images.shape[1:], len(job.images)), **given, "perfect_epochs": 0},
            class_weights=door.class_weights(self.class_weight, job.classes, labels),
            patience=self.patience if self.early_stopping else None,
            threads=threads_for(self.n_jobs),
            seed=seed,
        )

    def _check_going_on(self, how: str, classes: Array, shape: door.Shape, guess: str = "") -> None:
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {classes}"
            )
        if shape != self.image_shape_:
            raise ValueError(
                "warm_start can only be used where `X` has images of the same shape as in the previous call to fit. "
                f"Previously got {door.times(self.image_shape_)}, `X` has {door.times(shape)}"
                + (f"; {guess}" if guess else "")
            )
        word = self._word(shape)
        if format_word(parse(word)) != self.model_.architecture:
            raise ValueError(
                f"{how} goes on with the network it was fitted with, {self.model_.architecture}, but architecture is "
                f"now {word}; set it back, or fit a new estimator"
            )

    def _given_validation(self, X_val: Any, y_val: Any, classes: Array, shape: door.Shape) -> Labelled | None:
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together")
        if X_val is None:
            return None
        images, labels = door.more_images(self, X_val, shape), column_or_1d(y_val, warn=True)
        door.same_count(images, labels)
        return Labelled(images, door.numbered(labels, classes, "y_val"))

    def _start(self) -> Snapshot:
        """Where the last training ended."""
        if self.model_.members > 1:
            raise ValueError(
                f"partial_fit and warm_start go on with one network, but this estimator was fitted with "
                f"{self.model_.members} members"
            )
        frozen = self._frozen if self.freeze else 0
        if self._snapshot is not None:
            return replace(self._snapshot, frozen=frozen)
        return Snapshot(self.model_.parameters, self.model_.state, {}, 0, self._epochs_shown, frozen=frozen)

    def _train(self, job: Job, settings: Settings, task: FitTask | None = None) -> TrainingResult:
        word = self._word(job.images.shape[1:], job.start)

        def on_epoch(end: EpochEnd, model: Callable[[], Model]) -> bool:
            if self.verbose:
                print(epoch_line(end.row), flush=True)
            return task is not None and task.end_epoch(lambda: _fitted(model(), job.classes), end.last)

        trained: TrainingResult = job.train(word, settings, on_epoch)
        if task is not None:
            task.end(lambda: _fitted(trained.model, job.classes))
        return trained

    def _word(self, shape: door.Shape, start: Snapshot | Model | None = None) -> str:
        """The architecture for images of this shape, and for the model to start from if this is the first fit."""
        if self.architecture == "auto" and self.start is not None:
            return start.architecture if isinstance(start, Model) else self.model_.architecture
        return recipe(self.recipe).architecture(shape) if self.architecture == "auto" else self.architecture

    def _take(self, trained: TrainingResult, classes: Array, goes_on: bool = False) -> None:
        """Set every attribute of a fitted estimator."""
        history = trained.history
        for name, value in _fitted(trained.model, classes).items():
            setattr(self, name, value)
        self.loss_curve_ = (self.loss_curve_ if goes_on else []) + history["train_loss"]
        validated = history["validation_loss"][-1] is not None
        losses = [loss for loss in history["validation_loss"] if loss is not None]
        self.validation_loss_curve_ = losses if validated else None
        self.n_iter_ = (self.n_iter_ if goes_on else 0) + len(history["epoch"])
        self.best_epoch_ = self.n_iter_ if goes_on else trained.best_epoch
        assert trained.snapshot is not None  # this training ended here
        self._epochs_shown, self._snapshot, self._frozen = trained.snapshot.epoch, None, trained.snapshot.frozen

    def _html(self) -> str:
        html: str = estimator_html_repr(self)
        if hasattr(self, "model_"):
            html += layers_table(describe(self.model_.network, self.image_shape_), self.image_shape_)
        return html

    def _repr_html_inner(self) -> str:
        return self._html()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """What a notebook shows: scikit-learn's diagram and, once fitted, the layers as a table."""
        shown = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            shown["text/html"] = self._html()
        return shown


def _fitted(model: Model, classes: Array) -> dict[str, object]:
    """The attributes that predicting needs."""
    return {"model_": model, "classes_": classes, "image_shape_": model.input_shape}
