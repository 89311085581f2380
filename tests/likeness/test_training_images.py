"""The description of training images: of any shape and type, small, and the same for the same images."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlet.likeness import TrainingImages
from tests.likeness.made import squares


def test_ink_on_an_even_ground_is_seen_on_either_side():
    light, dark = TrainingImages.of(squares(50)), TrainingImages.of(255 - squares(50))
    assert (light.drawn, light.typical["lean"]) == (True, 1)
    assert (dark.drawn, dark.typical["lean"]) == (True, -1)
    assert (light.low, light.high, light.measured) == (0, 255, 50)


def test_photographs_show_no_ink():
    images = np.random.default_rng(0).integers(0, 256, (50, 16, 16, 3), np.uint8)
    assert not TrainingImages.of(images).drawn


def test_light_and_dark_ink_in_turn_is_no_drawing():
    images = squares(50)
    images[::2] = 255 - images[::2]
    assert not TrainingImages.of(images).drawn


@given(
    st.integers(1, 30), st.integers(1, 12), st.integers(1, 12), st.integers(1, 4), st.sampled_from(["u1", "f4"]),
    st.integers(0, 5),
)  # fmt: skip
def test_every_form_is_described_and_read_back(count, height, width, channels, kind, seed):
    images = np.random.default_rng(seed).integers(0, 256, (count, height, width, channels)).astype(kind)
    made = TrainingImages.of(images)
    assert TrainingImages.from_dict(json.loads(json.dumps(made.as_dict()))) == made
    assert made == TrainingImages.of(images.copy())
    assert (made.low, made.high) == (images.min(), images.max())


def test_of_many_images_some_are_measured_and_a_mapped_file_gives_the_same(tmp_path):
    images = squares(5_000)
    np.save(tmp_path / "images.npy", images)
    made = TrainingImages.of(images)
    assert made.measured == 1_667
    assert made == TrainingImages.of(np.load(tmp_path / "images.npy", mmap_mode="r"))


def test_a_description_takes_a_few_kilobytes():
    labels = np.arange(200) % 10
    logits = np.eye(10, dtype=np.float32)[labels] * 9 + np.random.default_rng(0).normal(0, 1, (200, 10))
    made = TrainingImages.of(squares(200)).with_scores(logits, labels)
    assert made.scores is not None
    assert len(json.dumps(made.as_dict())) < 6_000


def test_logits_that_are_not_finite_give_no_scores():
    assert TrainingImages.of(squares(9)).with_scores(np.full((2, 2), np.nan), np.arange(2)).scores is None


def test_few_images_keep_their_range_alone():
    assert TrainingImages.of(squares(19)).lows == ()
    assert TrainingImages.of(squares(20)).lows != ()


def test_batches_seen_one_after_the_other_are_described_together():
    first, second = squares(50), squares(70, seed=1)
    joined = TrainingImages.of(first).joined(TrainingImages.of(second))
    whole = TrainingImages.of(np.concatenate([first, second]))
    assert (joined.measured, joined.low, joined.high, joined.drawn) == (120, 0, 255, True)
    assert all(a <= b + 1e-9 for a, b in zip(joined.lows, whole.lows, strict=True))
    assert all(a >= b - 1e-9 for a, b in zip(joined.highs, whole.highs, strict=True))
    darker = TrainingImages.of(first).joined(TrainingImages.of(second // 2))
    assert (darker.high, darker.lows, darker.drawn) == (255, (), False)


def test_a_constant_set_has_only_its_range():
    made = TrainingImages.of(np.full((4, 8, 8, 1), 7, np.uint8))
    assert (made.low, made.high, made.lows, made.drawn) == (7, 7, (), False)
    with pytest.raises(ValueError, match="low must be at most high"):
        TrainingImages(1, 2, 1)


def test_of_large_images_enough_are_measured():
    images = np.random.default_rng(0).integers(0, 256, (60, 512, 512, 1), np.uint8)
    made = TrainingImages.of(images)
    assert (made.measured, len(made.lows)) == (20, 12)
