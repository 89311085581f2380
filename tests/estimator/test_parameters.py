"""Every parameter of the estimator: what it takes, and the one line, with its name, for all else."""

from __future__ import annotations

import inspect
from fractions import Fraction

import numpy as np
import pytest

from convlet import ConvNetClassifier
from convlet.estimator.parameters import CHECKS, SETTINGS, check_parameters

ROWS = np.random.default_rng(0).integers(0, 255, (24, 64)).astype(np.uint8)
LABELS = np.arange(24) % 3

WHOLE = "must be a whole number from 1 to 2**32 - 1"
TRUTH = "must be True or False"
ZERO_ON = "must be a finite number from 0"
SHAPE = "must be (height, width) or (height, width, channels)"
NOTHING = [[], {}, object, b"x", (), np.array([1, 2]), np.array(["a"])]
"""Values that suit no parameter but those named."""

REFUSED = {
    "architecture": ("must be a word such as 'conv8-relu-pool', or 'auto'", [5, None, True, *NOTHING]),
    "recipe": ("must be fast, standard, best", [5, None, True, *NOTHING]),
    "image_shape": (SHAPE, ["88", 8, (8.0, 8), (8, 8, True), (8,), (8, 0), (-8, -8), (8, 8, 1, 1), True, "", np.array([8.0, 8.0])]),
    "epochs": (WHOLE, [0, -1, 1.0, "1", True, np.nan, np.float64(1), *NOTHING]),
    "batch": (f"{WHOLE} or None", [0, -1, 2.0, "all", True, np.True_, *NOTHING]),
    "learning_rate": ("must be a finite number above 0", [0, -0.1, np.nan, np.inf, "0.1", True, np.True_, 1j, *NOTHING]),
    "weight_decay": (ZERO_ON, [-1, np.nan, "0", True, np.False_, *NOTHING]),
    "label_smoothing": (f"{ZERO_ON} to below 1", [1, -0.1, "0", False, *NOTHING]),
    "ema_decay": (f"{ZERO_ON} to below 1", [1, -0.1, "0", False, *NOTHING]),
    "members": ("must be a whole number from 1 to 256", [0, 257, 1.0, "1", True, *NOTHING]),
    "early_stopping": (TRUTH, ["yes", "", 1, 0, None, 1.0, *NOTHING]),
    "warm_start": (TRUTH, ["yes", "", 1, 0, None, 1.0, *NOTHING]),
    "start": ("must be a convlet.Model, the path of a model file or None", [5, True, 1.5, [1]]),
    "freeze": (TRUTH, ["yes", "", 1, 0, None, 1.0, *NOTHING]),
    "validation_fraction": ("must be a number between 0 and 1", [0, 1, -0.1, "0.1", True, None, np.nan, *NOTHING]),
    "patience": (WHOLE, [0, -1, 2.5, "3", True, None, *NOTHING]),
    "random_state": (
        "must be a whole number from 0 to 2**32 - 1, a RandomState or None",
        ["x", -1, 2**32, 1.5, True, np.True_, np.random.default_rng(0), *NOTHING],
    ),
    "n_jobs": ("must be a whole number other than 0, or None", [0, True, "all", 1.5, np.float64(2), *NOTHING]),
    "verbose": ("must be True, False or a whole number from 0", ["yes", -1, 1.5, None, *NOTHING]),
    "class_weight": ("must be a dict, 'balanced' or None", ["x", 5, True, [1, 1, 1], np.array([1, 2])]),
}  # fmt: skip
ROW = [(name, value, text) for name, (text, values) in REFUSED.items() for value in values]


def shown(value):
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def refusal(**given):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        check_parameters(ConvNetClassifier(**given))
    return str(caught.value)


