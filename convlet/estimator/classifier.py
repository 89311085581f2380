"""ConvNetClassifier: a network as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from convlet.estimator import inputs as door
from convlet.estimator.callbacks import CallbackSupportMixin, FitTask, with_callbacks
from convlet.estimator.continuing import NEW_CLASS, architecture, check_same_network, last_end
from convlet.estimator.fit_settings import fit_settings, partial_settings
from convlet.estimator.job import Job, epoch_line, starting_model, threads_for, whole_or_nothing
from convlet.estimator.notebook import NotebookMixin
from convlet.estimator.parameters import check_parameters
from convlet.learning.losses import softmax
from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.training.loop import TrainingResult
from convlet.training.progress import EpochEnd
from convlet.training.snapshot import Snapshot

Array = np.ndarray[Any, Any]


class ConvNetClassifier(NotebookMixin, CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """A convolutional network for small images.

    X is (n, height, width), (n, height, width, channels) or (n, features). Without `image_shape`, a row of features
    whose number is square is a square grey image; three times a square number is a square RGB image (channels last);
    any other row is a line of pixels. Pixels are uint8, or are converted to float32. Their scale is free, but must be
    the same in every call. Images that are unlike those of `fit`, also in their scale, give a UserWarning of one line.

    The parameters from `epochs` to `views` are explained in `convlet.Settings`. If one is None, the recipe chooses it.

    Parameters
    ----------
    architecture : architecture string such as "conv16-relu-pool-conv32-relu-pool", or "auto" for the recipe's
    recipe : "fast", "standard" or "best": chooses what is None or "auto". See `convlet recipes`
    image_shape : (height, width) or (height, width, channels) of rows of features; None to guess it as above
    epochs : Number of epochs.
    batch : Batch size.
    optimizer : Optimizer that updates the parameters.
    learning_rate : Peak learning rate.
    schedule : Learning rate schedule.
    weight_decay : Weight decay; decoupled in adamw, an L2 penalty in the other optimizers.
    label_smoothing : Fraction of each label that is spread evenly over all classes.
    ema_decay : Decay rate of an exponential moving average of the parameters, as in 0.99.
    augment : Random changes of the training images, as in shift2-flip-rotate10.
    members : Ensemble size: number of networks that predict together.
    views : Test-time augmentation: average the predictions of shifted or mirrored images, as in shift1-flip.
    class_weight : {label: weight}, "balanced", or None for 1 each
    early_stopping : whether to stop if the validation loss has not fallen for `patience` epochs; the best epoch's
        parameters are then kept
    validation_fraction : fraction of each class held out for early stopping if no validation images are given
    patience : epochs without a lower validation loss after which early stopping ends training
    start : a `convlet.Model`, or the path of a model file, whose filters the first fit begins with, as in
        `convlet.train`. Its classes may differ; pixels must be in the units of its training images. With
        "auto" its architecture is used, and the recipe gives the settings
    freeze : whether the filters of `start` stay as they are
    warm_start : whether `fit` continues from the parameters of the last one
    random_state : int, RandomState or None; the same int gives a bit-identical model for any `n_jobs`
    n_jobs : number of threads; -1 for all. None means all, or one inside a joblib worker
    verbose : whether to print one line per epoch

    Attributes
    ----------
    model_ : `convlet.Model`, as `convlet.save_model` takes it
    classes_ : the labels, sorted
    image_shape_ : (height, width, channels)
    n_features_in_, feature_names_in_ : number of values of an image; column names if X was a DataFrame
    loss_curve_, validation_loss_curve_ : mean loss of each epoch; the second is None without validation images
    n_iter_ : number of epochs run
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
                check_same_network(self, "warm_start", classes, images.shape[1:], guess)
            job = Job(images, door.numbered(labels, classes), weights, classes, guess=guess)
            job.leave_out_weightless()
            job.held_out = door.given_validation(self, X_val, y_val, classes, images.shape[1:])
            if self.early_stopping and job.held_out is None:
                job.set_aside(self.validation_fraction)
            settings = fit_settings(self, job, classes[job.numbers])
            if goes_on:
                job.start, job.preprocessing = last_end(self), self.model_.preprocessing
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
                check_same_network(self, "partial_fit", known, images.shape[1:])
                job.start, job.preprocessing = last_end(self), self.model_.preprocessing
            else:
                job.start, job.freeze = starting_model(self.start), self.freeze
            trained = self._train(job, partial_settings(self, job))
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

    def _train(self, job: Job, settings: Settings, task: FitTask | None = None) -> TrainingResult:
        word = architecture(self, job.images.shape[1:], job.start)

        def on_epoch(end: EpochEnd, model: Callable[[], Model]) -> bool:
            if self.verbose:
                print(epoch_line(end.row), flush=True)
            return task is not None and task.end_epoch(lambda: _fitted(model(), job.classes), end.last)

        trained: TrainingResult = job.train(word, settings, on_epoch)
        if task is not None:
            task.end(lambda: _fitted(trained.model, job.classes))
        return trained

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


def _fitted(model: Model, classes: Array) -> dict[str, object]:
    """The attributes that predicting needs."""
    return {"model_": model, "classes_": classes, "image_shape_": model.input_shape}
