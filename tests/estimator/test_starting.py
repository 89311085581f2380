"""Estimators that start from a model, and what `partial_fit` says of a class that it does not know."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from convlet import ConvNetClassifier, save_model
from tests.training.examples import stripes

IMAGES = stripes(60)
WORD = "conv4-bn-relu-pool"


@pytest.fixture(autouse=True)
def _reference(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")


def classifier(word=WORD, **given):
    own = {"random_state": 0, "epochs": 2, "n_jobs": 1, "batch": 16, "augment": "", "views": ""}
    return ConvNetClassifier(word, **own | given)


@pytest.fixture(scope="module")
def start():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVLET_BACKEND", "reference")
        return classifier().fit(IMAGES.images, IMAGES.labels).model_


def filters(model):
    return {name: array for name, array in model.arrays().items() if int(name.partition(".")[0]) < 2}


def test_filters_are_frozen_by_every_kind_of_fit(start, tmp_path):
    save_model(start, tmp_path / "model")
    letters = np.array(list("abcd"))[np.arange(60) % 4]
    given = {"start": tmp_path / "model", "freeze": True}
    fitted = classifier("auto", **given, warm_start=True).fit(IMAGES.images, letters)
    again = fitted.model_
    assert again.architecture == WORD
    assert again.preprocessing == start.preprocessing
    assert again.sha256() == clone(fitted).set_params(start=start).fit(IMAGES.images, letters).model_.sha256()
    steps = [again, fitted.fit(IMAGES.images, letters).model_, fitted.partial_fit(IMAGES.images, letters).model_]
    steps.append(fitted.partial_fit(IMAGES.images, letters).model_)
    parts = classifier("auto", **given)
    steps += [parts.partial_fit(IMAGES.images, letters, classes=list("abcde")).model_ for _ in range(2)]
    assert len({model.sha256() for model in steps}) == len(steps)
    for model in steps:
        for name, array in filters(start).items():
            assert np.array_equal(filters(model)[name], array)
    freed = fitted.set_params(freeze=False).partial_fit(IMAGES.images, letters).model_
    assert not np.array_equal(filters(freed)["0.conv.weights"], filters(start)["0.conv.weights"])


def test_without_a_start_nothing_changes(start):
    assert classifier(start=None, freeze=False).fit(IMAGES.images, IMAGES.labels).model_.sha256() == start.sha256()


def refusal(act, *arguments, **given):
    with pytest.raises(ValueError, match=r".") as caught:
        act(*arguments, **given)
    return str(caught.value)


def test_a_class_that_partial_fit_does_not_know():
    parts = classifier().partial_fit(IMAGES.images, IMAGES.labels, classes=[0, 1, 2])
    assert refusal(parts.partial_fit, IMAGES.images, IMAGES.labels + 1) == (
        "y contains previously unseen labels: [3]; partial_fit knows only the classes of its first call: name all of "
        "them there with classes=, or fit a new estimator with start=model_, which begins with the filters"
    )


def test_what_cannot_be_a_start_is_refused(start, tmp_path):
    fit = (IMAGES.images, IMAGES.labels)
    assert refusal(classifier(start=3).fit, *fit) == (
        "start must be a convlet.Model, the path of a model file or None, but got 3"
    )
    assert refusal(classifier(freeze=True).fit, *fit) == (
        "freeze keeps the filters of start, but start is None; give a model, or freeze=False"
    )
    assert refusal(classifier(freeze=1, start=start).fit, *fit) == "freeze must be True or False, but got 1"
    missing = tmp_path / "missing"
    assert refusal(classifier(start=missing).fit, *fit).startswith(f"{missing}: there is no such file")
    three = np.repeat(IMAGES.images, 3, axis=3)
    assert refusal(classifier(start=start).fit, three, IMAGES.labels) == (
        "the model to start from is for images of 8x8x1, but the training images are 8x8x3; give images of 1 channel, "
        "or a model of 3 channels"
    )
