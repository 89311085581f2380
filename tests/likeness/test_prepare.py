"""Pictures of writing made as the training images are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlet.errors import DataError
from convlet.likeness import TrainingImages, prepared, unlike
from convlet.likeness.ink import found_ink, labelled, thickened
from convlet.likeness.resample import drawn_at, reduced, resized
from tests.likeness.made import known, squares

KNOWN, SHAPE = known(), (20, 20, 1)
DARK = TrainingImages.of(255 - squares(200))


def sheet(size, box, ink=20, paper=240):
    """A dark rectangle (top, left, height, width) on a light sheet."""
    picture = np.full(size, paper, np.uint8)
    picture[box[0] : box[0] + box[2], box[1] : box[1] + box[3]] = ink
    return picture


@pytest.mark.parametrize("like", [KNOWN, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ink", [(20, 240), (250, 0), (0, 255), (60, 130)])
@pytest.mark.parametrize("box", [(30, 30, 40, 40), (5, 100, 30, 25), (1, 1, 90, 80), (100, 10, 12, 12)])
def test_ink_of_any_side_place_and_size_becomes_like_the_training_images(like, ink, box):
    made = prepared(sheet((120, 160), box, *ink), like, SHAPE)
    assert made.pixels.shape == SHAPE
    assert made.pixels.dtype == np.uint8
    assert unlike(made.pixels[None], like) == [[]]
    assert made.steps[0] == "ground taken away"
    assert ("inverted" in made.steps) == ((ink[0] < ink[1]) == (like is KNOWN))


def test_a_picture_like_the_training_images_stays_as_it_is():
    image = squares(1, seed=9)[0]
    made = prepared(image, KNOWN, SHAPE)
    assert np.array_equal(made.pixels, image)
    assert made.steps == ()


def test_values_of_another_range_are_scaled_first():
    image = squares(1, seed=9)[0]
    made = prepared(image.astype(np.float32) / 255, KNOWN, SHAPE)
    assert made.steps == ("values scaled",)
    np.testing.assert_allclose(made.pixels, image)


def test_a_picture_without_ink_is_only_resized():
    rng = np.random.default_rng(0)
    for picture in (
        np.full((50, 50), 200, np.uint8),
        np.clip(rng.normal(200, 5, (50, 50)), 0, 255).astype(np.uint8),
        (np.indices((40, 40)).sum(axis=0) // 4 % 2 * 255).astype(np.uint8),
        np.linspace(60, 200, 1600).reshape(40, 40).astype(np.uint8),
    ):
        assert prepared(picture, KNOWN, SHAPE).steps == ()


def test_nothing_is_done_for_photographs_or_without_a_description():
    picture = sheet((120, 160), (30, 30, 40, 40))
    photographs = TrainingImages.of(np.random.default_rng(0).integers(0, 256, (50, 20, 20, 1), np.uint8))
    for like in (None, photographs):
        assert prepared(picture, like, SHAPE).steps == ()


def test_a_network_of_colours_gets_grey_ink_in_every_channel():
    like = TrainingImages.of(np.repeat(squares(100), 3, axis=3))
    made = prepared(sheet((120, 160), (30, 30, 40, 40)), like, (20, 20, 3))
    assert made.pixels.shape == (20, 20, 3)
    assert (made.pixels == made.pixels[..., :1]).all()


@given(
    st.integers(1, 70), st.integers(1, 70), st.sampled_from([None, 1, 3]), st.sampled_from(["u1", "f4", "i8", "?"]),
    st.integers(0, 99), st.sampled_from(["noise", "spot", "blank"]), st.sampled_from([(20, 20, 1), (7, 30, 1), (6, 6, 3)]),
)  # fmt: skip
def test_every_picture_becomes_an_image_of_the_network(height, width, channels, kind, seed, content, shape):
    rng = np.random.default_rng(seed)
    form = (height, width) if channels is None else (height, width, channels)
    picture = np.zeros(form)
    if content == "noise":
        picture = rng.integers(0, 256, form)
    elif content == "spot":
        picture[rng.integers(height) :, rng.integers(width) :] = 255
    made = prepared(picture.astype(kind), KNOWN, shape)
    assert made.pixels.shape == shape
    assert np.isfinite(made.pixels).all()
    again = prepared(picture.astype(kind), KNOWN, shape)
    assert np.array_equal(made.pixels, again.pixels)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros(4), "the image must be (h, w), (h, w, 1) or (h, w, 3), but got shape (4,)"),
        (np.zeros((4, 4, 2)), "the image must be (h, w), (h, w, 1) or (h, w, 3), but got shape (4, 4, 2)"),
        (np.zeros((0, 4)), "the image must be (h, w), (h, w, 1) or (h, w, 3), but got shape (0, 4, 1)"),
        (np.full((4, 4), np.nan), "the image must be finite; mend or leave out its values that are not"),
        (np.full((4, 4), 1e300), "the image must be finite; mend or leave out its values that are not"),
        ("text", "the image must be numbers (uint8 or float), but got dtype <U4"),
    ],
)
def test_what_is_no_picture_is_refused(picture, message):
    with pytest.raises(DataError) as caught:
        prepared(picture, KNOWN, SHAPE)
    assert str(caught.value) == message


def test_pieces_are_numbered_whatever_their_form():
    there = np.zeros((9, 12), bool)
    there[0, 0] = there[1, 1] = True
    there[3:8, 4] = there[7, 4:11] = there[3:8, 10] = True  # a U
    there[4, 7] = True  # inside it
    found = labelled(there)
    assert found.max() == 3
    assert (found > 0).tolist() == there.tolist()
    assert found[0, 0] == found[1, 1] != found[3, 4] == found[3, 10] != found[4, 7]
    assert labelled(np.zeros((3, 3), bool)).max() == 0


def test_specks_and_the_edge_of_a_table_go_and_the_ink_stays():
    levels = np.full((60, 60, 1), 0.9)
    levels[20:40, 25:30] = 0.1
    levels[5, 5] = 0.1
    levels[:, :4] = 0.1
    ink, side = found_ink(levels)
    assert side == -1
    assert (ink > 0).sum() == 100


def test_a_stroke_grows_by_the_radius_on_each_side():
    ink = np.zeros((21, 21))
    ink[:, 10] = 1
    for radius in (0.5, 1.0, 2.5):
        assert thickened(ink, radius)[12].sum() == pytest.approx(1 + 2 * radius, abs=0.3)


@given(st.floats(0.1, 4), st.floats(0.1, 4), st.floats(-5, 5), st.floats(-5, 5))
def test_drawing_at_any_scale_and_place_keeps_the_ink(down, across, top, left):
    ink = np.random.default_rng(0).random((5, 4))
    framed = drawn_at(ink, (40, 40), (down, across), (10 + top, 10 + left))
    assert framed.sum() == pytest.approx(ink.sum() * down * across)


def test_resizing_averages_areas_and_reducing_bounds_the_sides():
    picture = np.arange(16.0).reshape(4, 4, 1)
    assert resized(picture, (2, 2))[..., 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert resized(picture, (4, 4))[..., 0].tolist() == picture[..., 0].tolist()
    assert reduced(picture, 2)[..., 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert reduced(np.ones((1, 9, 1)), 4).shape == (1, 3, 1)
