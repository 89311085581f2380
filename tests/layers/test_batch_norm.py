"""Batch normalisation: the shard's own statistics in training, the running ones at inference."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.errors import ArchitectureError
from convlet.layers import BatchNorm, Pass

PLAIN = {"scale": np.ones(2), "shift": np.zeros(2)}


def images():
    return np.random.default_rng(0).normal(3, 5, (4, 3, 2, 2))


def test_training_gives_mean_0_and_variance_1_per_channel():
    y, _ = BatchNorm(epsilon=1e-8).forward(images(), PLAIN, {}, Pass(training=True))
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var((0, 1, 2)), 1, rtol=1e-7)


def test_training_observes_the_mean_and_biased_variance():
    x = images()
    _, saved = BatchNorm().forward(x, PLAIN, {}, Pass(training=True))
    flat = x.reshape(-1, 2)
    observed = BatchNorm().observed(saved)
    np.testing.assert_allclose(observed["mean"], flat.sum(0) / 24, rtol=1e-12)
    np.testing.assert_allclose(observed["variance"], ((flat - flat.mean(0)) ** 2).sum(0) / 24, rtol=1e-12)


def test_inference_uses_the_running_statistics():
    state = {"mean": np.array([1.0, 2.0]), "variance": np.array([4.0, 0.25])}
    parameters = {"scale": np.array([3.0, 1.0]), "shift": np.array([0.5, -1.0])}
    layer = BatchNorm(epsilon=1e-8)
    y, saved = layer.forward(np.array([[5.0, 1.0]]), parameters, state, Pass())
    np.testing.assert_allclose(y, [[3 * 4 / 2 + 0.5, -1 / 0.5 - 1]], rtol=1e-7)
    dx, gradients = layer.backward(np.array([[1.0, 1.0]]), saved, parameters)
    np.testing.assert_allclose(dx, [[1.5, 2.0]], rtol=1e-7)
    np.testing.assert_allclose(gradients["scale"], [2, -2], rtol=1e-7)
    assert gradients["shift"].tolist() == [1, 1]


def test_training_sends_nothing_back_for_a_shift_of_the_whole_shard():
    """The mean is taken out, so moving all images together changes nothing."""
    x = images()
    _, saved = BatchNorm().forward(x, PLAIN, {}, Pass(training=True))
    dy = np.random.default_rng(1).standard_normal(x.shape)
    dx, _ = BatchNorm().backward(dy, saved, PLAIN)
    np.testing.assert_allclose(dx.sum((0, 1, 2)), 0, atol=1e-12)


def test_one_image_of_one_pixel_gives_the_shift():
    parameters = {"scale": np.array([2.0, 2.0]), "shift": np.array([0.5, -1.0])}
    y, saved = BatchNorm().forward(np.array([[7.0, -3.0]]), parameters, {}, Pass(training=True))
    assert y.tolist() == [[0.5, -1.0]]
    assert BatchNorm().backward(np.ones((1, 2)), saved, parameters)[0].tolist() == [[0, 0]]


def test_initial_values_change_nothing_at_inference():
    layer = BatchNorm(epsilon=1e-8)
    x = images().astype(np.float32)
    y, _ = layer.forward(x, layer.initial_parameters((3, 2, 2), None), layer.initial_state((3, 2, 2)), Pass())
    np.testing.assert_allclose(y, x, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: BatchNorm(0), "bn epsilon must be a number from 0.00000001 to below 1, but got 0"),
        (lambda: BatchNorm(-1.0), "bn epsilon must be a number from 0.00000001 to below 1, but got -1.0"),
        (
            lambda: BatchNorm(momentum=1),
            "bn momentum must be a number from 0 to below 1, and if not 0 at least 0.000001, but got 1",
        ),
        (lambda: BatchNorm().output_shape(()), "bn needs at least one value, but got shape ()"),
    ],
)
def test_what_it_refuses(make, text):
    with pytest.raises(ArchitectureError) as caught:
        make()
    assert str(caught.value) == text
