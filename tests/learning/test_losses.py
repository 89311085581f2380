"""Softmax cross-entropy: by hand, its gradient, large logits, and PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlet import random
from convlet.learning.losses import softmax, softmax_cross_entropy


def test_loss_and_gradient_by_hand():
    logits = np.log(np.array([[1.0, 2.0, 5.0], [4.0, 4.0, 2.0]]))
    losses, dlogits = softmax_cross_entropy(logits, np.array([2, 0]))
    np.testing.assert_allclose(losses, [-math.log(5 / 8), -math.log(4 / 10)], rtol=1e-12)
    np.testing.assert_allclose(dlogits, [[1 / 8, 2 / 8, 5 / 8 - 1], [4 / 10 - 1, 4 / 10, 2 / 10]], rtol=1e-12)
    np.testing.assert_allclose(softmax(logits), [[1 / 8, 2 / 8, 5 / 8], [0.4, 0.4, 0.2]], rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_logits_neither_overflow_nor_take_the_logarithm_of_zero(dtype):
    large = np.finfo(dtype).max / 4
    logits = np.array([[large, 0, -large], [large, 0, -large], [1e4, 1e4, -1e4]], dtype)
    losses, dlogits = softmax_cross_entropy(logits, np.array([0, 2, 1]))
    assert losses.dtype == dlogits.dtype == dtype
    np.testing.assert_allclose(losses, [0, large * 2, math.log(2)], rtol=1e-6)
    np.testing.assert_allclose(dlogits, [[0, 0, 0], [1, 0, -1], [0.5, -0.5, 0]])
    np.testing.assert_allclose(softmax(logits), [[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0]])


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(2, 8), st.sampled_from([0.0, 0.3]))
def test_the_gradient_is_the_derivative_of_the_summed_loss(seed, images, classes, smoothing):
    draw = {"seed": seed, "purpose": random.AUGMENT}
    logits = 3 * random.normal((images, classes), **draw).astype(np.float64)
    direction = random.normal((images, classes), stream=1, **draw).astype(np.float64)
    labels = random.words(images, stream=2, **draw).astype(np.int64) % classes
    weights = random.uniform((images,), stream=3, **draw)
    step = 1e-5

    def loss(z):
        return softmax_cross_entropy(z, labels, weights, smoothing)

    up, down = (loss(logits + s * direction)[0].sum() for s in (step, -step))
    slope = np.sum(loss(logits)[1] * direction)
    assert (up - down) / (2 * step) == pytest.approx(slope, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_and_gradient_equal_pytorch(smoothing):
    torch = pytest.importorskip("torch")
    logits = 5 * random.normal((7, 4), seed=2, purpose=random.AUGMENT)
    labels = np.array([0, 1, 2, 3, 0, 1, 2])
    theirs = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(theirs, torch.tensor(labels), reduction="none", label_smoothing=smoothing)
    loss.sum().backward()
    losses, dlogits = softmax_cross_entropy(logits, labels, smoothing=smoothing)
    np.testing.assert_allclose(losses, loss.detach().numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dlogits, theirs.grad.numpy(), rtol=1e-5, atol=1e-6)


def test_weights_multiply_losses_and_gradients():
    logits, labels = random.normal((5, 3), seed=1, purpose=random.AUGMENT), np.array([0, 1, 2, 0, 1])
    weights = np.array([0.5, 0, 2, 1, 3])
    plain, weighted = softmax_cross_entropy(logits, labels), softmax_cross_entropy(logits, labels, weights)
    np.testing.assert_allclose(weighted[0], plain[0] * weights, rtol=1e-6)
    np.testing.assert_allclose(weighted[1], plain[1] * weights[:, None], rtol=1e-6)
    assert weighted[0].dtype == weighted[1].dtype == np.float32


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_loss_of_a_logit_that_is_not_finite_is_nan_whichever_it_is(value, place):
    logits = np.zeros((2, 3), np.float32)
    logits[1, place] = value
    with np.errstate(all="ignore"):
        losses, _ = softmax_cross_entropy(logits, np.array([0, 1]))
    np.testing.assert_array_equal(np.isnan(losses), [False, True])


def test_a_finite_loss_of_large_logits_does_not_overflow_on_the_way():
    logits = np.full((1, 10), -1e38, np.float32)
    logits[0, 0] = 0
    with np.errstate(all="ignore"):
        losses, _ = softmax_cross_entropy(logits, np.array([0]), smoothing=0.1)
    assert losses[0] == pytest.approx(9e36)
