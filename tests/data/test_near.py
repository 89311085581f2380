"""Near copies: found if saved again, resized or brightened; different pictures that look alike are not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from convlet.data import copies, near


def photographs(count, side=32, seed=0):
    """Colours that change slowly, and details: (count, side, side, 3) uint8."""
    rng = np.random.default_rng(seed)
    found = np.zeros((count, side, side, 3))
    for grid, strength, colour in ((3, 60, 20), (6, 35, 10), (16, 20, 0)):
        small = rng.normal(0, strength, (count, grid, grid, 1)) + rng.normal(0, colour, (count, grid, grid, 3))
        for k, one in enumerate(small):
            for channel in range(3):
                plane = Image.fromarray(one[..., channel].astype(np.float32))
                found[k, ..., channel] += np.asarray(plane.resize((side, side), Image.Resampling.BICUBIC))
    return np.clip(found + 128, 0, 255).astype(np.uint8)


def saved(pixels, quality):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resized(pixels, side):
    small = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(small.resize((len(pixels), len(pixels)), Image.Resampling.BILINEAR))


CHANGES = {
    "quality 75": lambda pixels: saved(pixels, 75),
    "quality 95": lambda pixels: saved(pixels, 95),
    "10 % smaller": lambda pixels: resized(pixels, 29),
    "10 % larger": lambda pixels: resized(pixels, 35),
    "5 % brighter": lambda pixels: np.clip(pixels * 1.05, 0, 255).astype(np.uint8),
    "5 % darker": lambda pixels: (pixels * 0.95).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(change):
    images = photographs(100)
    changed = np.stack([CHANGES[change](image) for image in images])
    labels = np.arange(100) % 2
    found = near.pairs([images, changed], [labels, labels])
    assert {b - a for a, b in found.tolist()} == {100}
    assert len(found) >= 95


def test_copies_have_one_class():
    images = photographs(6)
    changed = np.stack([saved(image, 90) for image in images])
    assert len(near.pairs([images, changed], [np.zeros(6, np.int64), np.ones(6, np.int64)])) == 0


def test_values_in_other_units_are_found_too():
    images = photographs(20)
    both = [part.astype(np.float32) / 255 for part in (images, np.stack([saved(image, 90) for image in images]))]
    assert len(near.pairs(both, [np.zeros(20, np.int64)] * 2)) == 20


def test_values_of_any_size_are_reduced():
    images = np.random.default_rng(0).random((9, 8, 8, 1)).astype(np.float32)
    images[5] = 3e38
    assert len(near.pairs([images], [np.zeros(9, np.int64)])) == 0


def test_blank_scans_are_copies_of_nothing():
    blank = 255 - np.random.default_rng(0).integers(0, 4, (50, 28, 28, 1)).astype(np.uint8)
    assert len(near.pairs([blank], [np.zeros(50, np.int64)])) == 0
    assert len(near.pairs([np.full((9, 28, 28, 1), 0.5, np.float32)], [np.zeros(9, np.int64)])) == 0


def test_other_textures_under_one_light_are_no_copies():
    rows, columns = np.mgrid[:64, :64]
    noise = np.random.default_rng(0).normal(0, 12, (40, 64, 64))
    images = np.clip(60 + rows + columns + noise, 0, 255).astype(np.uint8)[..., None]
    assert len(near.pairs([images], [np.zeros(40, np.int64)])) == 0


def test_one_shape_in_two_colours_or_brightnesses_is_no_copy():
    shape = np.zeros((16, 16, 3), np.uint8)
    shape[4:12, 6:9] = (200, 40, 40)
    green, dark = shape[..., [1, 0, 2]], shape // 2
    assert len(near.pairs([np.stack([shape, green, dark])], [np.zeros(3, np.int64)])) == 0


def test_different_digits_are_no_copies():
    from sklearn.datasets import load_digits

    images = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)[..., None]
    assert len(near.pairs([images], [np.zeros(len(images), np.int64)])) == 0


def test_images_too_small_to_tell_are_left_alone():
    images = np.zeros((4, 7, 9, 1), np.uint8)
    images[:, 2] = 255
    assert near.pairs([images], [np.zeros(4, np.int64)]).shape == (0, 2)


def test_a_reduced_image_holds_the_mean_of_each_cell():
    images = np.random.default_rng(0).integers(0, 256, (3, 24, 20, 2), np.uint8)
    wide = images.repeat(8, axis=1).repeat(8, axis=2).astype(np.float64)  # whole pixels for 8 cells a side
    wanted = wide.reshape(3, 8, 24, 8, 20, 2).mean(axis=(2, 4)).transpose(0, 1, 3, 2)
    np.testing.assert_allclose(near._reduced(images, 8), wanted, rtol=1e-6)


def chain(images, step=1):
    return np.stack([np.arange(images - step), np.arange(step, images)], axis=1)


def test_near_copies_are_joined_in_groups():
    pairs = np.array([[0, 4], [4, 7], [1, 2]])
    numbers, fewer = copies.join(None, 8, pairs)
    assert fewer == 3
    assert numbers[0] == numbers[4] == numbers[7]
    assert numbers[1] == numbers[2]
    assert len(set(numbers.tolist())) == 5
    assert copies.join(None, 8, pairs[:0]) == (None, 0)
    exact = np.array([0, 0, 2, 3, 4, 5, 6, 7])
    numbers, fewer = copies.join(exact, 8, np.array([[1, 5]]))
    assert fewer == 1
    assert numbers[0] == numbers[1] == numbers[5]


def test_pictures_that_are_alike_by_nature_are_not_joined():
    apart, labels = np.arange(60), np.zeros(60, np.int64)
    assert len(copies.believed(chain(60), labels, apart)) == 0  # a film
    four_times = np.stack([np.arange(0, 59), np.arange(1, 60)], axis=1)[np.arange(59) % 4 != 3]
    assert len(copies.believed(four_times, labels, apart)) == len(four_times)
    few = four_times[four_times.max(axis=1) < 12]
    assert len(copies.believed(few, labels[:12], apart[:12])) == 0  # three groups would be left of twelve images
    assert len(copies.believed(np.array([[0, 1]]), labels, np.zeros(60, np.int64))) == 0  # exact copies already
