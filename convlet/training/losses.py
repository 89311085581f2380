"""The loss that training makes small: softmax cross-entropy, from logits."""

from __future__ import annotations

import numpy as np

from convlet.layers.base import Array, overflow


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


def softmax_cross_entropy(
    logits: Array,
    labels: Array,
    weights: Array | None = None,
    smoothing: float = 0.0,
    mixed: tuple[Array, Array] | None = None,
) -> tuple[Array, Array]:
    """Return each image's loss (N,) and its gradient by the logits (N, K), both of the logits' float type.

    loss = w (log sum_j exp(z_j) - sum_k t_k z_k) = w (log sum_j exp(z_j - m) - sum_k t_k (z_k - m)),  m = max z

    dz_k = w (p_k - t_k),  p = softmax(z),  t_k = (1 - s) (a [k = label] + (1 - a) [k = other label]) + s / K

    With m taken out no exponential exceeds 1 and the sum is at least 1, so nothing overflows and the
    logarithm is never of 0. The gradient is that of the sum of the losses: it is not divided by N.

    Parameters
    ----------
    logits : float (N, K)
    labels : int64 (N,), 0 to K - 1
    weights : w, float (N,); None for 1
    smoothing : s, the share of each label that is spread evenly over all classes
    mixed : other labels, int64 (N,), and shares a, float (N,), of images that hold a part of another; None for a = 1

    Source of the smoothing: Szegedy et al. 2016, "Rethinking the Inception architecture", section 7.
    """
    rows, kind = np.arange(len(logits)), logits.dtype.type
    shifted = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    sums = powers.sum(axis=1)
    own = shifted[rows, labels]
    share = kind(1 - smoothing)
    if mixed is not None:
        others, shares = mixed
        share = share * np.asarray(shares, kind)
        own = own * shares + shifted[rows, others] * (1 - shares)
    dlogits = powers / sums[:, None]
    if smoothing:
        own = kind(1 - smoothing) * own + kind(smoothing / logits.shape[1]) * shifted.sum(axis=1)
        dlogits -= kind(smoothing / logits.shape[1])
    # an infinite logit must not hide: softmax would make a sound 0 of minus infinity
    losses = np.log(sums) - own + overflow(logits).sum(axis=1)
    dlogits[rows, labels] -= share
    if mixed is not None:
        dlogits[rows, others] -= kind(1 - smoothing) - share
    if weights is not None:
        weights = np.asarray(weights, kind)
        losses *= weights
        dlogits *= weights[:, None]
    return losses, dlogits
