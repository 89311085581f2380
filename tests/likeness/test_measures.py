"""Measures of one image against what can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlet.likeness.measures import NAMES, border_pixels, grey, measure


def of(levels):
    return dict(zip(NAMES, measure(np.array(levels, np.float32)[None])[0].tolist(), strict=True))


def test_a_rectangle_has_the_measures_it_was_drawn_with():
    levels = np.zeros((10, 20))
    levels[2:8, 5:7] = 1
    found = of(levels)
    assert found == pytest.approx(
        {
            **{"border": 0, "unevenness": 0, "contrast": 1, "ink": 12 / 200, "thickness": 2 * 12 / 16 / 20},
            **{"side": 6 / 20, "height": 0.6, "width": 0.1, "down": 0.5, "across": 0.3, "lean": 1},
            "smoothness": 1 - 16 / (9 * 20 + 10 * 19) / (2 * 0.06 * 0.94),
        }
    )
    dark = of(1 - levels)
    assert dark == pytest.approx({**found, "border": 1, "lean": -1})


def test_a_blank_image_has_no_ink():
    found = of(np.full((8, 8), 0.5))
    assert [found[name] for name in ("contrast", "ink", "height", "lean")] == pytest.approx([0, 0, 0, 0], abs=1e-9)


def test_levels_are_fractions_of_the_range_and_colours_are_weighted():
    images = np.array([[[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]]], np.uint8)
    assert grey(images, 0, 255)[0, 0].tolist() == pytest.approx([0.299, 0.587, 0.114, 1])
    assert grey(np.array([[[[2.0, 4.0]]]], np.float32), 1, 5)[0, 0, 0] == pytest.approx(0.5)


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(1, 4),
    st.floats(-(2.0**126), 2.0**126, width=32),
    st.integers(0, 9),
)
def test_every_shape_and_value_gives_finite_measures(height, width, channels, value, seed):
    images = np.random.default_rng(seed).normal(0, 1, (3, height, width, channels)).astype(np.float32)
    images[0] = value
    images[1, 0, 0, 0] = value
    found = measure(grey(images, -1, 1))
    assert found.shape == (3, len(NAMES))
    assert np.isfinite(found).all()


def test_the_border_is_met_once():
    levels = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    assert sorted(border_pixels(levels)[0].tolist()) == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]
    assert border_pixels(levels[:, :2]).shape == (1, 8)
