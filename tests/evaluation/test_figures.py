"""Figures of an evaluation against scikit-learn and known values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from convlet.errors import InputError
from convlet.evaluation import figures

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
    assert figures.wilson_interval(wrong, total) == pytest.approx((low, high), abs=2e-5)


def test_wilson_interval_refuses_what_is_no_count():
    with pytest.raises(InputError) as caught:
        figures.wilson_interval(3, 2)
    assert str(caught.value) == "an interval needs 0 <= wrong <= total and total >= 1, but got 3 of 2"
    with pytest.raises(InputError) as caught:
        figures.wilson_interval(1, 2, 1.0)
    assert str(caught.value) == "confidence must be between 0 and 1, but got 1.0"


def test_figures_equal_scikit_learn():
    matrix = figures.confusion_matrix(LABELS, PREDICTED, 4)
    assert matrix == metrics.confusion_matrix(LABELS, PREDICTED).tolist()
    rows = figures.per_class(matrix, NAMES)
    precision, recall, _, count = metrics.precision_recall_fscore_support(LABELS, PREDICTED)
    assert [row["precision"] for row in rows] == pytest.approx(precision)
    assert [row["recall"] for row in rows] == pytest.approx(recall)
    assert [row["images"] for row in rows] == count.tolist()
    assert figures.log_loss(SCORES, LABELS) == pytest.approx(metrics.log_loss(LABELS, SCORES))
    assert figures.error_rate(LABELS, PREDICTED) == pytest.approx(1 - metrics.accuracy_score(LABELS, PREDICTED))


def test_a_class_without_images_has_no_recall():
    rows = figures.per_class([[2, 0], [0, 0]], ("a", "b"))
    assert rows[1] == {"class": "b", "precision": None, "recall": None, "images": 0}


def test_a_probability_of_zero_costs_much_but_not_everything():
    assert np.isfinite(figures.log_loss(np.array([[1.0, 0.0]]), np.array([1])))


def test_calibration_by_hand_and_of_a_model_that_is_right_as_often_as_it_says():
    probabilities = np.array([[0.95, 0.05], [0.92, 0.08], [0.6, 0.4], [1.0, 0.0]])
    found = figures.calibration(probabilities, np.array([0, 1, 0, 0]), 10)
    assert [row["images"] for row in found["bins"]] == [0, 0, 0, 0, 0, 0, 1, 0, 0, 3]
    assert found["bins"][9]["accuracy"] == pytest.approx(2 / 3)
    assert found["bins"][9]["certainty"] == pytest.approx((0.95 + 0.92 + 1.0) / 3)
    assert found["bins"][0]["accuracy"] is None
    assert found["expected_calibration_error"] == pytest.approx(0.25 * 0.4 + 0.75 * abs(2 / 3 - 2.87 / 3))
    drawn = np.array([np.random.default_rng(k).choice(4, p=row) for k, row in enumerate(SCORES)])
    assert figures.calibration(SCORES, drawn)["expected_calibration_error"] < 0.12


def test_paired_test_equals_the_exact_binomial_one():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    for share, other_share, n in ((0.1, 0.1, 50), (0.1, 0.2, 400), (0.02, 0.03, 9000), (0.0, 0.5, 3000)):
        first, second = rng.random(n) < share, rng.random(n) < other_share
        found = figures.paired_test(first, second)
        assert found["only"] == np.sum(first & ~second)
        wanted = stats.binomtest(found["only"], found["only"] + found["only_other"]).pvalue
        assert found["p_value"] == pytest.approx(wanted, rel=1e-6, abs=1e-300)
        assert found["within_chance"] == (found["p_value"] >= 0.05)
    same = {"only": 0, "only_other": 0, "p_value": 1.0, "within_chance": True}
    assert figures.paired_test(first, first) == same


class Model:
    classes = NAMES

    def probabilities(self, images):
        return SCORES


def test_evaluate_gathers_all():
    found = figures.evaluate(Model(), np.zeros((200, 1, 1, 1)), LABELS)
    assert found["error"] == figures.error_rate(LABELS, PREDICTED)
    assert found["error_interval"][0] < found["error"] < found["error_interval"][1]
    assert sum(map(sum, found["confusion_matrix"])) == found["images"] == 200
    assert found["calibration"] == figures.calibration(SCORES, LABELS)


def test_coverage_falls_with_the_threshold_and_counts_the_error_of_what_is_kept():
    confidence = np.array([0.4, 0.6, 0.9, 0.99])
    rows = figures.coverage(confidence, np.array([True, True, False, False]), (0.0, 0.5, 0.9, 1.0))
    assert [(row["kept"], row["coverage"], row["error"]) for row in rows] == [
        *((4, 1.0, 0.5), (3, 0.75, 1 / 3), (2, 0.5, 0.0)),
        (0, 0.0, None),
    ]
