"""The loss that training makes small: softmax cross-entropy, from logits."""

from __future__ import annotations

import numpy as np

from convlet.layers.base import Array


def softmax(logits: Array) -> Array:
    """Return the probabilities of each image's classes, (N, K) of the logits' float type.

    p_k = exp(z_k - max z) / sum_j exp(z_j - max z),  which no finite z can overflow

    Parameters
    ----------
    logits : float (N, K)
    """
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Array = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def softmax_cross_entropy(logits: Array, labels: Array) -> tuple[Array, Array]:
    """Return each image's loss (N,) and its gradient by the logits (N, K), both of the logits' float type.

    loss = log sum_j exp(z_j) - z_label = m + log sum_j exp(z_j - m) - z_label,  m = max z

    dz_k = p_k - (1 where k is the label, else 0),  p = softmax(z)

    With m taken out no exponential exceeds 1 and the sum is at least 1, so nothing overflows and the
    logarithm is never of 0. The gradient is that of the sum of the losses: it is not divided by N.

    Parameters
    ----------
    logits : float (N, K)
    labels : int64 (N,), 0 to K - 1
    """
    rows = np.arange(len(logits))
    shifted = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    sums = powers.sum(axis=1)
    losses = np.log(sums) - shifted[rows, labels]
    dlogits = powers / sums[:, None]
    dlogits[rows, labels] -= 1
    return losses, dlogits
