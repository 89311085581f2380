"""Arrays at the door: converted where they can be, refused with a clear message where they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.data import arrays
from convlet.errors import DataError

BYTES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def read_only(array):
    array.setflags(write=False)
    return array


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (BYTES, np.uint8),
        (BYTES[..., None], np.uint8),
        (BYTES.astype(np.int64), np.uint8),
        (BYTES > 3, np.uint8),
        (BYTES.astype(np.float64), np.float32),
        (np.asfortranarray(BYTES.astype(np.float32)), np.float32),
        (read_only(BYTES.copy()), np.uint8),
        (BYTES.tolist(), np.uint8),
        (np.zeros((2, 1, 128, 9), np.uint8), np.uint8),  # a signal of nine channels
        (BYTES.astype(np.int32) - 5, np.float32),
        (BYTES[::-1, ::2], np.uint8),
    ],
)
def test_what_can_be_converted(given, kind):
    images = arrays.images(given)
    assert images.dtype == kind
    assert images.ndim == 4
    assert images.flags.c_contiguous
    np.testing.assert_array_equal(images.reshape(np.shape(given)), given)


def bad_pixel(value):
    images = np.zeros((3, 2, 2))
    images[1, 0, 1] = value
    return images


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            np.zeros((2, 2), complex),
            "images: expected numbers, but got complex128; give uint8 or float pixels",
        ),
        (np.array([["a"]]), "images: expected numbers, but got <U1; give uint8 or float pixels"),
        (np.zeros((2, 2)), "images: expected (n, h, w) or (n, h, w, c), but got 2 x 2"),
        (np.float32(3), "images: expected (n, h, w) or (n, h, w, c), but got a single number"),
        (np.zeros((0, 3, 3)), "images: expected at least one pixel of one image, but got (0, 3, 3, 1)"),
        (
            np.zeros((9, 3, 8, 8)),
            "images: the shape (9, 3, 8, 8) has the channels before the rows; expected (n, height, width, channels), "
            "put the channels last with X.transpose(0, 2, 3, 1)",
        ),
        (bad_pixel(np.nan), "images: image 1 has a pixel that is nan; every pixel must be a finite number"),
        (bad_pixel(-np.inf), "images: image 1 has a pixel that is -inf; every pixel must be a finite number"),
        (bad_pixel(1e300), "images: image 1 has a pixel that is inf; every pixel must be a finite number"),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises(DataError) as caught:
        arrays.images(given)
    assert str(caught.value) == message


def test_labels_of_any_kind():
    assert arrays.labels([3, 9, 3])[1] == ("3", "9")
    numbers, classes = arrays.labels(np.array(["dog", "cat", "dog"]))
    assert (numbers.tolist(), classes) == ([1, 0, 1], ("cat", "dog"))
    assert arrays.labels([1.0, 0.0])[0].tolist() == [1, 0]
    assert arrays.labels(["b", "a"], ("b", "a"))[0].tolist() == [0, 1]
    assert arrays.labels([1, 0], ("b", "a"))[0].tolist() == [1, 0]
    assert arrays.labels([[7], [5]])[1] == ("5", "7")
    assert arrays.labels([[7, 5, 7]])[0].tolist() == [1, 0, 1]
    numbers, classes = arrays.labels(np.eye(4)[[3, 0, 3]])
    assert (numbers.tolist(), classes) == ([1, 0, 1], ("0", "3"))


@pytest.mark.parametrize(
    ("given", "classes", "message"),
    [
        ([[1, 2]] * 2, None, "labels: expected one label an image (n,), but got (2, 2)"),
        ([[1, 0], [1, 1]], None, "labels: row 1 has 2 ones; expected one, an image has one class"),
        ([0.5], None, "labels: expected whole numbers or strings, but got float64"),
        ([np.nan], None, "labels: expected whole numbers or strings, but got float64"),
        ([0, 7], ("a", "b"), "labels: label 7 is outside 0 to 1, the numbers of the classes"),
        (["c"], ("a", "b"), "labels: 'c' is none of the classes a, b"),
    ],
)
def test_labels_that_are_refused(given, classes, message):
    with pytest.raises(DataError) as caught:
        arrays.labels(given, classes)
    assert str(caught.value) == message
