"""What a whole batch of images is unlike in, in one line."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from convlet.likeness.training_images import TrainingImages
from convlet.likeness.unlike import range_note, unlike

Array = np.ndarray[Any, Any]

LOOKED_AT = 64
"""Images of a batch that are looked at, spread evenly, so that a prediction does not take noticeably longer."""

SHARE = 0.1
"""Fraction of unlike images up to which nothing is said: a few are unlike in any set."""


def batch_note(images: Array, known: TrainingImages, logits: Array, most: int = LOOKED_AT) -> str | None:
    """In what images (n, H, W, C) are unlike the training images, as one line; None if at most SHARE of them are.

    Parameters
    ----------
    logits : float (n, K), what the network puts out for them
    most : images to look at
    """
    if not len(images):
        return None
    said = range_note(images, known)
    if said is not None:
        return said
    step = -(-len(images) // most)
    return notes_line(unlike(images[::step], known, logits[::step]), len(images))


def notes_line(notes: list[list[str]], images: int) -> str | None:
    """The line for the notes of some images out of `images`; see `batch_note`."""
    count = sum(map(bool, notes))
    if count <= SHARE * len(notes):
        return None
    often = Counter(own[0] for own in notes if own).most_common(1)[0][0]
    if images == 1:
        return often
    looked = f"{count:,} of {len(notes):,} images" + (" looked at" if len(notes) < images else "")
    return f"{looked} are unlike the training images, most often: {often}"
