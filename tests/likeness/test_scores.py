"""Scores of validation images: curve, distances and the threshold of a wanted error."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.errors import SettingsError
from convlet.likeness.scores import MOST_CLASSES, Scores, confidence


def logits_of(count, classes, seed, wrong=0.0):
    """Logits and labels of `count` images of each class, of which a fraction is wrong and less certain."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), count)
    named = labels.copy()
    missed = rng.random(len(labels)) < wrong
    named[missed] = (labels[missed] + 1) % classes
    logits = rng.normal(0, 1, (len(labels), classes)).astype(np.float32)
    logits[np.arange(len(labels)), named] += np.where(missed, 4, 12)
    return logits, labels


@pytest.mark.parametrize("classes", [2, 10, MOST_CLASSES, MOST_CLASSES + 1, 60])
def test_images_like_the_validation_images_are_kept_and_others_are_not(classes):
    scores = Scores.of(*logits_of(60, classes, 0))
    more, _ = logits_of(60, classes, 1)
    assert scores.unlike(more).mean() < 0.02
    assert scores.unlike(more, strict=True).mean() < 0.05
    assert scores.unlike(np.zeros((5, classes), np.float32)).all()
    assert Scores(**scores.as_dict()) == scores
    assert len(str(scores.as_dict())) < 12_000


def test_the_threshold_keeps_the_wanted_error():
    logits, labels = logits_of(400, 5, 2, wrong=0.1)
    scores = Scores.of(logits, labels)
    threshold = scores.threshold(0.01)
    kept = confidence(logits) >= threshold
    assert 0 < threshold < 1
    assert (logits.argmax(axis=1) != labels)[kept].mean() <= 0.01
    assert kept.mean() > 0.85
    assert scores.threshold(0.5) == 0


def test_an_error_that_nothing_keeps_is_refused():
    labels = np.arange(60) % 2
    logits = np.zeros((60, 2), np.float32)
    logits[:, 0] = 5  # as sure when it is wrong
    with pytest.raises(SettingsError) as caught:
        Scores.of(logits, labels).threshold(0.1)
    assert str(caught.value) == (
        "no confidence keeps an error of 0.1 on the 60 validation images; the lowest is 0.5, with 100 % of them kept"
    )


def test_with_few_images_of_a_class_there_are_no_distances():
    scores = Scores.of(*logits_of(4, 3, 0))
    assert scores.means == ()
    assert not scores.unlike(np.zeros((5, 3), np.float32)).any()


def test_confidence_is_the_largest_probability_also_of_large_logits():
    assert confidence(np.array([[0, 0], [1000, 0], [-1000, -1000]], np.float32)).tolist() == [0.5, 1, 0.5]
