"""The estimator after an exception at any moment of a fit: all of it is as it was, or all of it is new."""

from __future__ import annotations

import numpy as np
import pytest

from convlet import ConvNetClassifier
from tests.interrupted import at_each_moment
from tests.training.examples import stripes

IMAGES = stripes(40)
pytestmark = pytest.mark.usefixtures("reference")


@pytest.fixture
def reference(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")


def fitted():
    made = ConvNetClassifier("pool", epochs=1, batch=40, random_state=0, n_jobs=1, warm_start=True)
    return made.fit(IMAGES.images, IMAGES.labels)


def told(estimator):
    """Everything that the estimator knows, and what comes of going on from it."""
    losses, epochs = list(estimator.loss_curve_), estimator.n_iter_
    before = estimator.predict_proba(IMAGES.images).tobytes(), losses, epochs
    estimator.partial_fit(IMAGES.images, IMAGES.labels)
    return *before, estimator.predict_proba(IMAGES.images).tobytes()


@pytest.mark.parametrize("name", ["fit", "partial_fit"])
def test_an_interrupted_fit_is_no_fit(name):
    def again(estimator):
        getattr(estimator, name)(IMAGES.images, IMAGES.labels)
        return estimator

    old, new = told(fitted()), told(again(fitted()))
    assert old != new
    estimators, seen = [fitted()], []
    for _ in at_each_moment(lambda: again(estimators[0]), step=397):
        seen.append(told(estimators[0]))
        estimators[0] = fitted()
    assert all(one in (old, new) for one in seen)
    assert len(seen) > 5


def test_private_attributes_are_taken_back_too(monkeypatch):
    estimator = fitted()
    before = dict(vars(estimator))

    def taken(self, trained, classes, goes_on=False):
        self._snapshot, self._epochs_shown, self.n_iter_, self.new_ = trained.snapshot, 77, 5, 1
        raise KeyboardInterrupt

    monkeypatch.setattr(ConvNetClassifier, "_take", taken)
    for name in ("fit", "partial_fit"):
        with pytest.raises(KeyboardInterrupt):
            getattr(estimator, name)(IMAGES.images, IMAGES.labels)
        assert vars(estimator).keys() == before.keys()
        assert all(vars(estimator)[key] is before[key] for key in before)
    assert np.isfinite(estimator.predict_proba(IMAGES.images)).all()
