"""What validation images say after an epoch: logits, loss, error rate, and the score that epochs are compared by."""

from __future__ import annotations

import numpy as np

from convlet.data.inputs import Labelled
from convlet.data.mapped import pieces
from convlet.engine.engine import Engine
from convlet.layers.base import Array
from convlet.learning.averaging import RunningMean
from convlet.learning.losses import softmax_cross_entropy

VALIDATED_BYTES = 4 * 2**20
"""Validation images that go through the network in one call; it bounds the memory, not the result."""

TRIED = 64
"""Training images that the network is tried on after each epoch if there are no validation images."""

TIE = 1e-9
"""Weight of the loss beside the balanced error: of epochs with the same one, the lower loss wins."""


def logits_of(engine: Engine, mean: RunningMean | None, images: Array) -> Array:
    """Logits (n, K) of images (n, H, W, C), by the running mean of the parameters if there is one."""
    parts = pieces(images, VALIDATED_BYTES)
    if mean is None:
        return np.concatenate([engine.logits(part) for part in parts])
    parameters, state = engine.parameters.copy(), engine.state.copy()
    engine.load(*mean.means)
    logits = np.concatenate([engine.logits(part) for part in parts])
    engine.load(parameters, state)
    return logits


def first_images(shown: Labelled) -> Labelled:
    """The first training images, at most TRIED."""
    some = np.arange(min(len(shown), TRIED), dtype=np.int64)
    images, labels, numbers, _ = shown.batch(some)
    return Labelled(images[numbers], labels[numbers])


def validate(logits: Array, held_out: Labelled) -> tuple[float, float]:
    """Mean loss, weighted if the images are, and error rate of logits (n, K)."""
    with np.errstate(all="ignore"):
        losses, _ = softmax_cross_entropy(logits, held_out.labels, held_out.weights)
        loss = float(losses.mean(dtype=np.float64))
    return loss, float(np.mean(logits.argmax(axis=1) != held_out.labels))


def score_of(watched: str, logits: Array, held_out: Labelled, loss: float) -> float:
    """The score that epochs are compared by, lower is better; see `Settings.monitor`.

    balanced error = mean over the classes of (wrong / images of the class);   its score = balanced error + TIE * loss
    """
    if watched == "loss":
        return loss
    wrong = (logits.argmax(axis=1) != held_out.labels).astype(np.float64)
    if watched == "error":
        return float(wrong.mean())
    images = np.bincount(held_out.labels, minlength=logits.shape[1])
    of_class = np.bincount(held_out.labels, wrong, minlength=logits.shape[1])
    return float((of_class[images > 0] / images[images > 0]).mean()) + TIE * min(loss, 1e3)
