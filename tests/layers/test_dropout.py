"""Dropout: which values go, how the others are scaled, and the exact derivative."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.errors import ArchitectureError, InputError
from convlet.layers import Dropout, Pass, Sequential, Tanh


def fixed(values):
    return lambda path, shape: np.asarray(values, np.float32).reshape(shape)


def test_what_is_below_the_rate_goes_and_the_rest_is_scaled_up():
    x = np.array([[1.0, 2.0, 3.0, 4.0]])
    run = Pass(training=True, uniform=fixed([0.0, 0.249, 0.25, 0.999]))
    y, saved = Dropout(0.25).forward(x, {}, {}, run)
    assert y.tolist() == [[0, 0, 4.0, 4 / 0.75]]
    dx, _ = Dropout(0.25).backward(np.array([[1.0, 1.0, 1.0, 3.0]]), saved, {})
    assert dx.tolist() == [[0, 0, 1 / 0.75, 4.0]]


def test_after_tanh_the_derivative_is_that_of_tanh_before_the_scaling():
    """The derivative of tanh must be taken of its own output, not of the scaled one."""
    network = Sequential([Tanh(), Dropout(0.5)])
    x = np.array([[0.3, 0.7, 2.0]])
    run = Pass(training=True, uniform=fixed([0.9, 0.1, 0.9]))
    _, saved = network.forward(x, {}, {}, run)
    dx, _ = network.backward(np.ones((1, 3)), saved, {})
    np.testing.assert_allclose(dx, (1 - np.tanh(x) ** 2) * [[2, 0, 2]], rtol=1e-14)


def test_inference_and_rate_zero_change_nothing():
    x = np.array([[1.0, -2.0]], np.float32)
    for layer, run in ((Dropout(0.9), Pass()), (Dropout(0), Pass(training=True, uniform=fixed([0, 0])))):
        y, saved = layer.forward(x, {}, {}, run)
        dx, _ = layer.backward(x, saved, {})
        assert y.tolist() == dx.tolist() == x.tolist()


def test_it_asks_for_numbers_by_its_path():
    asked = []

    def uniform(path, shape):
        asked.append((path, shape))
        return np.ones(shape, np.float32)

    network = Sequential([Dropout(0.5), Tanh(), Dropout(0.2)])
    network.forward(np.ones((2, 3)), {}, {}, Pass(training=True, uniform=uniform, path=(4,)))
    assert asked == [((4, 0), (2, 3)), ((4, 2), (2, 3))]


def test_a_training_pass_without_random_numbers_is_refused():
    with pytest.raises(InputError) as caught:
        Dropout(0.5).forward(np.ones((1, 2)), {}, {}, Pass(training=True))
    assert str(caught.value) == (
        "dropout0.5 needs random numbers in a training pass, but got none; "
        "give them as Pass(training=True, uniform=...)"
    )


@pytest.mark.parametrize("rate", [1, 1.5, -0.1, 1e-7, float("nan"), float("inf"), "0.5", None, True])
def test_rates_that_are_refused(rate):
    with pytest.raises(ArchitectureError) as caught:
        Dropout(rate)
    assert str(caught.value) == (
        f"dropout rate must be a number from 0 to below 1, and if not 0 at least 0.000001, but got {rate!r}"
    )
