"""Images for tests of likeness: light squares and bars on a dark ground."""

from __future__ import annotations

import numpy as np

from convlet.likeness import TrainingImages


def squares(count, seed=0, side=20, high=255, dtype=np.uint8):
    """Images (count, side, side, 1) with a light rectangle of 7 to 9 pixels a side about the middle."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, side, side, 1), dtype)
    for image in images:
        height, width = rng.integers(7, 10, 2)
        down, across = (side - height) // 2 + rng.integers(-1, 2), (side - width) // 2 + rng.integers(-1, 2)
        image[down : down + height, across : across + width] = high
    return images


def known(**changes):
    """What 200 such images are like."""
    return TrainingImages.of(squares(200, **changes))
