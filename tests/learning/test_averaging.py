"""The running mean of the parameters, by hand."""

from __future__ import annotations

import numpy as np

from convlet.learning.averaging import RunningMean


def test_it_begins_at_the_vectors_and_follows_them():
    values, state = np.array([1.0, -2.0], np.float32), np.zeros(1, np.float32)
    mean = RunningMean(0.5, values, state)
    wanted = values.astype(np.float64)
    for step in range(1, 30):
        values += 1
        mean.follow(step, values, state)
        decay = min(0.5, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * values
        np.testing.assert_allclose(mean.means[0], wanted, rtol=1e-6)
    assert mean.means[1] == 0
    assert wanted[0] < values[0] - 0.9


def test_without_decay_it_is_the_vectors_themselves():
    values = np.ones(3, np.float32)
    mean = RunningMean(0.0, np.zeros(3, np.float32))
    mean.follow(1, values)
    np.testing.assert_array_equal(mean.means[0], values)
