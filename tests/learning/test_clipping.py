"""Gradient clipping: the length, and that shorter gradients stay as they are."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.learning.clipping import clip_norm


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 1000])
def test_a_long_gradient_keeps_its_direction(count):
    gradient = np.random.default_rng(count).standard_normal(count).astype(np.float32)
    before, norm = gradient.copy(), np.linalg.norm(gradient.astype(np.float64))
    assert clip_norm(gradient, norm / 4) == pytest.approx(norm, rel=1e-12)
    np.testing.assert_allclose(gradient, before / 4, rtol=1e-6)


def test_a_short_gradient_stays_as_it_is():
    gradient = np.array([3, -4], np.float32)
    assert clip_norm(gradient, 5.0) == 5.0
    assert gradient.tolist() == [3, -4]


def test_large_numbers_do_not_overflow():
    gradient = np.full(8, 3e38, np.float32)
    clip_norm(gradient, 1.0)
    np.testing.assert_allclose(gradient, 8**-0.5, rtol=1e-6)


def test_no_numbers_have_no_length():
    assert clip_norm(np.zeros(0, np.float32), 1.0) == 0
