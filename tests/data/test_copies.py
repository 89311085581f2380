"""Copies of images and groups: found, and never on both sides of a split."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from convlet.data import copies, splits


def test_copies_share_a_number():
    images = np.arange(5 * 4, dtype=np.uint8).reshape(5, 2, 2, 1)[[0, 1, 0, 2, 1, 3, 4, 0]]
    numbers, count = copies.numbers(images)
    assert numbers.tolist() == [0, 1, 0, 3, 1, 5, 6, 0]
    assert count == 3
    assert copies.numbers(images[[0, 1, 3]]) == (None, 0)
    assert copies.common(images[:3], images[4:5]).tolist() == [False, True, False]


def test_groups_are_joined_by_copies():
    images = np.arange(6, dtype=np.float32).reshape(6, 1, 1, 1)
    images[3] = images[0]
    numbers, count = copies.numbers(images, np.array(["a", "a", "b", "b", None, None], object))
    assert len(set(numbers[:4].tolist())) == 1  # a and b hold the same image
    assert len(set(numbers[3:].tolist())) == 3
    assert count == 1


@given(
    st.integers(2, 5),
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4)), min_size=1, max_size=60),
    st.floats(0, 0.9),
)
def test_a_split_by_groups_never_cuts_a_group(classes, made, fraction):
    groups = np.repeat(np.arange(len(made)), [count for count, _ in made])
    labels = np.repeat([label % classes for _, label in made], [count for count, _ in made])
    kept, off = splits.split_groups(labels, groups, classes, fraction, splits.TEST)
    assert not set(groups[kept]) & set(groups[off])
    assert sorted([*kept, *off]) == list(range(len(labels)))
    of_class = [len(set(groups[labels == label])) for label in range(classes)]
    for label in np.unique(labels):
        assert (labels[kept] == label).any()
        if of_class[label] > 1 and fraction > 0:
            assert (labels[off] == label).any()


def test_a_split_by_groups_of_one_is_about_as_large_as_asked():
    labels = np.arange(1000) % 4
    for fraction in (0.1, 0.2, 0.5):
        _, off = splits.split_groups(labels, np.arange(1000) // 4, 4, fraction, splits.TEST)
        assert abs(len(off) - 1000 * fraction) <= 8
        assert len(set(np.bincount(labels[off]))) == 1
