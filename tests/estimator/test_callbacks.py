"""scikit-learn's callbacks around a training: which hooks come when, and what they get."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from convlet import ConvNetClassifier

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")

ROWS, DIGITS = (part[:120] for part in load_digits(return_X_y=True))


class Recorder:
    """Keeps what it is told; asks for the training to end after some epochs."""

    def __init__(self, end_after=None):
        self.told, self.fitted, self.end_after = [], [], end_after

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.told.append(f"begin {context.task_name} {context.task_id}")
        assert X is ROWS
        assert y is DIGITS

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None, metadata=None):
        self.told.append(f"end {context.task_name} {context.task_id}")
        self.fitted.append((fitted_estimator.predict_proba(ROWS), metadata))
        return context.task_name == "epoch" and context.task_id + 1 == self.end_after


def classifier(**given):
    own = {"epochs": 3, "batch": 32, "random_state": 0, "n_jobs": 1, "augment": "", "views": "", "learning_rate": 0.006}
    return ConvNetClassifier("dense6-relu", **own | given)


def test_every_epoch_is_a_task():
    recorder = Recorder()
    made = classifier().set_callbacks(recorder).fit(ROWS, DIGITS, sample_weight=np.ones(120))
    epochs = [f"{word} epoch {k}" for k in range(3) for word in ("begin", "end")]
    assert recorder.told == ["setup", "begin fit 0", *epochs, "end fit 0", "teardown"]
    shown = [probabilities for probabilities, _ in recorder.fitted]
    np.testing.assert_array_equal(shown[-1], made.predict_proba(ROWS))
    np.testing.assert_array_equal(shown[-1], shown[-2])
    assert np.abs(shown[0] - shown[1]).max() > 1e-3
    assert all(list(metadata) == ["sample_weight"] for _, metadata in recorder.fitted)


def test_a_callback_changes_nothing_and_can_end_the_training():
    plain = classifier(epochs=2, schedule="constant").fit(ROWS, DIGITS)
    recorder = Recorder(end_after=2)
    watched = classifier(epochs=9, schedule="constant").set_callbacks(recorder).fit(ROWS, DIGITS)
    assert watched.n_iter_ == 2
    assert watched.model_.sha256() == plain.model_.sha256()
    assert recorder.told[-3:] == ["end epoch 1", "end fit 0", "teardown"]


def test_early_stopping_ends_the_last_epochs_task():
    recorder = Recorder()
    made = classifier(epochs=99, early_stopping=True, patience=1, schedule="constant", learning_rate=0.05)
    made.set_callbacks(recorder).fit(ROWS, DIGITS)
    assert made.n_iter_ < 99
    assert recorder.told[-3] == f"end epoch {made.n_iter_ - 1}"
    assert recorder.told.count(f"begin epoch {made.n_iter_}") == 0


def test_a_training_that_fails_still_tears_down():
    recorder = Recorder()
    with pytest.raises(ValueError, match="lower learning_rate"):
        classifier(optimizer="sgd", learning_rate=1e15).set_callbacks(recorder).fit(ROWS, DIGITS)
    assert recorder.told[-1] == "teardown"


def test_scikit_learns_own_monitor_scores_every_epoch_also_in_a_search():
    monitor = callback.ScoringMonitor(scoring="accuracy")
    made = classifier().set_callbacks(monitor).fit(ROWS, DIGITS)
    rows = monitor.get_logs().data
    scores = [row["accuracy"] for row in rows if row["task_name"] == "epoch"]
    assert len(scores) == 3
    assert scores[-1] == made.score(ROWS, DIGITS)
    monitor = callback.ScoringMonitor(scoring="accuracy")
    search = GridSearchCV(classifier().set_callbacks(monitor), {"learning_rate": [0.01, 0.02]}, cv=2, refit=False)
    search.fit(ROWS, DIGITS)
    logs = monitor.get_logs(select="all")
    assert sum(row["task_name"] == "epoch" for log in logs for row in log.data) == 2 * 2 * 3
