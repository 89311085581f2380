"""Made images whose mirror images are other signs, or as good."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from convlet.data.named import load

ARROW = np.array([[-1, 0], [1, 0], [0, -0.7], [1, 0], [0, 0.7]])


def _arrow(rng, label, picture, ink, place):
    """An arrow to the left, to the right, up or down."""
    points = rng.uniform(6, 9) * ARROW
    points = {0: points * [-1, 1], 1: points, 2: points[:, ::-1] * [1, -1], 3: points[:, ::-1]}[label] + place
    ImageDraw.Draw(picture).line([tuple(point) for point in points], fill=ink, width=3)


def arrows(count=320):
    """White arrows about the middle, of four classes."""
    rng, images = np.random.default_rng(1), []
    for number in range(count):
        picture = Image.new("L", (32, 32))
        _arrow(rng, number % 4, picture, 255, 16 + rng.uniform(-3, 3, 2))
        images.append(np.asarray(picture))
    return np.stack(images)[..., None], np.arange(count) % 4


def arrows_on_photographs(count=1500):
    """White arrows anywhere on a coloured ground."""
    rng, images = np.random.default_rng(2), []
    for number in range(count):
        ground = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
        picture = ground.resize((32, 32), Image.Resampling.BILINEAR).point(lambda level: level * 0.8)
        _arrow(rng, number % 4, picture, (255, 255, 255), rng.uniform(10, 22, 2))
        images.append(np.asarray(picture))
    return np.stack(images), np.arange(count) % 4


def signs(count=400, classes=8):
    """Strokes as of letters, each class its own, drawn by a shaky hand."""
    rng, images = np.random.default_rng(3), []
    forms = rng.uniform(4, 24, (classes, 4, 2))
    for number in range(count):
        picture = Image.new("L", (28, 28))
        points = forms[number % classes] + rng.normal(0, 1, (4, 2)) + rng.normal(0, 1, 2)
        ImageDraw.Draw(picture).line([tuple(point) for point in points], fill=255, width=2)
        images.append(np.asarray(picture))
    return np.stack(images)[..., None], np.arange(count) % classes


def digits():
    """The handwritten digits of scikit-learn."""
    _, _, parts = load("digits", True)
    return parts["train"].images, parts["train"].labels


def blobs(count=400, classes=4):
    """Bright ellipses about the middle, each class of another size."""
    rng, images = np.random.default_rng(4), []
    for number in range(count):
        picture = Image.fromarray(rng.integers(0, 60, (32, 32), np.uint8))
        x, y = 16 + rng.uniform(-1, 1, 2)
        size = 2 + 10 * (number % classes) / classes
        ImageDraw.Draw(picture).ellipse([x - size, y - 1.2 * size, x + size, y + 1.2 * size], fill=200)
        images.append(np.asarray(picture))
    return np.stack(images)[..., None], np.arange(count) % classes


def textures(count=300):
    """Stripes along rows or columns that begin anywhere, and noise."""
    rng = np.random.default_rng(5)
    images = rng.uniform(0, 90, (count, 32, 32))
    for number, image in enumerate(images):
        stripes = 100 * ((np.arange(32) + rng.integers(4)) % 4 < 2)
        image += {0: stripes[:, None], 1: stripes[None, :], 2: 50}[number % 3]
    return images[..., None].astype(np.uint8), np.arange(count) % 3
