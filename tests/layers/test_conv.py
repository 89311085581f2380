"""Convolution against its formula, one multiplication at a time, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlet.errors import ArchitectureError
from convlet.layers import Conv, Pass
from tests.layers.table import DRAWN, drawn_arrays


def slow_conv(layer, x, weights, biases):
    """The formula of Conv, with a zero wherever a filter reaches beyond the image."""
    n, h, w, c = x.shape
    (above, _), (left, _) = layer.pads(h, w)
    oh, ow, f = layer.output_shape((h, w, c))
    y = np.empty((n, oh, ow, f))
    for image, p, q in np.ndindex(n, oh, ow):
        y[image, p, q] = biases
        for i, j in np.ndindex(layer.size, layer.size):
            row, column = p * layer.stride + i - above, q * layer.stride + j - left
            if 0 <= row < h and 0 <= column < w:
                for channel in range(c):
                    y[image, p, q] += x[image, row, column, channel] * weights[i, j, channel]
    return y


@pytest.mark.parametrize("padding", ["conv, same", "conv, valid"])
@given(data=st.data())
def test_it_is_its_formula(padding, data):
    layer, input_shape = data.draw(DRAWN[padding])
    x, parameters, _ = drawn_arrays(layer, input_shape, np.float64, images=1)
    y, _ = layer.forward(x, parameters, {}, Pass())
    expected = slow_conv(layer, x, parameters["weights"], parameters["biases"])
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)


def test_every_channel_has_its_own_weights():
    """A filter that takes channel 0 and takes away channel 1 sees nothing where the two are equal."""
    x = np.repeat(np.arange(16.0).reshape(1, 4, 4, 1), 2, axis=3)
    weights = np.zeros((1, 1, 2, 1))
    weights[0, 0, :, 0] = 1, -1
    y, _ = Conv(1, size=1).forward(x, {"weights": weights, "biases": np.zeros(1)}, {}, Pass())
    assert not y.any()


def test_filters_are_not_flipped():
    x = np.zeros((1, 3, 3, 1))
    x[0, 1, 1, 0] = 1
    weights = np.arange(9.0).reshape(3, 3, 1, 1)
    y, _ = Conv(1).forward(x, {"weights": weights, "biases": np.zeros(1)}, {}, Pass())
    assert y[0, :, :, 0].tolist() == [[8, 7, 6], [5, 4, 3], [2, 1, 0]]


def test_the_notebook_sizes():
    """28x28 without padding gives 26x26, and a second convolution has a place to go."""
    assert Conv(16, padding="valid").output_shape((28, 28, 1)) == (26, 26, 16)
    assert Conv(32, padding="valid").output_shape((26, 26, 16)) == (24, 24, 32)
    assert Conv(32, padding="valid").parameter_shapes((26, 26, 16)) == {
        "weights": (3, 3, 16, 32),
        "biases": (32,),
    }


def test_initial_weights_have_variance_2_over_fan_in():
    class Draws:
        def normal(self, shape):
            return np.full(shape, 1, np.float32)

    initial = Conv(4, size=5).initial_parameters((8, 8, 2), Draws())
    assert initial["weights"] == pytest.approx(np.sqrt(2 / 50))
    assert not initial["biases"].any()


def test_multiply_adds():
    assert Conv(8).multiply_adds((28, 28, 1)) == 28 * 28 * 9 * 8
    assert Conv(8, stride=2, padding="valid").multiply_adds((28, 28, 4)) == 13 * 13 * 9 * 4 * 8


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Conv(0), "conv filters must be a whole number from 1 to 4096, but got 0"),
        (lambda: Conv(4097), "conv filters must be a whole number from 1 to 4096, but got 4097"),
        (lambda: Conv(True), "conv filters must be a whole number from 1 to 4096, but got True"),
        (lambda: Conv(8.0), "conv filters must be a whole number from 1 to 4096, but got 8.0"),
        (lambda: Conv("8"), "conv filters must be a whole number from 1 to 4096, but got '8'"),
        (lambda: Conv(8, size=64), "conv size must be a whole number from 1 to 63, but got 64"),
        (lambda: Conv(8, size=(3, 3)), "conv size must be a whole number from 1 to 63, but got (3, 3)"),
        (lambda: Conv(8, stride=-1), "conv stride must be a whole number from 1 to 63, but got -1"),
        (lambda: Conv(8, padding="Same"), "conv padding must be 'same' or 'valid', but got 'Same'"),
        (lambda: Conv(8, padding=[1]), "conv padding must be 'same' or 'valid', but got [1]"),
        (
            lambda: Conv(8, 5, padding="valid").output_shape((9, 4, 1)),
            "conv8k5v needs at least 5x5 pixels, but got 9x4 of shape 9x4x1; pool less before it or use larger images",
        ),
        (
            lambda: Conv(8).output_shape((64,)),
            "conv8 needs images of shape HxWxC, but got shape 64; put it before any dense, gap or flatten",
        ),
        (
            lambda: Conv(8).output_shape((0, 4, 1)),
            "conv8 needs images of shape HxWxC, but got shape 0x4x1; put it before any dense, gap or flatten",
        ),
    ],
)
def test_what_it_refuses(make, text):
    with pytest.raises(ArchitectureError) as caught:
        make()
    assert str(caught.value) == text


def test_whole_numbers_of_numpy_are_whole_numbers():
    assert Conv(np.int64(8), np.uint8(5)) == Conv(8, 5)
    assert type(Conv(np.int64(8)).filters) is int
