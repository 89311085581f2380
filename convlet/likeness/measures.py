"""What one image looks like, in a few numbers: ground, contrast, ink, the width of its strokes, its box and its centre.

The ground is the level of the border; ink is whatever differs from it. All measures are fractions, so that they do not
depend on the size of an image. Axes: n images; H W height and width.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

NAMES = (
    *(
        "border",
        "unevenness",
        "contrast",
        "ink",
        "thickness",
        "side",
        "height",
        "width",
        "down",
        "across",
        "lean",
        "smoothness",
    ),
)
"""The columns that `measure` returns, in this order.

border : mean level of the border pixels, 0 the lowest and 1 the highest value of the training images
unevenness : standard deviation of the border pixels
contrast : highest minus lowest level
ink : mean of |level - ground| / (largest of the image)
thickness : twice the ink over the length of its outline, as a fraction of the longer side: about the width of a stroke
side : longer side of the box around the ink, as a fraction of the longer side of the image
height, width : of the box around the ink, as fractions of those of the image
down, across : centre of mass of the ink, as fractions from the top and from the left
lean : sum of the differences from the ground over the sum of their sizes: 1 light on dark, -1 dark on light
smoothness : correlation of neighbouring pixels, 1 for a slow ramp, 0 for noise, 1 for a blank image
"""

INK = 0.3
"""Fraction of the largest difference from the ground from which on a pixel belongs to the box around the ink."""

TINY = 1e-12

WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""Of red, green and blue in a grey level, after ITU-R BT.601."""


def grey(images: Array, low: float, high: float) -> Array:
    """Levels float32 (n, H, W) of images (n, H, W, C): 0 at `low`, 1 at `high`.

    level = (value - low) / (high - low), the value of RGB weighted as ITU-R BT.601 does, of other channels their mean
    """
    pixels = images.astype(np.float32)
    channels = pixels.shape[-1]
    weights = WEIGHTS if channels == 3 else np.full(channels, 1 / channels, np.float32)
    values = pixels[..., 0] if channels == 1 else np.einsum("nhwc,c->nhw", pixels, weights)
    with np.errstate(over="ignore", invalid="ignore"):
        levels = (values - np.float32(low)) / np.float32(max(high - low, TINY))
    return np.nan_to_num(levels, posinf=1e30, neginf=-1e30).astype(np.float32, copy=False)


def measure(levels: Array) -> Array:
    """The measures of each image: float64 (n, len(NAMES)).

    Parameters
    ----------
    levels : float32 (n, H, W), as `grey` gives them
    """
    levels = levels.astype(np.float64)
    border = border_pixels(levels)
    off = levels - np.median(border, axis=1)[:, None, None]
    size = np.abs(off)
    ink = size / np.maximum(size.max(axis=(1, 2)), TINY)[:, None, None]
    total = np.maximum(ink.sum(axis=(1, 2)), TINY)
    height, width = levels.shape[1:]
    longer = max(height, width)
    tall, wide = _extent(ink.max(axis=2)), _extent(ink.max(axis=1))
    return np.stack(
        [
            *(border.mean(axis=1), border.std(axis=1), levels.max(axis=(1, 2)) - levels.min(axis=(1, 2))),
            *(total / (height * width), 2 * total / np.maximum(_outline(ink), TINY) / longer),
            *(np.maximum(tall, wide) / longer, tall / height, wide / width),
            ink.sum(axis=2) @ (np.arange(height) + 0.5) / total / height,
            ink.sum(axis=1) @ (np.arange(width) + 0.5) / total / width,
            off.sum(axis=(1, 2)) / np.maximum(size.sum(axis=(1, 2)), TINY),
            _smoothness(levels),
        ],
        axis=1,
    )


def border_pixels(levels: Array) -> Array:
    """The outermost pixels of images (n, H, W): (n, count)."""
    if min(levels.shape[1:]) < 3:
        return levels.reshape(len(levels), -1)
    sides = [levels[:, 0], levels[:, -1], levels[:, 1:-1, 0], levels[:, 1:-1, -1]]
    return np.concatenate(sides, axis=1)


def _outline(ink: Array) -> Array:
    """Sum of the steps between neighbouring pixels, with no ink around the image: float64 (n,)."""
    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    across, down = np.diff(padded[:, 1:-1], axis=2), np.diff(padded[:, :, 1:-1], axis=1)
    steps: Array = np.abs(across).sum(axis=(1, 2)) + np.abs(down).sum(axis=(1, 2))
    return steps


def _smoothness(levels: Array) -> Array:
    """1 - mean (step between neighbours)^2 / (2 variance), between -1 and 1: float64 (n,)."""
    variance = levels.var(axis=(1, 2))
    squares = [np.diff(levels, axis=axis) ** 2 for axis in (1, 2)]
    count = max(1, sum(steps[0].size for steps in squares))
    mean = sum(steps.sum(axis=(1, 2)) for steps in squares) / count
    found = 1 - mean / np.maximum(2 * variance, TINY)
    return np.asarray(np.where(variance > TINY, np.clip(found, -1, 1), 1.0))


def _extent(profile: Array) -> Array:
    """Pixels from the first to the last place with ink: float64 (n,) of profiles (n, side)."""
    there = profile >= INK
    side = profile.shape[1]
    last = side - there[:, ::-1].argmax(axis=1)
    return np.where(there.any(axis=1), last - there.argmax(axis=1), 0).astype(np.float64)
