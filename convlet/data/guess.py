"""What images show, guessed from their classes' names, colour and place: it decides about mirror images."""

from __future__ import annotations

import numpy as np

from convlet.data.dataset import Array

WRITING, OBJECTS, PHOTOGRAPHS, UNKNOWN = "writing", "objects", "photographs", "unknown"

MOST_LOOKED_AT = 500
"""Images, spread evenly over the set."""

COLOURFUL = 0.04
"""Mean difference between the largest and the smallest channel, as a fraction of the range, from which on an image has
colour."""

EVEN_GROUND = 0.5
"""Fraction of border pixels near the border's median in a drawing or a scan; photographs have less."""

NEAR = 0.04
"""What counts as near, as a fraction of the range."""

LONG = 2.5
"""Longer images, side by side, are spectrograms and other signals."""

COLOUR_MAP = 200
"""Of 16 x 16 x 16 colours a colour map uses at most about so many; photographs use more."""


def guess(images: Array, classes: tuple[str, ...], named: bool) -> str:
    """What these images show.

    Writing, if the classes are single letters or digits and the images are no photographs. Photographs, if most images
    have many colours and a border that is not one even ground, and the classes have names. Else unknown: whether mirror
    images help cannot be seen.

    images : (n, H, W, C)
    named : whether people named the classes; numbers in an array say nothing
    """
    photographed = _looks_photographed(images)
    signs = all(len(name) <= 2 and name.isalnum() for name in classes)
    if photographed:
        return UNKNOWN if signs else PHOTOGRAPHS
    return WRITING if named and signs and all(len(name) == 1 for name in classes) else UNKNOWN


def follows(kind: str) -> str:
    """What follows from a kind, for the user."""
    if kind in (OBJECTS, PHOTOGRAPHS):
        return "recipes train with mirror images"
    if kind == WRITING:
        return "recipes train without mirror images"
    return "recipes train without mirror images; if left and right may be exchanged, say --pictures objects"


def for_recipes(kind: str) -> str:
    """The kind as recipes know it: "writing", "objects", or "" for not known."""
    return {WRITING: WRITING, OBJECTS: OBJECTS, PHOTOGRAPHS: OBJECTS}.get(kind, "")


def _looks_photographed(images: Array) -> bool:
    """Whether most images have colour, of many kinds, and no even ground; long ones are signals, not photographs."""
    sides = images.shape[1:3]
    if images.shape[3] != 3 or min(sides) < 8 or max(sides) > LONG * min(sides):
        return False
    some = images[:: max(1, len(images) // MOST_LOOKED_AT)].astype(np.float32)
    span = float(some.max() - some.min()) or 1.0
    colour = (some.max(axis=3) - some.min(axis=3)).mean(axis=(1, 2)) / span
    rows, columns = some[:, [0, -1]].mean(axis=3), some[:, :, [0, -1]].mean(axis=3)
    border = np.concatenate([rows.reshape(len(some), -1), columns.reshape(len(some), -1)], axis=1)
    even = (np.abs(border - np.median(border, axis=1, keepdims=True)) < NEAR * span).mean(axis=1)
    if not (np.median(colour) > COLOURFUL and np.median(even) < EVEN_GROUND):
        return False
    cells = ((some - some.min()) * (15.99 / span)).astype(np.int64) @ np.array([256, 16, 1])
    return int((np.bincount(cells.ravel(), minlength=4096) > 1e-5 * cells.size).sum()) > COLOUR_MAP
