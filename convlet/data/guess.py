"""What images show, guessed from names of classes, colour, ground and mirror images: it decides about the last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convlet.data import symmetry
from convlet.data.dataset import Array

WRITING, OBJECTS, PHOTOGRAPHS, UNKNOWN = "writing", "objects", "photographs", "unknown"

MOST_LOOKED_AT = 500
"""Images, spread evenly over the set."""

COLOURFUL = 0.04
"""Mean difference between the largest and the smallest channel, as a fraction of the range, from which on an image has
colour."""

EVEN_GROUND = 0.5
"""Fraction of border pixels near the border's median in a drawing or a scan; photographs have less."""

INK_GROUND, MOST_INK = 0.6, 0.6
"""Of writing: at least this fraction of border pixels is near the border's median, and at most this fraction of all
pixels is far from it."""

NEAR = 0.04
"""What counts as near, as a fraction of the range."""

LONG = 2.5
"""Longer images, side by side, are spectrograms and other signals."""

COLOUR_MAP = 200
"""Of 16 x 16 x 16 colours a colour map uses at most about so many; photographs use more."""


@dataclass(frozen=True)
class Guess:
    """What images show, and what was found when they were mirrored, in words ("" for nothing)."""

    kind: str
    found: str = ""

    def line(self) -> str:
        """The guess, what it rests on and what follows from it, for the user."""
        found = f"{self.found}, so " if self.found else ""
        return f"the images show: {self.kind} (a guess, --pictures decides); {found}{follows(self.kind)}"


def guess(images: Array, labels: Array, classes: tuple[str, ...], named: bool) -> Guess:
    """What these images show.

    Photographs, if most images have many colours and a border that is not one even ground, unless mirror images look
    like another class. Writing, if the images are ink on an even ground whose mirror images are other signs, or if
    people named the classes with single letters or digits. Objects, if mirror images of other images keep their class.
    Else unknown: whether mirror images help cannot be seen.

    images : (n, H, W, C)
    labels : (n,) numbers of the classes
    named : whether people named the classes; numbers in an array say nothing
    """
    signs = all(len(name) <= 2 and name.isalnum() for name in classes)
    single = named and all(len(name) == 1 and name.isalnum() for name in classes)
    is_long = max(images.shape[1:3]) > LONG * min(images.shape[1:3])
    mirrored = symmetry.NOTHING if is_long else symmetry.tried(images, labels)
    if _looks_photographed(images):
        if mirrored.changes and mirrored.near <= symmetry.NEAR:
            return Guess(UNKNOWN, _said(mirrored))
        if signs and (named or not mirrored.keeps):
            return Guess(UNKNOWN)
        return Guess(PHOTOGRAPHS, _said(mirrored) if mirrored.keeps else "")
    if mirrored.is_of_signs and (single or _looks_inked(images)):
        return Guess(WRITING, _said(mirrored))
    if single and not (mirrored.evidence and all(name.isdigit() for name in classes)):
        return Guess(WRITING)
    return Guess(OBJECTS if mirrored.keeps else UNKNOWN, _said(mirrored) if mirrored.evidence else "")


def _said(mirrored: symmetry.Mirrored) -> str:
    """What was found, for the user."""
    plain, other = (100 * (1 - n / mirrored.images) for n in (mirrored.right, mirrored.right_mirrored))
    what = "keep their class" if mirrored.keeps else "look like other classes" if mirrored.changes else "may not help"
    return f"mirror images {what} (nearest-neighbour error {other:.0f} % mirrored, {plain:.0f} % as they are)"


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


def _looks_inked(images: Array) -> bool:
    """Whether most images are ink on an even ground, in grey."""
    some = images[:: max(1, len(images) // MOST_LOOKED_AT)].astype(np.float32)
    if some.shape[3] != 1 and (some.max(axis=3) - some.min(axis=3)).mean() > COLOURFUL * max(float(np.ptp(some)), 1.0):
        return False
    grey, span = some.mean(axis=3), float(np.ptp(some)) or 1.0
    border = np.concatenate(
        [grey[:, [0, -1]].reshape(len(grey), -1), grey[:, :, [0, -1]].reshape(len(grey), -1)], axis=1
    )
    level = np.median(border, axis=1, keepdims=True)
    even = (np.abs(border - level) < NEAR * span).mean(axis=1)
    ink = (np.abs(grey.reshape(len(grey), -1) - level) > NEAR * span).mean(axis=1)
    return bool(np.median(even) >= INK_GROUND and 0 < np.median(ink) <= MOST_INK)
