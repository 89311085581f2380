"""Settings: what they refuse, word for word, and what they make."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from math import inf, nan

import numpy as np
import pytest

from convlet.errors import SettingsError
from convlet.learning.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from convlet.learning.schedules import Constant, Cosine, Linear, OneCycle, StepDecay, WarmUp
from convlet.learning.settings import Settings

OPTIMIZER = "expected sgd, adagrad, rmsprop, adam or adamw"
SCHEDULE = "expected constant, step, cosine, linear or one-cycle"
CLASS_WEIGHTS = "class_weights must be 'balanced', one number from 0 for each class, or None"
VIEWS = "views must be 'flip', 'shift1' (or another number up to 64), 'shift1-flip' or ''"
SEED = "seed must be a whole number from 0 to 2**64 - 1, but got"

REFUSED = [
    ({"epochs": 0}, "epochs must be a whole number from 1 to 2**32 - 1, but got 0"),
    ({"epochs": None}, "epochs must be a whole number from 1 to 2**32 - 1, but got None"),
    ({"epochs": 1.5}, "epochs must be a whole number from 1 to 2**32 - 1, but got 1.5"),
    ({"epochs": True}, "epochs must be a whole number from 1 to 2**32 - 1, but got True"),
    ({"epochs": "x" * 99}, f"epochs must be a whole number from 1 to 2**32 - 1, but got '{'x' * 56}..."),
    ({"batch": 0}, "batch must be a whole number from 1 to 2**32 - 1 or None, but got 0"),
    ({"seed": -1}, f"{SEED} -1"),
    ({"seed": 2**64}, f"{SEED} 18446744073709551616"),
    ({"threads": 0}, "threads must be a whole number from 1 to 1024 or None, but got 0"),
    ({"threads": 1025}, "threads must be a whole number from 1 to 1024 or None, but got 1025"),
    ({"shard": 0}, "shard must be a whole number from 1 to 4096, but got 0"),
    ({"step_epochs": 0}, "step_epochs must be a whole number from 1 to 2**32 - 1, but got 0"),
    ({"learning_rate": 0}, "learning_rate must be a finite number above 0, but got 0"),
    ({"learning_rate": -0.1}, "learning_rate must be a finite number above 0, but got -0.1"),
    ({"learning_rate": nan}, "learning_rate must be a finite number above 0, but got nan"),
    ({"learning_rate": inf}, "learning_rate must be a finite number above 0, but got inf"),
    ({"learning_rate": "fast"}, "learning_rate must be a finite number above 0, but got 'fast'"),
    ({"learning_rate": None}, "learning_rate must be a finite number above 0, but got None"),
    ({"momentum": 1}, "momentum must be a finite number from 0 to below 1, but got 1"),
    ({"beta1": -0.5}, "beta1 must be a finite number from 0 to below 1, but got -0.5"),
    ({"beta2": nan}, "beta2 must be a finite number from 0 to below 1, but got nan"),
    ({"smoothing": 1.0}, "smoothing must be a finite number from 0 to below 1, but got 1.0"),
    ({"epsilon": 0.0}, "epsilon must be a finite number above 0, but got 0.0"),
    ({"weight_decay": -1e-9}, "weight_decay must be a finite number from 0, but got -1e-09"),
    ({"step_factor": 0}, "step_factor must be a finite number above 0, but got 0"),
    ({"optimizer": "adamm"}, f"unknown optimizer 'adamm', {OPTIMIZER}; did you mean 'adam'?"),
    ({"optimizer": "Adam"}, f"unknown optimizer 'Adam', {OPTIMIZER}; did you mean 'adam'?"),
    ({"optimizer": "zzz"}, f"unknown optimizer 'zzz', {OPTIMIZER}"),
    ({"optimizer": None}, f"unknown optimizer None, {OPTIMIZER}"),
    ({"schedule": "onecycle"}, f"unknown schedule 'onecycle', {SCHEDULE}; did you mean 'one-cycle'?"),
    ({"label_smoothing": 1}, "label_smoothing must be a finite number from 0 to below 1, but got 1"),
    ({"clip_norm": 0}, "clip_norm must be a finite number above 0, but got 0"),
    ({"ema_decay": 1.0}, "ema_decay must be a finite number from 0 to below 1, but got 1.0"),
    ({"ema_decay": None}, "ema_decay must be a finite number from 0 to below 1, but got None"),
    ({"warm_up": 1}, "warm_up must be a finite number from 0 to below 1, but got 1"),
    ({"minutes": 0}, "minutes must be a finite number above 0, but got 0"),
    ({"steps": 0}, "steps must be a whole number from 1 to 2**32 - 1 or None, but got 0"),
    ({"patience": 0}, "patience must be a whole number from 1 to 2**32 - 1 or None, but got 0"),
    ({"members": 0}, "members must be a whole number from 1 to 256, but got 0"),
    ({"views": "flop"}, f"{VIEWS}, but got 'flop'"),
    ({"views": "shift0"}, f"{VIEWS}, but got 'shift0'"),
    ({"views": "shift1flip"}, f"{VIEWS}, but got 'shift1flip'"),
    ({"views": "flip-"}, f"{VIEWS}, but got 'flip-'"),
    ({"views": None}, f"{VIEWS}, but got None"),
    ({"keep": "first"}, "unknown keep 'first', expected last or best"),
    ({"monitor": "accuracy"}, "unknown monitor 'accuracy', expected loss, error or balanced-error"),
    ({"class_weights": "balance"}, f"{CLASS_WEIGHTS}, but got 'balance'"),
    ({"class_weights": 3}, f"{CLASS_WEIGHTS}, but got 3"),
    ({"class_weights": [0, 0]}, f"{CLASS_WEIGHTS}, at least two and one of them above 0, but got [0.0, 0.0]"),
    (
        {"class_weights": [1, -1]},
        f"{CLASS_WEIGHTS}; a class weight must be a finite number from 0, but got -1",
    ),
    ({"nesterov": 1}, "nesterov must be True or False, but got 1"),
    (
        {"optimizer": "sgd", "momentum": 0, "nesterov": True},
        "nesterov needs a momentum above 0, but got 0; raise momentum or leave it out",
    ),
]


@pytest.mark.parametrize(("given", "text"), REFUSED)
def test_a_setting_out_of_range_is_refused(given, text):
    with pytest.raises(SettingsError) as caught:
        Settings(**given)
    assert str(caught.value) == text


def test_an_unknown_setting_is_refused():
    for name, text in (
        ("epoch", "unknown setting 'epoch'; did you mean 'epochs'?"),
        (
            "x",
            "unknown setting 'x', expected augment, batch, beta1, beta2, class_weights, clip_norm, ema_decay, epochs, epsilon, "
            "keep, label_smoothing, learning_rate, members, minutes, momentum, monitor, nesterov, on_nonfinite, optimizer, patience, perfect_epochs, schedule, "
            "seed, shard, smoothing, step_epochs, step_factor, steps, threads, views, warm_up, weight_decay",
        ),
    ):
        with pytest.raises(SettingsError) as caught:
            Settings.from_dict({name: 3})
        assert str(caught.value) == text


def test_settings_are_frozen_and_changed_by_making_new_ones():
    settings = Settings(epochs=3)
    with pytest.raises(FrozenInstanceError):
        settings.epochs = 4
    assert settings.changed(epochs=4) == Settings(epochs=4)
    with pytest.raises(SettingsError):
        settings.changed(epochs=0)


def test_settings_survive_json():
    settings = Settings(epochs=np.int64(2), batch=None, learning_rate=np.float32(0.5), epsilon=1e-4)
    assert type(settings.epochs) is int
    assert type(settings.learning_rate) is float
    assert Settings.from_dict(json.loads(json.dumps(settings.as_dict()))) == settings
    weighted = Settings(class_weights=np.array([1, 2, 0.5]))
    assert weighted.class_weights == (1.0, 2.0, 0.5)
    assert Settings.from_dict(json.loads(json.dumps(weighted.as_dict()))) == weighted


@pytest.mark.parametrize(
    ("given", "optimizer"),
    [
        ({"optimizer": "sgd", "momentum": 0.5, "nesterov": True}, SGD(0.0, 0.5, True)),
        ({"optimizer": "adagrad"}, Adagrad(0.0, 1e-3)),
        ({"optimizer": "adagrad", "epsilon": 1e-5, "weight_decay": 0.1}, Adagrad(0.1, 1e-5)),
        ({"optimizer": "rmsprop", "smoothing": 0.9}, RMSprop(0.0, 0.9, 1e-8)),
        ({"beta1": 0.8, "beta2": 0.9}, Adam(0.0, 0.8, 0.9, 1e-8)),
        ({"optimizer": "adamw", "weight_decay": 0.2, "epsilon": 1e-6}, AdamW(0.2, 0.9, 0.999, 1e-6)),
    ],
)
def test_settings_make_the_optimizer_they_name(given, optimizer):
    made = Settings(**given).make_optimizer()
    assert type(made) is type(optimizer)
    assert made == optimizer


@pytest.mark.parametrize(
    ("given", "schedule"),
    [
        ({"schedule": "constant"}, Constant(0.5)),
        ({"schedule": "step", "step_epochs": 3, "step_factor": 0.2}, StepDecay(0.5, 0.2, 21)),
        ({"schedule": "cosine"}, Cosine(0.5)),
        ({"schedule": "linear"}, Linear(0.5)),
        ({"schedule": "linear", "warm_up": 0.25}, WarmUp(Linear(0.5), 0.25)),
        ({"schedule": "cosine", "warm_up": 0}, Cosine(0.5)),
        ({"warm_up": 0.1}, OneCycle(0.5, 0.1)),
        ({}, OneCycle(0.5)),
    ],
)
def test_settings_make_the_schedule_they_name(given, schedule):
    assert Settings(learning_rate=0.5, **given).make_schedule(7) == schedule
