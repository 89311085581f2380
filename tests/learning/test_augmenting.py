"""The definition of augmentation: what each change does to an image."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.learning.augmentation import parse_augmentation
from convlet.learning.augmenting import show, spline
from convlet.learning.preprocessing import Preprocessing

PLAIN = Preprocessing((0.0,), (1.0,))
RNG = np.random.default_rng(3)
IMAGES = RNG.integers(1, 256, (6, 9, 7, 1)).astype(np.uint8)


def shown(word, images=IMAGES, count=400, scaling=PLAIN, **place):
    numbers = np.arange(count) % len(images)
    place = {"seed": 1, "epoch": 0, "position": 0} | place
    return numbers, show(parse_augmentation(word), scaling, images, numbers, slice(None), **place)


def test_every_shift_occurs_and_repeats_the_edge():
    numbers, came = shown("shift1")
    seen = set()
    for number, image in zip(numbers, came.images, strict=True):
        wide = np.pad(IMAGES[number], ((1, 1), (1, 1), (0, 0)), "edge")
        fitting = [
            (down, right) for down in range(3) for right in range(3) if (wide[down:, right:][:9, :7] == image).all()
        ]
        assert fitting
        seen |= set(fitting)
    assert len(seen) == 9


@pytest.mark.parametrize("word", ["shift2", "flip", "erase0.3", "cutmix0.5"])
def test_neighbours_whose_difference_overflows_do_not_matter_between_no_pixels(word):
    images = RNG.choice([-3.4e38, 3.4e38], (6, 9, 7, 1)).astype(np.float32)
    _, came = shown(word, images, count=20)
    assert np.isfinite(came.images).all()


def test_half_of_the_images_are_mirrored():
    numbers, came = shown("flip")
    mirrored = [(image == IMAGES[n][:, ::-1]).all() for n, image in zip(numbers, came.images, strict=True)]
    kept = [(image == IMAGES[n]).all() for n, image in zip(numbers, came.images, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 150 < sum(mirrored) < 250


def test_the_alternating_flip_mirrors_each_image_in_every_second_epoch():
    images = RNG.integers(1, 256, (200, 3, 3, 1)).astype(np.uint8)
    flips = []
    for epoch, position in enumerate([0, 7, 20, 5]):
        _, came = shown("flipalt", images, 200, epoch=epoch, position=position)
        flips.append((came.images == images[:, :, ::-1]).all(axis=(1, 2, 3)))
    assert 70 < flips[0].sum() < 130
    assert (flips[0] != flips[1]).all()
    np.testing.assert_array_equal(flips[0], flips[2])
    np.testing.assert_array_equal(flips[1], flips[3])


def test_rotation_turns_a_plane_and_keeps_its_middle():
    """An image whose values rise evenly to the right: turned, it rises evenly in another direction."""
    plane = np.tile(np.arange(9, dtype=np.float32) - 4, (9, 1))[None, :, :, None]
    _, came = shown("rotate30", plane, 50)
    angles = []
    for image in came.images[..., 0]:
        inner = image[3:6, 3:6]
        down, right = (inner[2, 1] - inner[0, 1]) / 2, (inner[1, 2] - inner[1, 0]) / 2
        assert inner[1, 1] == pytest.approx(0, abs=1e-5)
        assert np.hypot(down, right) == pytest.approx(1, abs=1e-5)
        angles.append(np.degrees(np.arctan2(down, right)))
    assert max(np.abs(angles)) < 30
    assert min(angles) < -20
    assert max(angles) > 20


def test_zoom_changes_the_steepness_of_a_plane():
    plane = np.tile(np.arange(9, dtype=np.float32) - 4, (9, 1))[None, :, :, None]
    _, came = shown("zoom0.5", plane, 200)
    sizes = 1 / (came.images[:, 4, 5, 0] - came.images[:, 4, 4, 0])
    assert 0.5 < sizes.min() < 0.6
    assert 1.4 < sizes.max() < 1.5


def test_the_spline_counts_to_one_and_bends_evenly():
    for size in (1, 5, 28):
        weights = spline(size)
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
        assert (weights >= 0).all()
    np.testing.assert_allclose(spline(9)[0, :3], [1 / 6, 2 / 3, 1 / 6], atol=1e-6)
    np.testing.assert_allclose(spline(9)[-1, -3:], [1 / 6, 2 / 3, 1 / 6], atol=1e-6)


def test_elastic_moves_each_pixel_a_little_and_neighbours_alike():
    plane = np.tile(np.arange(28, dtype=np.float32), (28, 1))[None, :, :, None]
    _, came = shown("elastic2", plane, 30)
    moved = came.images[:, :, 4:-4, 0] - plane[:, :, 4:-4, 0]
    assert np.abs(moved).max() < 2
    assert np.abs(moved).max() > 0.8
    assert np.abs(np.diff(moved, axis=1)).max() < 0.6
    assert moved.std(axis=0).min() > 0.2


def test_brightness_and_contrast_are_about_the_mean():
    scaling = Preprocessing((100.5,), (50.0,))  # no pixel is the mean
    _, lit = shown("brightness0.5", scaling=scaling)
    plain = scaling.apply(IMAGES[np.arange(400) % 6])
    differences = lit.images - plain
    np.testing.assert_allclose(differences.std(axis=(1, 2, 3)), 0, atol=1e-6)
    assert -0.5 <= differences.min() < -0.45
    assert 0.45 < differences.max() < 0.5
    _, deep = shown("contrast0.5", scaling=scaling)
    factors = deep.images / plain
    np.testing.assert_allclose(factors.std(axis=(1, 2, 3)), 0, atol=1e-5)
    assert 0.5 <= factors.min() < 0.55
    assert 1.45 < factors.max() <= 1.5


def test_erase_sets_a_rectangle_to_the_mean():
    scaling = Preprocessing((0.5,), (50.0,))  # no pixel is the mean
    images = RNG.integers(1, 256, (1, 20, 20, 1)).astype(np.uint8)
    _, came = shown("erase0.25", images, 300, scaling)
    shares = []
    for image in came.images[..., 0]:
        gone = image == 0
        shares.append(gone.mean())
        if gone.any():
            rows, columns = np.flatnonzero(gone.any(1)), np.flatnonzero(gone.any(0))
            assert gone[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert 0.2 < max(shares) <= 0.25
    assert 0.05 < np.mean(shares) < 0.125


def test_cutmix_pastes_a_rectangle_and_says_how_much():
    images = np.repeat(np.arange(1, 51, dtype=np.uint8), 100).reshape(50, 10, 10, 1)
    numbers, came = shown("cutmix0.5", images, 400)  # eight times each image in one batch
    pasted = came.partners != numbers
    assert 140 < pasted.sum() < 230
    for number, image, partner, share in zip(numbers, *came, strict=True):
        other = image == partner + 1
        assert ((image == number + 1) | other).all()
        if partner != number:
            assert share == pytest.approx(1 - other.mean())
    assert 0.4 < (came.shares == 1).mean() < 0.75
    assert came.shares.min() < 0.25
    assert len(set(came.partners[pasted].tolist())) > 40


def test_an_images_change_depends_on_its_place_and_epoch_alone():
    word = "flip-shift2-rotate10-elastic1-cutmix0.5"
    _, whole = shown(word, count=20)
    for first in (0, 7, 19):
        batch, change = np.arange(20) % 6, parse_augmentation(word)
        part = show(change, PLAIN, IMAGES, batch, slice(first, None), seed=1, epoch=0, position=0)
        np.testing.assert_array_equal(part.images, whole.images[first:])
        np.testing.assert_array_equal(part.partners, whole.partners[first:])
    for other in ({"epoch": 1}, {"seed": 2}, {"position": 20}):
        assert (shown(word, count=20, **other)[1].images != whole.images).any(axis=(1, 2, 3)).all()
