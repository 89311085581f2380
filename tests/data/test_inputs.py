"""The door: what images and labels become, and what is refused, word for word."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.data.inputs import Labelled, as_images, as_labels
from convlet.errors import DataError
from tests.training.examples import ImageSet

ZEROS = np.zeros((3, 4, 5, 1))


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        (ZEROS.astype(np.uint8), np.uint8),
        (ZEROS.astype(np.float32), np.float32),
        (ZEROS, np.float32),
        (ZEROS.astype(np.float16), np.float32),
        (ZEROS.astype(np.int64), np.float32),
        (ZEROS.astype(bool), np.float32),
        (ZEROS.astype(">f8"), np.float32),
        (np.asfortranarray(ZEROS), np.float32),
        (ZEROS.tolist(), np.float32),
    ],
)
def test_images_become_uint8_or_float32(given, dtype):
    images = as_images(given, "images")
    assert images.dtype == dtype
    assert images.flags.c_contiguous
    assert images.shape == (3, 4, 5, 1)


def test_values_and_order_survive():
    given = np.arange(2 * 3 * 4).reshape(2, 3, 4, 1)[:, ::-1]
    assert as_images(given, "images").tolist() == given.tolist()
    frozen = given.astype(np.uint8)
    frozen.flags.writeable = False
    assert as_images(frozen, "images").tolist() == given.tolist()


def spoilt(value):
    images = ZEROS.copy()
    images[1, 2, 3, 0] = value
    return images


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (np.zeros((3, 4, 5)), "an array of shape (n, H, W, C), but got shape (3, 4, 5)"),
        (np.zeros((3, 4, 0, 1)), "an array of shape (n, H, W, C), but got shape (3, 4, 0, 1)"),
        (np.full((1, 1, 1, 1), "a"), "numbers (uint8 or float), but got dtype <U1"),
        (np.zeros((1, 1, 1, 1), complex), "numbers (uint8 or float), but got dtype complex128"),
        (np.zeros((1, 8, 8, 3)), "4x5x1, but got 8x8x3"),
        (spoilt(np.nan), "finite, but number 1 holds nan; mend or leave out that image"),
        (spoilt(-np.inf), "finite, but number 1 holds -inf; mend or leave out that image"),
        (spoilt(1e300), "finite, but number 1 holds inf; mend or leave out that image"),
    ],
)
def test_images_that_cannot_be_used_are_refused(given, text):
    with pytest.raises(DataError) as caught:
        as_images(given, "test images", (4, 5, 1))
    assert str(caught.value) == f"the test images must be {text}"


def test_large_finite_values_pass():
    assert as_images(np.full((1, 9, 9, 1), 3e38), "images").max() == np.float32(3e38)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.uint64])
def test_labels_become_int64(dtype):
    labels = as_labels(np.array([2, 0, 1], dtype), "labels", 3, 3)
    assert labels.dtype == np.int64
    assert labels.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([0.0, 1.0, 2.0], "whole numbers of shape (n,), but got dtype float64 and shape (3,)"),
        ([[0], [1], [2]], "whole numbers of shape (n,), but got dtype int64 and shape (3, 1)"),
        ([0, 1], "as many as the images, 3, but got 2"),
        ([0, 3, 1], "from 0 to 2, but number 1 is 3; give as many class names as there are labels"),
        ([0, 0, -1], "from 0 to 2, but number 2 is -1; give as many class names as there are labels"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(given, text):
    with pytest.raises(DataError) as caught:
        as_labels(np.array(given), "labels", 3, 3)
    assert str(caught.value) == f"the labels must be {text}"


def test_labelled_images_are_checked_together():
    shown = Labelled.of(ImageSet(ZEROS, [0, 1, 1]), "training", 2)
    assert len(shown) == 3
    assert (shown.images.dtype, shown.labels.dtype) == (np.float32, np.int64)
    with pytest.raises(DataError) as caught:
        Labelled.of(ImageSet(ZEROS, [0, 1, 2]), "training", 2)
    assert str(caught.value) == (
        "the training labels must be from 0 to 1, but number 2 is 2; give as many class names as there are labels"
    )
