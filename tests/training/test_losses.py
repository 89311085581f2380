"""Softmax cross-entropy: by hand, its gradient, large logits, and PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlet import random
from convlet.training.losses import softmax, softmax_cross_entropy


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


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(2, 8))
def test_the_gradient_is_the_derivative_of_the_summed_loss(seed, images, classes):
    draw = {"seed": seed, "purpose": random.AUGMENT}
    logits = 3 * random.normal((images, classes), **draw).astype(np.float64)
    direction = random.normal((images, classes), stream=1, **draw).astype(np.float64)
    labels = random.words(images, stream=2, **draw).astype(np.int64) % classes
    step = 1e-5
    up, down = (softmax_cross_entropy(logits + s * direction, labels)[0].sum() for s in (step, -step))
    slope = np.sum(softmax_cross_entropy(logits, labels)[1] * direction)
    assert (up - down) / (2 * step) == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_loss_and_gradient_equal_pytorch():
    torch = pytest.importorskip("torch")
    logits = 5 * random.normal((7, 4), seed=2, purpose=random.AUGMENT)
    labels = np.array([0, 1, 2, 3, 0, 1, 2])
    theirs = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(theirs, torch.tensor(labels), reduction="none")
    loss.sum().backward()
    losses, dlogits = softmax_cross_entropy(logits, labels)
    np.testing.assert_allclose(losses, loss.detach().numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dlogits, theirs.grad.numpy(), rtol=1e-5, atol=1e-6)
