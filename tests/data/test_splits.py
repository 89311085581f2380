"""Stratified splits: exact counts, every class on both sides, the same images every time."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.data import splits
from convlet.errors import DataError

LABELS = np.repeat([0, 1, 2, 3], [100, 57, 3, 1])


def test_a_split_keeps_the_shares_and_shares_no_image():
    kept, off = splits.split(LABELS, 4, 0.2, splits.VALIDATION)
    assert sorted([*kept, *off]) == list(range(len(LABELS)))
    assert np.bincount(LABELS[off], minlength=4).tolist() == [20, 11, 1, 0]
    again = splits.split(LABELS, 4, 0.2, splits.VALIDATION)
    np.testing.assert_array_equal(off, again[1])


def test_two_streams_choose_differently():
    a, b = (splits.split(LABELS, 4, 0.2, stream)[1] for stream in (splits.VALIDATION, splits.TEST))
    assert a.tolist() != b.tolist()


def test_a_fraction_of_zero_splits_nothing_off():
    assert len(splits.split(LABELS, 4, 0.0, splits.VALIDATION)[1]) == 0


def test_a_subset_has_exactly_so_many_images_and_every_class():
    numbers = splits.subset(LABELS, 4, 10)
    assert len(numbers) == 10
    assert np.bincount(LABELS[numbers], minlength=4).min() >= 1


@pytest.mark.parametrize(
    ("total", "message"),
    [
        (200, "--train-images 200: there are only 161 training images; ask for at most that many"),
        (3, "--train-images 3: there are 4 classes; ask for at least one image of each"),
    ],
)
def test_subsets_that_cannot_be(total, message):
    with pytest.raises(DataError) as caught:
        splits.subset(LABELS, 4, total)
    assert str(caught.value) == message


def test_shares_add_up():
    rng = np.random.default_rng(0)
    for _ in range(200):
        counts = rng.integers(1, 1000, rng.integers(1, 12))
        total = int(rng.integers(0, counts.sum() + 1))
        given = splits.shares(counts, total)
        assert given.sum() == total
        assert np.all(given <= counts)
        assert np.abs(given - counts * total / counts.sum()).max() <= 1
