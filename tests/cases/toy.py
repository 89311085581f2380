"""Small pictures of three signs, and the ways in which people lay such pictures down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from convlet import data

CLASSES = ("bar", "cross", "ring")


def picture(kind, rng, side=12, ink=255):
    """A sign in `ink` on black, at a random place; uint8 (side, side)."""
    rows, columns = np.mgrid[:side, :side] - (side / 2 + rng.uniform(-1.5, 1.5, (2, 1, 1)))
    if kind == "bar":
        shown = np.abs(columns) < 1.5
    elif kind == "cross":
        shown = np.abs(np.abs(rows) - np.abs(columns)) < 1.2
    else:
        shown = np.abs(np.hypot(rows, columns) - side / 3.5) < 1.2
    noise = rng.integers(0, 20, (side, side))
    return np.where(shown, ink, noise).astype(np.uint8)


def save(pixels, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def folder(root, count=4, classes=CLASSES, seed=0, write=save, **how):
    """A folder with one sub-folder of `count` pictures for each class."""
    rng = np.random.default_rng(seed)
    for number, name in enumerate(classes):
        for k in range(count):
            write(picture(CLASSES[number % 3], rng, **how), Path(root) / name / f"{k:03}.png")
    return Path(root)


def arrays(count=5, seed=0, **how):
    """Images (3 count, side, side) and labels (3 count,), mixed."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(3 * count) % 3)
    return np.stack([picture(CLASSES[label], rng, **how) for label in labels]), labels


def loaded(place, **options):
    """The data set of a place, and what was said about it."""
    lines = []
    return data.load(place, say=lines.append, **options), lines


def counts(found):
    """The images of training, validation and test."""
    return [len(part) for _, part in found.parts]
