"""Dense and flatten: how an image is read, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.errors import ArchitectureError
from convlet.layers import Dense, Flatten, Pass


def test_an_image_is_read_row_by_row_channels_last():
    x = np.arange(24.0).reshape(2, 2, 3, 2)
    parameters = {"weights": np.eye(12), "biases": np.full(12, 0.5)}
    y, _ = Dense(12).forward(x, parameters, {}, Pass())
    assert y.tolist() == (x.reshape(2, 12) + 0.5).tolist()
    flat, shape = Flatten().forward(x, {}, {}, Pass())
    assert flat.tolist() == x.reshape(2, 12).tolist()
    assert Flatten().backward(flat, shape, {})[0].tolist() == x.tolist()


def test_shapes_and_cost():
    assert Flatten().output_shape((2, 3, 4)) == (24,)
    assert Dense(10).parameter_shapes((14, 14, 8)) == {"weights": (1568, 10), "biases": (10,)}
    assert Dense(10).multiply_adds((14, 14, 8)) == 15680


def test_initial_weights_have_variance_2_over_inputs():
    class Draws:
        def normal(self, shape):
            return np.full(shape, 1, np.float32)

    initial = Dense(4).initial_parameters((5, 5, 2), Draws())
    assert initial["weights"] == pytest.approx(np.sqrt(2 / 50))
    head = Dense(4, gain=0.1).initial_parameters((5, 5, 2), Draws())
    assert head["weights"] == pytest.approx(0.1 * np.sqrt(2 / 50))
    assert not initial["biases"].any()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Dense(0), "dense units must be a whole number from 1 to 65536, but got 0"),
        (
            lambda: Dense(10**99),
            f"dense units must be a whole number from 1 to 65536, but got 1{'0' * 56}...",
        ),
        (lambda: Dense(5, gain=-1), "dense gain must be a number from 0 to 100.0, but got -1"),
        (lambda: Dense(5, gain=float("nan")), "dense gain must be a number from 0 to 100.0, but got nan"),
        (lambda: Dense(5, gain="1"), "dense gain must be a number from 0 to 100.0, but got '1'"),
        (lambda: Dense(5).output_shape(()), "dense5 needs at least one value, but got shape ()"),
        (lambda: Dense(5).output_shape((0,)), "dense5 needs at least one value, but got shape 0"),
    ],
)
def test_what_dense_refuses(make, text):
    with pytest.raises(ArchitectureError) as caught:
        make()
    assert str(caught.value) == text
