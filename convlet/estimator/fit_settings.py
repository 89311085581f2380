"""The settings that a ConvNetClassifier trains with."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from convlet.estimator.inputs import class_weights
from convlet.estimator.job import Job, threads_for
from convlet.estimator.parameters import SETTINGS
from convlet.layers.base import Array
from convlet.learning.settings import Settings
from convlet.recipes.recipe import recipe

PARTIAL_LEARNING_RATE = 0.001
"""Learning rate of `partial_fit` if none is given: the default of Adam's authors, as no schedule lowers it later."""


def fit_settings(estimator: Any, job: Job, labels: Array) -> Settings:
    """The settings of `fit`: what the parameters give, else the recipe's.

    labels : (n,) label of each training image
    """
    given = {name: getattr(estimator, name) for name in SETTINGS if getattr(estimator, name) is not None}
    chosen = recipe(estimator.recipe).settings_for(job.images.shape[1:], len(job.images))
    return Settings(
        **{**chosen, **given, "perfect_epochs": 0},
        class_weights=class_weights(estimator.class_weight, job.classes, labels),
        patience=estimator.patience if estimator.early_stopping else None,
        threads=threads_for(estimator.n_jobs),
        seed=int(check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max)),
    )


def partial_settings(estimator: Any, job: Job) -> Settings:
    """The settings of `partial_fit`: one epoch at a constant learning rate."""
    rate = PARTIAL_LEARNING_RATE if estimator.learning_rate is None else estimator.learning_rate
    return fit_settings(estimator, job, job.classes).changed(
        **{"epochs": 1, "schedule": "constant", "learning_rate": rate, "warm_up": None},
        **{"ema_decay": 0.0, "patience": None, "members": 1},
    )
