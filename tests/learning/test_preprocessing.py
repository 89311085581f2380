"""Scaling of pixels: exact means, constant channels, and what cannot be used."""

from __future__ import annotations

from fractions import Fraction
from math import nan, sqrt

import numpy as np
import pytest

from convlet import random
from convlet.learning.preprocessing import Preprocessing


def pixels(shape, high=256):
    return (random.uniform(shape, seed=3, purpose=random.AUGMENT) * high).astype(np.uint8)


def test_uint8_means_are_exact():
    images = pixels((300, 5, 4, 2))  # more than are summed at once
    made = Preprocessing.from_images(images)
    for channel in range(2):
        values = [int(v) for v in images[..., channel].ravel()]
        mean = Fraction(sum(values), len(values))
        variance = Fraction(sum(v * v for v in values), len(values)) - mean**2
        assert made.mean[channel] == float(mean)
        assert made.std[channel] == sqrt(float(variance))


def test_float_images_give_the_means_of_the_same_numbers():
    images = pixels((300, 5, 4, 2))
    whole, real = Preprocessing.from_images(images), Preprocessing.from_images(images.astype(np.float32))
    np.testing.assert_allclose(real.mean, whole.mean, rtol=1e-14)
    np.testing.assert_allclose(real.std, whole.std, rtol=1e-13)


@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_constant_channel_has_the_standard_deviation_one(value):
    images = pixels((20, 3, 3, 2))
    images[..., 1] = value
    made = Preprocessing.from_images(images)
    assert made.std[0] != 1
    assert (made.mean[1], made.std[1]) == (value, 1)
    assert not made.apply(images)[..., 1].any()


def test_a_constant_float_channel_is_constant_in_spite_of_rounding():
    made = Preprocessing.from_images(np.full((1000, 3, 3, 1), 0.1, np.float32))
    assert made.std == (1.0,)


def test_pixels_are_scaled_in_float32():
    made = Preprocessing((10.0, 20.0), (2.0, 3.0))
    assert made.scale.dtype == made.offset.dtype == np.float32
    assert made.scale.tolist() == [0.5, np.float32(1 / 3)]
    assert made.offset.tolist() == [-5, np.float32(-20 / 3)]
    images = pixels((4, 3, 3, 2))
    x = made.apply(images)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, images.astype(np.float32) * made.scale + made.offset)
    np.testing.assert_array_equal(made.apply(images.astype(np.float32)), x)


def test_scaled_training_images_have_mean_zero_and_standard_deviation_one():
    images = pixels((200, 4, 4, 3), 90)
    x = Preprocessing.from_images(images).apply(images)
    np.testing.assert_allclose(x.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(x.std((0, 1, 2)), 1, rtol=1e-5)


def test_a_dictionary_gives_the_same_preprocessing_again():
    made = Preprocessing.from_images(pixels((10, 3, 3, 3)))
    assert Preprocessing.from_dict(made.as_dict()) == made


@pytest.mark.parametrize(
    ("mean", "std", "text"),
    [
        ((), (), "mean and std need one number per channel, but got () and ()"),
        ((1.0,), (1.0, 2.0), "mean and std need one number per channel, but got (1.0,) and (1.0, 2.0)"),
        ((nan,), (1.0,), "but got (nan,) and (1.0,)"),
        ((1.0,), (0.0,), "but got (1.0,) and (0.0,)"),
        ((1.0,), (-1.0,), "but got (1.0,) and (-1.0,)"),
        ((1e30,), (1e-20,), "but got (1e+30,) and (1e-20,)"),
    ],
)
def test_numbers_that_cannot_scale_are_refused(mean, std, text):
    with pytest.raises(ValueError, match=r"^mean ") as caught:
        Preprocessing(mean, std)
    if not text.startswith("mean"):
        text = f"mean must be finite and std at least 1e-30, and mean / std at most 1e+38, {text}"
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "preprocessing needs mean and std, and nothing else"),
        ({"mean": [1.0]}, "preprocessing needs mean and std, and nothing else"),
        ({"mean": [1.0], "std": [1.0], "x": 1}, "preprocessing needs mean and std, and nothing else"),
        ({"mean": 1.0, "std": [1.0]}, "mean and std must be lists of numbers"),
        ({"mean": [True], "std": [1.0]}, "mean and std must be lists of numbers"),
        ({"mean": [10**400], "std": [1.0]}, "mean and std must be finite numbers"),
    ],
)
def test_a_dictionary_that_describes_none_is_refused(values, text):
    with pytest.raises(ValueError, match=r".") as caught:
        Preprocessing.from_dict(values)
    assert str(caught.value) == text
