"""The parameters of a ConvNetClassifier, each checked by its own name before a fit does any work."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from convlet.errors import SettingsError
from convlet.learning.setting_checks import boolean, number, short, whole_number
from convlet.learning.setting_kinds import MOST
from convlet.learning.setting_table import BY_NAME, MOST_THREADS
from convlet.model.model import Model
from convlet.recipes.recipe import RECIPES, recipe

SETTINGS = (
    *("epochs", "batch", "optimizer", "learning_rate", "schedule", "weight_decay", "label_smoothing", "ema_decay"),
    *("augment", "members", "views"),
)
"""Settings that are parameters under the same name; None leaves them to the recipe."""


def check_parameters(estimator: Any) -> None:
    """Raise ValueError, in one line that names the parameter, for a value that it cannot have."""
    for name, value in estimator.get_params(deep=False).items():
        if name in SETTINGS:
            if value is not None:
                BY_NAME[name].check(value)
        else:
            CHECKS[name](name, value)
    check_freeze(estimator)


def whole_sides(shape: Any) -> tuple[int, ...]:
    """The two or three whole numbers from 1 of an `image_shape`, or SettingsError."""
    try:
        sides = tuple(0 if isinstance(side, bool) else operator.index(side) for side in shape)
    except TypeError:
        sides = ()
    if len(sides) not in (2, 3) or min(sides) < 1:
        raise SettingsError(f"image_shape must be (height, width) or (height, width, channels), but got {short(shape)}")
    return sides


def _architecture(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise SettingsError(f"{name} must be a word such as 'conv8-relu-pool', or 'auto', but got {short(value)}")


def _recipe(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise SettingsError(f"{name} must be {', '.join(RECIPES)}, but got {short(value)}")
    recipe(value)


def _image_shape(name: str, value: Any) -> None:
    if value is not None:
        whole_sides(value)


def _class_weight(name: str, value: Any) -> None:
    if value is None or (isinstance(value, str) and value == "balanced"):
        return
    if not isinstance(value, dict):
        raise SettingsError(f"{name} must be a dict, 'balanced' or None, but got {short(value)}")
    for label, weight in value.items():
        number(f"{name} of label {short(label)}", weight, 0.0, np.inf, True)


def _fraction(name: str, value: Any) -> None:
    try:
        number(name, value, 0.0, 1.0, False)
    except SettingsError:
        raise SettingsError(f"{name} must be a number between 0 and 1, but got {short(value)}") from None


def _patience(name: str, value: Any) -> None:
    whole_number(name, value, 1, MOST, False)


def _start(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, Model | str | os.PathLike):
        raise SettingsError(f"{name} must be a convlet.Model, the path of a model file or None, but got {short(value)}")


def check_freeze(estimator: Any) -> None:
    """Raise SettingsError if there is nothing to freeze."""
    if estimator.freeze and estimator.start is None:
        raise SettingsError("freeze keeps the filters of start, but start is None; give a model, or freeze=False")


def _random_state(name: str, value: Any) -> None:
    try:
        if isinstance(value, bool | np.bool_):
            raise ValueError
        check_random_state(value)
    except (TypeError, ValueError):
        raise SettingsError(
            f"{name} must be a whole number from 0 to 2**32 - 1, a RandomState or None, but got {short(value)}"
        ) from None


def check_n_jobs(name: str, value: Any) -> None:
    """Raise SettingsError unless the value counts threads as joblib does; `predict` asks too."""
    if value is None:
        return
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value == 0:
        raise SettingsError(f"{name} must be a whole number other than 0, or None, but got {short(value)}")
    if value > MOST_THREADS:
        raise SettingsError(f"{name} must be at most {MOST_THREADS}, but got {value}")


def _verbose(name: str, value: Any) -> None:
    """Truth values, and the whole numbers from 0 that scikit-learn's estimators take."""
    whole = isinstance(value, int | np.integer) and value >= 0
    if not whole and not isinstance(value, np.bool_):
        raise SettingsError(f"{name} must be True, False or a whole number from 0, but got {short(value)}")


CHECKS: dict[str, Callable[[str, Any], object]] = {
    "architecture": _architecture,
    "recipe": _recipe,
    "image_shape": _image_shape,
    "class_weight": _class_weight,
    "early_stopping": boolean,
    "validation_fraction": _fraction,
    "patience": _patience,
    "start": _start,
    "freeze": boolean,
    "warm_start": boolean,
    "random_state": _random_state,
    "n_jobs": check_n_jobs,
    "verbose": _verbose,
}
"""A check for each parameter that is not a setting."""
