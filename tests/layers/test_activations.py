"""The activations at single values, far out where exp and the cube overflow, and at their kinks."""

from __future__ import annotations

from math import exp, pi, sqrt, tanh

import numpy as np
import pytest

from convlet.errors import ArchitectureError
from convlet.layers import GELU, LeakyReLU, Pass, ReLU, Sigmoid, SiLU, Tanh

SMOOTH = [Tanh(), Sigmoid(), GELU(), SiLU()]
FORMULAS = {
    Tanh(): tanh,
    Sigmoid(): lambda x: 1 / (1 + exp(-x)),
    SiLU(): lambda x: x / (1 + exp(-x)),
    GELU(): lambda x: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))),
    ReLU(): lambda x: max(x, 0.0),
    LeakyReLU(0.1): lambda x: x if x > 0 else 0.1 * x,
}


def both(layer, x, dtype):
    x = np.asarray(x, dtype)[None]
    y, saved = layer.forward(x, {}, {}, Pass())
    dx, _ = layer.backward(np.ones_like(y), saved, {})
    return y[0], dx[0]


@pytest.mark.parametrize("layer", FORMULAS, ids=lambda layer: layer.token())
def test_each_is_its_formula(layer):
    x = np.linspace(-12, 12, 97)
    y, _ = both(layer, x, np.float64)
    np.testing.assert_allclose(y, [FORMULAS[layer](value) for value in x], rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("layer", SMOOTH, ids=lambda layer: layer.token())
def test_far_out_nothing_overflows(layer, dtype):
    """NumPy's warnings are errors here; the largest finite values give the limits of the function."""
    far = np.finfo(dtype).max
    y, dx = both(layer, [-far, -100, 100, far], dtype)
    saturates = isinstance(layer, (Tanh, Sigmoid))
    low = -1 if isinstance(layer, Tanh) else 0
    high = [1, 1] if saturates else [100, far]
    np.testing.assert_allclose(y, np.array([low, low, *high], dtype), atol=1e-30)
    np.testing.assert_allclose(dx, [0, 0, 0, 0] if saturates else [0, 0, 1, 1], atol=1e-30)


@pytest.mark.parametrize("layer", FORMULAS, ids=lambda layer: layer.token())
def test_a_value_that_is_not_a_number_stays_one(layer):
    y, _ = both(layer, [np.nan], np.float32)
    assert np.isnan(y).all()


def test_the_slope_at_the_kink():
    assert both(ReLU(), [0.0, -0.0], np.float32)[1].tolist() == [0, 0]
    assert both(LeakyReLU(0.25), [0.0, -0.0], np.float32)[1].tolist() == [0.25, 0.25]


@pytest.mark.parametrize(
    ("slope", "came"), [(1, "1"), (-0.1, "-0.1"), (float("nan"), "nan"), ("0.1", "'0.1'"), (None, "None")]
)
def test_slopes_that_are_refused(slope, came):
    with pytest.raises(ArchitectureError) as caught:
        LeakyReLU(slope)
    assert str(caught.value) == (
        f"leakyrelu slope must be a number from 0 to below 1, and if not 0 at least 0.000001, but got {came}"
    )
