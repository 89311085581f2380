"""The figures beside the error, against scikit-learn's and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from convlet.evaluation.headline import FEWEST, headline
from convlet.records.evaluation import Counted
from convlet.report.headline import headline_lines, is_bad


def matrix_of(labels, predicted, classes):
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes).tolist()


@given(st.integers(2, 6), st.integers(FEWEST, 200), st.integers(0, 10**6))
def test_the_figures_are_scikit_learns(classes, images, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    predicted = np.where(rng.random(images) < 0.7, labels, rng.integers(0, classes, images))
    there = np.unique(labels)
    found = headline(matrix_of(labels, predicted, classes), list("abcdef"[:classes]))
    macro = {"labels": there, "average": "macro", "zero_division": 0}
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert found["balanced_accuracy"] == pytest.approx(metrics.recall_score(labels, predicted, **macro))
    assert found["macro_recall"] == found["balanced_accuracy"]
    assert found["macro_precision"] == pytest.approx(metrics.precision_score(labels, predicted, **macro))
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(labels, predicted, **macro))
    assert found["baseline"]["error"] == pytest.approx(1 - np.bincount(labels).max() / images)


def test_always_the_most_frequent_class_is_said_to_be_no_better():
    found = headline([[80, 0], [2, 0]], ["good", "defect"])
    assert found["better_than_baseline"] is False
    assert headline_lines(found) == [
        "accuracy 97.56 %, balanced accuracy 50.00 %; macro precision 48.78 %, recall 50.00 %, F1 49.38 %",
        "baseline, always 'good': error 2.44 %, balanced error 50.00 %; the network's balanced error is 50.00 %",
        "worst class 'defect': recall 0.00 % of 2 images",
        "no better than always 'good'",
    ]
    assert [is_bad(line) for line in headline_lines(found)] == [False, False, False, True]


def test_even_classes_need_no_worst_class():
    found = headline([[48, 2], [1, 49]], ["cat", "dog"])
    assert found["worst"] == {"class": "cat", "recall": 0.96, "images": 50}
    assert headline_lines(found) == [
        "accuracy 97.00 %, balanced accuracy 97.00 %; macro precision 97.02 %, recall 97.00 %, F1 97.00 %",
        "baseline, always 'cat': error 50.00 %",
    ]


@pytest.mark.parametrize(
    ("matrix", "better"),
    [
        ([[90, 0], [6, 4]], False),  # 4 to 0: p = 0.0625
        ([[90, 0], [5, 5]], True),  # 5 to 0: p = 0.03125
        ([[88, 2], [5, 5]], False),
        ([[9000, 40], [500, 500]], True),
        ([[9000, 500], [500, 500]], False),
        ([[50, 50], [50, 50]], False),
    ],
)
def test_better_means_significantly_better(matrix, better):
    assert headline(matrix, ["a", "b"])["better_than_baseline"] is better


def test_too_few_images_are_said_and_nothing_is_computed():
    found = headline([[3, 1], [0, 2]], ["a", "b"])
    assert found["too_few"]
    figures = set(found) - set(Counted.__annotations__) - {"too_few"}
    assert len(figures) == 9
    assert {found[name] for name in figures} == {None}
    lines = headline_lines(found)
    assert lines == ["1 of 6 images are wrong; these are too few to say how good the network is"]
    assert is_bad(lines[0])


def test_classes_without_an_image_are_named():
    found = headline([[20, 1, 0], [0, 20, 0], [0, 0, 0]], ["a", "b", "c"])
    assert found["absent"] == ["c"]
    assert headline_lines(found)[-1] == "no images of 1 classes (c): nothing is known of them"
    assert headline_lines(None) == []
