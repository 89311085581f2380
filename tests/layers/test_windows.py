"""Padding "same" and the pixels under each tap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlet.layers.windows import same_padding, taps, window_count


@pytest.mark.parametrize(
    ("length", "size", "stride", "pads"),
    [
        (28, 3, 1, (1, 1)),
        (28, 3, 2, (0, 1)),
        (27, 3, 2, (1, 1)),
        (8, 2, 1, (0, 1)),
        (8, 4, 1, (1, 2)),
        (8, 1, 2, (0, 0)),
        (5, 2, 4, (0, 1)),
        (1, 5, 1, (2, 2)),
    ],
)
def test_same_padding_by_hand(length, size, stride, pads):
    assert same_padding(length, size, stride) == pads


@given(length=st.integers(1, 100), size=st.integers(1, 9), stride=st.integers(1, 9))
def test_same_padding_gives_length_over_stride_rounded_up(length, size, stride):
    before, after = same_padding(length, size, stride)
    assert after - before in (0, 1)
    assert window_count(before + length + after, size, stride) == -(-length // stride)


def test_taps_in_row_major_order():
    x = np.arange(25).reshape(1, 5, 5, 1)
    under = {(i, j): x[pixels][0, :, :, 0].tolist() for i, j, pixels in taps(2, 3, 2, 2)}
    assert list(under) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert under[0, 0] == [[0, 3], [15, 18]]
    assert under[1, 1] == [[6, 9], [21, 24]]
