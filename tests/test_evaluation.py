"""Figures of an evaluation against scikit-learn and known values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from convlet import evaluation
from convlet.errors import InputError

RNG = np.random.default_rng(2)
LABELS = RNG.integers(0, 4, 200)
SCORES = RNG.dirichlet(np.ones(4), 200)
SCORES[np.arange(200), LABELS] += 0.5
SCORES /= SCORES.sum(1, keepdims=True)
PREDICTED = SCORES.argmax(1)
NAMES = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("wrong", "total", "low", "high"),
    [(0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (15, 148, 0.06239, 0.16049), (171, 10_000, 0.014742, 0.019832)],
)
def test_wilson_interval(wrong, total, low, high):
    assert evaluation.wilson_interval(wrong, total) == pytest.approx((low, high), abs=2e-5)


def test_wilson_interval_refuses_what_is_no_count():
    with pytest.raises(InputError) as caught:
        evaluation.wilson_interval(3, 2)
    assert str(caught.value) == "an interval needs 0 <= wrong <= total and total >= 1, but got 3 of 2"
    with pytest.raises(InputError) as caught:
        evaluation.wilson_interval(1, 2, 1.0)
    assert str(caught.value) == "confidence must be between 0 and 1, but got 1.0"


def test_figures_equal_scikit_learn():
    matrix = evaluation.confusion_matrix(LABELS, PREDICTED, 4)
    assert matrix == metrics.confusion_matrix(LABELS, PREDICTED).tolist()
    rows = evaluation.per_class(matrix, NAMES)
    precision, recall, _, count = metrics.precision_recall_fscore_support(LABELS, PREDICTED)
    assert [row["precision"] for row in rows] == pytest.approx(precision)
    assert [row["recall"] for row in rows] == pytest.approx(recall)
    assert [row["images"] for row in rows] == count.tolist()
    assert evaluation.log_loss(SCORES, LABELS) == pytest.approx(metrics.log_loss(LABELS, SCORES))
    assert evaluation.error_rate(LABELS, PREDICTED) == pytest.approx(1 - metrics.accuracy_score(LABELS, PREDICTED))


def test_a_class_without_images_has_no_recall():
    rows = evaluation.per_class([[2, 0], [0, 0]], ("a", "b"))
    assert rows[1] == {"class": "b", "precision": None, "recall": None, "images": 0}


def test_worst_mistakes_come_surest_first():
    found = evaluation.worst_mistakes(SCORES, LABELS, NAMES, 5)
    assert len(found) == 5
    assert all(row["label"] != row["predicted"] for row in found)
    sure = [row["probability"] for row in found]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] == SCORES[PREDICTED != LABELS].max()


def test_a_probability_of_zero_costs_much_but_not_everything():
    assert np.isfinite(evaluation.log_loss(np.array([[1.0, 0.0]]), np.array([1])))


class Model:
    classes = NAMES

    def probabilities(self, images):
        return SCORES


def test_evaluate_gathers_all():
    found = evaluation.evaluate(Model(), np.zeros((200, 1, 1, 1)), LABELS)
    assert found["error"] == evaluation.error_rate(LABELS, PREDICTED)
    assert found["error_interval"][0] < found["error"] < found["error_interval"][1]
    assert sum(map(sum, found["confusion_matrix"])) == found["images"] == 200
