"""Small pictures: of any image a few pixels that show it, never none, and ordinary images as they are."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.data.thumbnails import LARGEST, LONGEST, chosen, size, thumbnails

RNG = np.random.default_rng(0)
SIDES = [1, 2, 3, 8, 20, 28, 64, 65, 96, 127, 150, 300, 1000, 2000, 4000, 65_536]


@pytest.mark.parametrize("height", SIDES)
def test_no_side_is_lost_and_none_is_large(height):
    for width in SIDES:
        h, w = size(height, width)
        assert min(h, w) >= 1
        assert h * w <= 1.5 * LARGEST**2
        long, short = max(h, w), min(h, w)
        assert long / short <= 1.5 * LONGEST
        if max(height, width) <= LARGEST and max(height, width) < LONGEST * min(height, width):
            assert (h, w) == (height, width)
        assert (h < w) <= (height <= width)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 150), (8, 1000), (1000, 8), (4000, 1), (130, 100), (300, 7), (28, 28), (2, 5)])
@pytest.mark.parametrize("rest", [(), (1,), (3,), (13,)])
def test_pictures_have_their_size_and_type(dtype, shape, rest):
    images = RNG.integers(0, 256, (2, *shape, *rest)).astype(dtype)
    found = thumbnails(images)
    assert found.dtype == dtype
    assert found.shape == (2, *size(*shape), *rest)
    np.testing.assert_allclose(found.mean(), images.mean(), atol=12)
    np.testing.assert_array_equal(thumbnails(np.full((1, *shape, *rest), 7, dtype)), dtype(7))
    assert thumbnails(images[:0]).shape == (0, *size(*shape), *rest)


@pytest.mark.parametrize(("shape", "wanted"), [((1, 150), (19, 150)), ((8, 1000), (24, 166)), ((2000, 20), (166, 20)), ((1, 4000), (22, 173))])  # fmt: skip
def test_long_images_stay_wide_enough_to_be_seen(shape, wanted):
    assert thumbnails(np.zeros((1, *shape, 1), np.uint8)).shape[1:3] == wanted


def test_chosen_images_are_those_with_their_numbers(monkeypatch):
    images = RNG.integers(0, 256, (7, 10, 100, 3)).astype(np.uint8)
    numbers = np.array([5, 0, 0, 6])
    whole = chosen(images, numbers)
    monkeypatch.setattr("convlet.data.thumbnails.READ_BYTES", 2 * images[0].nbytes)
    np.testing.assert_array_equal(chosen(images, numbers), whole)
    np.testing.assert_array_equal(whole, thumbnails(images[numbers]))
    assert chosen(images, numbers[:0]).shape == (0, *size(10, 100), 3)


def test_a_terminal_says_how_large():
    assert thumbnails(np.zeros((1, 1, 4000, 1)), 32).shape == (1, 4, 32, 1)
    assert thumbnails(np.zeros((1, 96, 96, 1)), 32).shape == (1, 32, 32, 1)
