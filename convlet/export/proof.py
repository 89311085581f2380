"""The proof of an export: images with the logits of the model, and how far what was written is from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convlet.data.inputs import as_images
from convlet.errors import DataError, RunError
from convlet.export.graph import Graph
from convlet.layers.base import Array
from convlet.learning.losses import softmax
from convlet.model.model import Model
from convlet.random import PROOF, uniform

MOST_IMAGES = 20

KEPT_BYTES = 2**20
"""Bytes of pixels that a written file may hold; of larger images it holds fewer, at least one."""

MOST_PROBABILITY = 1e-4
"""The largest difference of a probability that is let through."""

MOST_LOGIT = 1e-4
"""The largest difference of a logit that is let through, as a fraction of the spread of all logits of the proof."""


@dataclass(frozen=True, eq=False)
class Proof:
    """Images and what the model says about them.

    Parameters
    ----------
    images : (n, H, W, C) uint8 or float32, n from 1 to MOST_IMAGES
    logits : float32 (n, classes), of the model itself
    made_up : whether nobody gave the images
    """

    images: Array
    logits: Array
    made_up: bool

    @property
    def kept(self) -> Proof:
        """The part of it that a file holds; see KEPT_BYTES."""
        count = max(1, KEPT_BYTES // (self.images.nbytes // len(self.images)))
        return Proof(self.images[:count], self.logits[:count], self.made_up)


@dataclass(frozen=True)
class Agreement:
    """How far the logits of an export are from the model's own.

    images : how many were compared
    same : of how many the class is the same
    probability : the largest difference of a probability
    logit : the largest difference of a logit, as a fraction of the spread of the model's logits
    """

    images: int
    same: int
    probability: float
    logit: float

    def __str__(self) -> str:
        largest = short(self.probability)
        return f"same class on {self.same} of {self.images} images, largest difference of a probability {largest}"

    @property
    def is_proof(self) -> bool:
        """Whether every class is the same and no difference is above its limit; NaN never is."""
        near = self.probability <= MOST_PROBABILITY and self.logit <= MOST_LOGIT
        return self.same == self.images and near


def proof_of(model: Model, graph: Graph, check: Any = None) -> Proof:
    """Return the proof on up to MOST_IMAGES of the images to check with, spread evenly; made-up ones without any.

    Raises
    ------
    DataError : images of another shape, not finite, or none
    PredictionError : the model's own output is not finite
    """
    if check is None:
        images = made_up_images(graph)
    else:
        images = as_images(check, "images to check with", model.input_shape)
        if not len(images):
            raise DataError("the images to check with are none; give at least one, or leave them out")
        images = images[np.linspace(0, len(images) - 1, min(MOST_IMAGES, len(images))).round().astype(int)]
    return Proof(images, model.logits(images), check is None)


def made_up_images(graph: Graph) -> Array:
    """Return images (MOST_IMAGES, H, W, C) of random squares in the range of the training images; always the same.

    uint8 if the model's pixels can be; squares of 1 to 7 pixels, so that some images are noise and some have edges.
    """
    height, width, channels = graph.input_shape
    images = np.empty((MOST_IMAGES, height, width, channels), np.float32)
    for number in range(MOST_IMAGES):
        side = 1 + number % 7
        grid = (-(-height // side), -(-width // side), channels)
        drawn = uniform(grid, seed=0, purpose=PROOF, position=number)
        images[number] = drawn.repeat(side, 0).repeat(side, 1)[:height, :width]
    like = graph.training_images
    low, high = (like.low, like.high) if like is not None else (0.0, 255.0)
    images = np.float32(low) + images * np.float32(high - low)
    return images.round().astype(np.uint8) if graph.takes_bytes else images


def agreement(proof: Proof, logits: Array) -> Agreement:
    """Compare logits (n, classes) that an export gave for the images of a proof with the model's own."""
    ours, theirs = proof.logits.astype(np.float64), logits.astype(np.float64)
    spread = max(float(ours.max() - ours.min()), np.finfo(np.float64).tiny)
    with np.errstate(invalid="ignore", over="ignore"):  # an export may give infinity; NaN is no agreement
        return Agreement(
            len(ours),
            int((ours.argmax(axis=1) == theirs.argmax(axis=1)).sum()),
            float(np.abs(softmax(ours) - softmax(theirs)).max()),
            float(np.abs(ours - theirs).max() / spread),
        )


def check_agreement(found: Agreement, target: str) -> None:
    """Raise RunError unless it is a proof."""
    if not found.is_proof:
        raise RunError(
            f"the {target} export answers otherwise than the model: {found} (at most {short(MOST_PROBABILITY)}), of a "
            f"logit {short(found.logit)} of the spread (at most {short(MOST_LOGIT)}); nothing was written, please "
            "report the architecture"
        )


def short(value: float) -> str:
    """A small number with one digit: 3e-7; 0 for nothing."""
    if not value:
        return "0"
    digits, _, exponent = f"{value:.0e}".partition("e")
    return f"{digits}e{int(exponent)}" if exponent else digits
