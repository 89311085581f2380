"""How much each image counts: proportions, classes, and what is refused, word for word."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from convlet.errors import DataError
from convlet.learning.image_weights import image_weights

LABELS = np.array([0, 0, 0, 1, 1, 2])


def test_without_any_there_are_none():
    assert image_weights(None, LABELS, 3, None) is None
    assert image_weights([2.0] * 6, LABELS, 3, None) is None


def test_only_proportions_matter_and_the_mean_is_one():
    weights = image_weights([1, 2, 3, 4, 5, 0], LABELS, 3, None)
    np.testing.assert_allclose(weights, np.array([1, 2, 3, 4, 5, 0]) / 2.5)
    np.testing.assert_allclose(image_weights(np.arange(6) * 7.5, LABELS, 3, None).mean(), 1)


def test_class_weights_equal_those_of_scikit_learn():
    np.testing.assert_allclose(
        image_weights(None, LABELS, 3, "balanced"), compute_sample_weight("balanced", LABELS), rtol=1e-12
    )
    came = image_weights([1, 1, 1, 2, 1, 1], LABELS, 3, (1.0, 0.0, 3.0))
    np.testing.assert_allclose(came, np.array([1, 1, 1, 0, 0, 3]))


def test_balanced_counts_given_weights_and_leaves_out_classes_without_any():
    came = image_weights([1, 1, 1, 3, 3, 0], LABELS, 4, "balanced")
    np.testing.assert_allclose(came, [1, 1, 1, 1.5, 1.5, 0])


@pytest.mark.parametrize(
    ("given", "class_weights", "text"),
    [
        ([1, 2], None, "the weights of the training images must be one number an image, (6,), but got (2,)"),
        ("abc", None, "the weights of the training images must be numbers from 0"),
        (
            [1, 1, -1, 1, 1, 1],
            None,
            "the weights of the training images must be finite and from 0, but number 2 is -1.0",
        ),
        (
            [1, np.nan, 1, 1, 1, 1],
            None,
            "the weights of the training images must be finite and from 0, but number 1 is nan",
        ),
        ([0] * 6, None, "the weights of the training images are all zero; at least one must be above 0"),
        (
            [0, 0, 0, 1, 1, 1],
            (1.0, 0.0, 0.0),
            "the weights of the training images are all zero; at least one must be above 0",
        ),
        (None, (1.0, 2.0), "class_weights must have one number for each of 3 classes, got 2"),
    ],
)
def test_what_is_no_weight_is_refused(given, class_weights, text):
    with pytest.raises(DataError) as caught:
        image_weights(given, LABELS, 3, class_weights)
    assert str(caught.value) == text
