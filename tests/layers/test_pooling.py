"""The three pooling layers: their values, ties, borders, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlet.errors import ArchitectureError
from convlet.layers import AvgPool, GlobalAvgPool, MaxPool, Pass
from tests.layers.table import DRAWN, drawn_arrays


@pytest.mark.parametrize(("name", "value"), [("max pool", np.max), ("average pool", np.mean)])
@given(data=st.data())
def test_each_output_is_the_value_of_its_window(name, value, data):
    layer, input_shape = data.draw(DRAWN[name])
    x, _, _ = drawn_arrays(layer, input_shape, np.float64, images=1)
    y, _ = layer.forward(x, {}, {}, Pass())
    for p, q in np.ndindex(y.shape[1:3]):
        top, left = p * layer.stride, q * layer.stride
        window = x[0, top : top + layer.size, left : left + layer.size]
        np.testing.assert_allclose(y[0, p, q], value(window, axis=(0, 1)), rtol=1e-12, atol=1e-14)


def gradient_of_max(x, layer):
    x = np.asarray(x, np.float64)[None, :, :, None]
    y, saved = layer.forward(x, {}, {}, Pass())
    dx, _ = layer.backward(np.ones_like(y), saved, {})
    return dx[0, :, :, 0].tolist()


@pytest.mark.parametrize(
    ("x", "dx"),
    [
        ([[5, 5], [5, 5]], [[1, 0], [0, 0]]),
        ([[1, 5], [5, 5]], [[0, 1], [0, 0]]),
        ([[1, 2], [5, 5]], [[0, 0], [1, 0]]),
        ([[0, -0.0], [-1, 0]], [[1, 0], [0, 0]]),
        ([[-np.inf, -np.inf], [-np.inf, -np.inf]], [[1, 0], [0, 0]]),
    ],
)
def test_a_tie_sends_the_gradient_to_the_first_maximum(x, dx):
    assert gradient_of_max(x, MaxPool()) == dx


def test_a_pixel_that_wins_several_windows_gets_the_sum():
    assert gradient_of_max([[1, 1, 1], [1, 9, 1], [1, 1, 1]], MaxPool(2, 1)) == [
        [0, 0, 0],
        [0, 4, 0],
        [0, 0, 0],
    ]


@given(shape=st.tuples(st.integers(3, 8), st.integers(3, 8)), seed=st.integers(0, 1000))
def test_the_gradient_of_max_pooling_is_never_multiplied_by_ties(shape, seed):
    x = np.random.default_rng(seed).integers(0, 2, shape)
    outputs = np.prod(MaxPool(3, 2).output_shape((*shape, 1)))
    assert np.sum(gradient_of_max(x, MaxPool(3, 2))) == outputs


def test_pixels_that_fill_no_window_get_no_gradient():
    layer = AvgPool(2)
    x = np.ones((1, 5, 5, 1))
    y, saved = layer.forward(x, {}, {}, Pass())
    dx, _ = layer.backward(np.ones_like(y), saved, {})
    assert y.shape == (1, 2, 2, 1)
    assert not dx[0, 4].any()
    assert not dx[0, :, 4].any()
    assert dx[0, :4, :4].tolist() == np.full((4, 4, 1), 0.25).tolist()


def test_the_stride_is_the_size_unless_given():
    assert MaxPool().stride == 2
    assert MaxPool(3) == MaxPool(3, 3)
    assert AvgPool(3, 2).stride == 2
    assert MaxPool(3) != AvgPool(3)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: MaxPool(0), "pool size must be a whole number from 1 to 63, but got 0"),
        (lambda: MaxPool(2, 0), "pool stride must be a whole number from 1 to 63, but got 0"),
        (lambda: AvgPool(1.5), "avgpool size must be a whole number from 1 to 63, but got 1.5"),
        (
            lambda: MaxPool().output_shape((1, 3, 8)),
            "pool needs at least 2x2 pixels, but got 1x3 of shape 1x3x8; pool less before it or use larger images",
        ),
        (
            lambda: AvgPool(3).output_shape((8, 2, 1)),
            "avgpool3 needs at least 3x3 pixels, but got 8x2 of shape 8x2x1; pool less before it or use larger images",
        ),
        (
            lambda: GlobalAvgPool().output_shape((10,)),
            "gap needs images of shape HxWxC, but got shape 10; put it before any dense, gap or flatten",
        ),
        (
            lambda: MaxPool().output_shape(()),
            "pool needs images of shape HxWxC, but got shape (); put it before any dense, gap or flatten",
        ),
    ],
)
def test_what_they_refuse(make, text):
    with pytest.raises(ArchitectureError) as caught:
        make()
    assert str(caught.value) == text
