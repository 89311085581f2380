"""exp, tanh, sigmoid and log of our own against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from convlet.kernels.vectors import elementary


def over(function, values):
    @njit(error_model="numpy")
    def apply(x):
        y = np.empty_like(x)
        for i in range(len(x)):
            y[i] = function(x[i])
        return y

    return apply(values)


@pytest.mark.parametrize(
    ("name", "exact", "low", "high", "tolerance"),
    [
        ("exp", np.exp, -86.9, 87.9, 1.5e-7),
        ("tanh", np.tanh, -30, 30, 4e-7),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), -80, 80, 4e-7),
        ("log", np.log, 1e-30, 1e30, 1e-7),
    ],
)
def test_relative_error(name, exact, low, high, tolerance):
    x = np.linspace(low, high, 200_001).astype(np.float32)
    if name == "tanh":
        x = np.concatenate([x, np.float32(10) ** np.linspace(-30, 0, 1001, dtype=np.float32)])
    came, wanted = over(getattr(elementary, name), x), exact(x.astype(np.float64))
    away = np.abs(came - wanted) / np.maximum(np.abs(wanted), 1e-37)
    assert away.max() < tolerance


def test_far_away_values_stay_finite():
    x = np.array([-1e38, -200, 200, 1e38], np.float32)
    np.testing.assert_array_equal(over(elementary.tanh, x), [-1, -1, 1, 1])
    np.testing.assert_allclose(over(elementary.sigmoid, x), [0, 0, 1, 1], atol=1e-37)
    assert np.isfinite(over(elementary.exp, x)).all()
