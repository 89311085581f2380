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
    logarithm is never of 0. The gradient is that of the sum of the losses: it is not divided by N. If a logit
    of an image is not finite, its loss is NaN.

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
    losses: Array = np.log(sums) - own
    _mend_overflow(losses, logits, labels, smoothing, mixed)
    dlogits[rows, labels] -= share
    if mixed is not None:
        dlogits[rows, others] -= kind(1 - smoothing) - share
    losses[~np.isfinite(logits).all(axis=1)] = np.nan
    if weights is not None:
        weights = np.asarray(weights, kind)
        losses *= weights
        dlogits *= weights[:, None]
    return losses, dlogits


def _mend_overflow(
    losses: Array, logits: Array, labels: Array, smoothing: float, mixed: tuple[Array, Array] | None
) -> None:
    """Compute in float64 those losses, before their weights, that overflowed though their logits are finite.

    The compiled kernel adds in float64 too, so both engines find a loss infinite for the same logits.
    """
    over = ~np.isfinite(losses) & np.isfinite(logits).all(axis=1)
    if logits.dtype == np.float64 or not over.any():
        return
    others = None if mixed is None else (mixed[0][over], mixed[1][over].astype(np.float64))
    wide, _ = softmax_cross_entropy(logits[over].astype(np.float64), labels[over], None, smoothing, others)
    losses[over] = wide
