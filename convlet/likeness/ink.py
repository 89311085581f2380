"""Ink found in a picture of writing: the ground is fitted and taken away, noise, specks and edges of the paper go."""

from __future__ import annotations

from typing import Any

import numpy as np

from convlet.likeness.measures import border_pixels

Array = np.ndarray[Any, Any]

EVEN = 0.02
"""Standard deviation of the border up to which the ground is one level, the border's median."""

FITS = 6
"""Times the ground is fitted; each time pixels that differ from it count less."""

LEAST, SIGMAS = 0.15, 4.0
"""A difference from the ground is ink from this fraction of the largest on and above so many deviations of noise."""

VISIBLE = 0.04
"""The smallest difference of levels, from 0 to 1, that can be ink."""

SPECK = 0.03
"""A piece with less than this fraction of the largest piece's ink is taken away."""

AT_BORDER = 0.25
"""If more than this fraction of the border is ink, the picture is not writing on a ground."""

INNER = 0.2
"""Pieces that touch the border are taken away if one that does not has at least this fraction of the largest's ink."""


def found_ink(levels: Array) -> tuple[Array, int] | None:
    """Ink (h, w), from 0 to 1, of levels (h, w, C) from 0 to 1, and its side: 1 lighter than its ground, else -1.

    None for a picture without ink. Of colours, the channel that differs most from the ground counts.
    """
    off = levels - np.stack([_ground(levels[..., c]) for c in range(levels.shape[2])], axis=2)
    mean = off.mean(axis=2)
    side = 1 if (mean**3).sum() >= 0 else -1
    ink = np.clip(side * mean, 0, None) if levels.shape[2] == 1 else np.abs(off).max(axis=2)
    noise = 1.4826 * float(np.median(np.abs(off - np.median(off, axis=(0, 1)))))
    largest = float(np.quantile(ink, 1 - min(0.5, 4 / ink.size)))
    least = max(LEAST * largest, SIGMAS * noise)
    if largest < VISIBLE or least >= 0.8 * largest:
        return None
    ink = np.clip(ink / largest, 0, 1)
    ink[ink < least / largest] = 0
    ink = _pieces(ink)
    return None if (border_pixels(ink[None]) > 0).mean() > AT_BORDER else (ink, side)


def _ground(level: Array) -> Array:
    """The level (h, w) of the paper under everything: the border's, or a surface a + bx + cy + dx^2 + exy + fy^2.

    The surface is fitted by weighted least squares; weights fall with the distance from it (Tukey's biweight).
    """
    border = border_pixels(level[None])[0]
    if border.std() <= EVEN:
        return np.full_like(level, np.median(border))
    height, width = level.shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    values = level.reshape(-1)
    ground = np.full_like(values, np.median(values))
    for _ in range(FITS):
        off = values - ground
        scale = max(4.685 * 1.4826 * float(np.median(np.abs(off))), 0.02)
        weights = np.clip(1 - (off / scale) ** 2, 0, None) ** 2
        square = np.einsum("ni,n,nj->ij", terms, weights, terms) + 1e-6 * np.eye(6)
        ground = terms @ np.linalg.solve(square, np.einsum("ni,n->i", terms, weights * values))
    return ground.reshape(level.shape)


def _pieces(ink: Array) -> Array:
    """The ink without specks and without what reaches in from the border; see SPECK and INNER."""
    labels = labelled(ink > 0)
    count = int(labels.max())
    if count < 2:
        return ink
    amounts = np.bincount(labels.reshape(-1), ink.reshape(-1), minlength=count + 1)
    amounts[0] = 0
    kept = amounts >= SPECK * amounts.max()
    at_border = np.zeros(count + 1, bool)
    at_border[border_pixels(labels[None])[0]] = True
    inner = kept & ~at_border
    inner[0] = False
    if inner.any() and amounts[inner].max() >= INNER * amounts.max():
        kept = inner & (amounts >= SPECK * amounts[inner].max())
    return np.where(kept[labels], ink, 0.0)


def labelled(there: Array) -> Array:
    """A number from 1 for each piece of a mask (h, w) whose pixels touch, also at corners; 0 outside: int64 (h, w)."""
    height, width = there.shape
    labels = np.where(there, np.arange(1, there.size + 1).reshape(there.shape), 0)
    while True:
        before = labels
        padded = np.pad(labels, 1)
        for down in range(3):
            for across in range(3):
                labels = np.maximum(labels, padded[down : down + height, across : across + width])
        labels = np.where(there, labels, 0)
        # every pixel then takes the number of the pixel that its number names, which halves the way that is left
        chain = np.concatenate([[0], labels.reshape(-1)])
        labels = np.where(there, np.maximum(labels, chain[labels]), 0)
        if (labels == before).all():
            break
    _, numbers = np.unique(np.concatenate([[0], labels.reshape(-1)]), return_inverse=True)
    return np.asarray(numbers[1:].reshape(there.shape), np.int64)


def thickened(ink: Array, radius: float) -> Array:
    """Ink (h, w) with every stroke wider by `radius` on each side: the largest ink within a disc, (h + 2r, w + 2r)."""
    reach = int(np.ceil(radius))
    height, width = ink.shape
    padded = np.pad(ink, 2 * reach)
    found = np.zeros((height + 2 * reach, width + 2 * reach))
    for down in range(-reach, reach + 1):
        for across in range(-reach, reach + 1):
            # a pixel at the rim of the disc counts by how much of it lies inside
            inside = min(1.0, radius + 1 - float(np.hypot(down, across)))
            if inside > 0:
                shifted = padded[reach + down : reach + down + found.shape[0]]
                shifted = shifted[:, reach + across : reach + across + found.shape[1]]
                np.maximum(found, inside * shifted, out=found)
    return found