@pytest.mark.parametrize(("name", "value", "text"), ROW, ids=lambda value: str(value)[:30])
def test_a_value_of_another_type_or_range_is_refused_by_name(name, value, text):
    assert refusal(**{name: value}) == f"{name} {text}, but got {shown(value)}"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"optimizer": 1}, "unknown optimizer 1, expected sgd, adagrad, rmsprop, adam or adamw"),
        ({"optimizer": "admm"}, "unknown optimizer 'admm', expected sgd, adagrad, rmsprop, adam or adamw; did you mean 'adam'?"),
        ({"schedule": True}, "unknown schedule True, expected constant, step, cosine, linear or one-cycle"),
        ({"augment": 5}, "augment must be a word such as 'shift2-flip', but got 5"),
        ({"views": 5}, "views must be 'flip', 'shift1' (or another number up to 64), 'shift1-flip' or '', but got 5"),
        ({"recipe": "fats"}, "unknown recipe 'fats': expected fast, standard, best; did you mean 'fast'?"),
        ({"n_jobs": 5000}, "n_jobs must be at most 1024, but got 5000"),
        ({"class_weight": {0: "a"}}, "class_weight of label 0 must be a finite number from 0, but got 'a'"),
        ({"class_weight": {"cat": -1.0}}, "class_weight of label 'cat' must be a finite number from 0, but got -1.0"),
        ({"class_weight": {0: np.nan}}, "class_weight of label 0 must be a finite number from 0, but got nan"),
        ({"class_weight": {0: True}}, "class_weight of label 0 must be a finite number from 0, but got True"),
    ],
)  # fmt: skip
def test_words_and_weights_are_refused_by_name(given, text):
    assert refusal(**given) == text


TAKEN = {
    "architecture": ["conv4", np.str_("dense4-relu")],
    "image_shape": [(8, 8), [8, 8, 1], np.array([8, 8]), (np.int64(8), np.uint8(8)), None],
    "epochs": [1, np.int64(2), np.uint8(3), None],
    "learning_rate": [1, 0.1, np.float32(0.1), np.float64(0.1), Fraction(1, 10), None],
    "early_stopping": [True, np.True_, np.False_],
    "warm_start": [False, np.False_],
    "validation_fraction": [0.1, np.float32(0.1), Fraction(1, 3)],
    "patience": [1, np.int32(5)],
    "random_state": [0, 2**32 - 1, np.int64(3), np.random.RandomState(0), None],
    "n_jobs": [1, -1, np.int64(2), -5, None],
    "verbose": [True, np.False_, 0, 2, np.int64(1)],
    "class_weight": ["balanced", {0: 1, 1: np.float32(2)}, None],
}


@pytest.mark.parametrize("name", TAKEN)
def test_scalars_of_numpy_and_of_python_are_taken(name):
    for value in TAKEN[name]:
        check_parameters(ConvNetClassifier(**{name: value}))


def test_every_parameter_has_a_check():
    parameters = set(inspect.signature(ConvNetClassifier).parameters)
    assert parameters == {*CHECKS, *SETTINGS}
    assert parameters == {*REFUSED, "optimizer", "schedule", "augment", "views"}


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_fit_asks_before_it_looks_at_images(method):
    more = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    for given in ({"early_stopping": "yes"}, {"image_shape": (8.0, 8)}, {"patience": 0}):
        with pytest.raises(ValueError, match=f"^{next(iter(given))} must be "):
            getattr(ConvNetClassifier("dense4", **given), method)("no images", None, **more)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function", "predict_log_proba"])
def test_predicting_asks_for_its_threads(method, monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    fitted = ConvNetClassifier("dense2", epochs=1, batch=8, n_jobs=1).fit(ROWS, LABELS).set_params(n_jobs=0.5)
    with pytest.raises(ValueError, match=r"^n_jobs must be a whole number other than 0, or None, but got 0\.5$"):
        getattr(fitted, method)(ROWS)


@pytest.mark.parametrize(("method", "how"), [("fit", "warm_start"), ("partial_fit", "partial_fit")])
@pytest.mark.parametrize(
    ("before", "now"), [("dense4-relu", "dense8-relu"), ("dense4-relu", "dense4-tanh"), ("conv4", "bn")]
)
def test_another_architecture_is_refused(method, how, before, now, monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    fitted = ConvNetClassifier(before, epochs=1, batch=8, n_jobs=1, warm_start=True).fit(ROWS, LABELS)
    shown_before = fitted.predict_proba(ROWS)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        getattr(fitted.set_params(architecture=now), method)(ROWS, LABELS)
    assert str(caught.value) == (
        f"{how} goes on with the network it was fitted with, {before}, but architecture is now {now}; set it back, or "
        "fit a new estimator"
    )
    assert np.array_equal(fitted.predict_proba(ROWS), shown_before)
