"""What is said of images unlike the training images, word for word; and that like ones are left in peace."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.likeness import batch_note, notes_line, range_note, unlike
from convlet.likeness.training_images import TrainingImages
from tests.likeness.made import known, squares

KNOWN = known()


def said(image, like=KNOWN):
    return unlike(np.asarray(image)[None], like)[0]


def moved(image, down, across):
    return np.roll(image, (down, across), axis=(0, 1))


def bar(height, width):
    image = np.zeros((20, 20, 1), np.uint8)
    top, left = (20 - height) // 2, (20 - width) // 2
    image[top : top + height, left : left + width] = 255
    return image


SQUARE = bar(8, 8)

CASES = [
    (SQUARE, []),
    (255 - SQUARE, ["dark on light, but the training images are light on dark"]),
    (np.zeros_like(SQUARE), ["blank: there is nothing in it"]),
    (np.full_like(SQUARE, 255), ["blank: there is nothing in it"]),
    (SQUARE // 4, ["fainter than any training image"]),
    (SQUARE // 255, ["values from 0 to 1, but the training images have 0 to 255: compute x * 255"]),
    (moved(SQUARE, 5, 0), ["off-centre"]),
    (bar(3, 3), ["drawn smaller than the training images", "thinner than the training images"]),
    (bar(16, 16), ["drawn larger than the training images", "thicker than the training images"]),
    (np.maximum(SQUARE, 60), ["fainter than any training image", "its ground is not that of the training images"]),
]


@pytest.mark.parametrize(
    ("image", "words"), CASES, ids=lambda value: "-".join(value) if isinstance(value, list) else ""
)
def test_an_image_is_told_in_what_it_is_unlike(image, words):
    assert said(image) == words


def test_a_set_of_dark_ink_is_told_the_reverse():
    like = TrainingImages.of(255 - squares(200))
    assert said(255 - SQUARE, like) == []
    assert said(SQUARE, like) == ["light on dark, but the training images are dark on light"]


@pytest.mark.parametrize("count", [10, 40, 200, 3_000])
def test_images_of_the_same_kind_are_like_it_however_few_were_measured(count):
    like = TrainingImages.of(squares(count))
    assert sum(map(bool, unlike(squares(500, seed=1), like))) <= 5


RANGES = [
    ((0, 255), (0, 1), "compute x * 255"),
    ((0, 1), (0, 255), "compute x / 255"),
    ((0, 255), (-1, 1), "compute (x + 1) * 127.5"),
    ((-1, 1), (0, 255), "compute x / 127.5 - 1"),
    ((0, 65535), (0, 255), "compute x * 257"),
    ((0, 255), (0, 65535), "compute x / 257"),
    ((0, 16), (0, 255), "compute x / 15.9375"),
    ((0, 255), (0, 16), "compute x * 15.9375"),
    ((-3, 3), (0, 255), "scale them as the training images were"),
]


@pytest.mark.parametrize(("there", "here", "advice"), RANGES)
def test_another_range_is_named_with_what_to_compute(there, here, advice):
    rng = np.random.default_rng(0)
    like = TrainingImages.of(rng.uniform(*there, (40, 12, 12, 1)).astype(np.float32))
    images = rng.uniform(*here, (40, 12, 12, 1)).astype(np.float32)
    note = range_note(images, like)
    assert note.endswith(f": {advice}")
    assert note.startswith(f"values from {images.min():g} to {images.max():g}, but the training images have ")
    if advice.startswith("compute"):
        x = images.astype(np.float64)
        assert range_note(eval(advice.removeprefix("compute "), {"x": x}), like) is None


def test_the_same_range_is_not_named():
    rng = np.random.default_rng(1)
    for low, high in ((0, 1), (-1, 1), (0, 255), (-3, 3), (100, 101), (0, 1e-6), (0, 1e30)):
        like = TrainingImages.of(rng.uniform(low, high, (40, 12, 12, 1)).astype(np.float32))
        assert range_note(rng.uniform(low, high, (40, 12, 12, 1)).astype(np.float32), like) is None
        assert range_note(np.full((1, 12, 12, 1), low, np.float32), like) is None


def test_normal_numbers_with_outliers_stay_silent():
    rng = np.random.default_rng(2)
    like = TrainingImages.of(rng.normal(0, 1, (30, 1, 20, 1)).astype(np.float32))
    for _ in range(50):
        assert range_note(rng.normal(0, 1, (5, 1, 20, 1)).astype(np.float32), like) is None


def test_a_batch_is_one_line_and_a_few_unlike_images_are_none():
    images, logits = squares(100), np.zeros((100, 2), np.float32)
    assert batch_note(images, KNOWN, logits) is None
    few = images.copy()
    few[:2] = 255 - few[:2]
    assert batch_note(few, KNOWN, logits) is None
    assert batch_note(255 - images, KNOWN, logits) == (
        "50 of 50 images looked at are unlike the training images, most often: dark on light, but the training images "
        "are light on dark"
    )
    assert batch_note(images[:0], KNOWN, logits[:0]) is None
    assert notes_line([["off-centre"], []], 2) == "1 of 2 images are unlike the training images, most often: off-centre"
    assert notes_line([["off-centre"]], 1) == "off-centre"
