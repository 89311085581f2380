"""Digits drawn with a pen of straight and round strokes: as a training set shows them, and as people hand them in."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np
from PIL import Image, ImageDraw

from convlet.learning.settings import Settings
from convlet.model import model_file
from convlet.network.word import parse, with_head
from convlet.training.loop import train

RING = [(0.5 + 0.5 * np.sin(a), 0.5 - 0.5 * np.cos(a)) for a in np.linspace(0, 2 * np.pi, 17)]


def ring(x, y, w, h, first=0, last=16):
    """A part of an ellipse in a box."""
    return [(x + w * px, y + h * py) for px, py in RING[first : last + 1]]


STROKES = {
    0: [ring(0.1, 0, 0.8, 1)],
    1: [[(0.3, 0.25), (0.55, 0), (0.55, 1)]],
    2: [[*ring(0.15, 0, 0.7, 0.6, 0, 7), (0.1, 1), (0.9, 1)]],
    3: [ring(0.1, 0, 0.7, 0.5, 0, 8), ring(0.1, 0.45, 0.8, 0.55, 0, 12)],
    4: [[(0.55, 0), (0.1, 0.65), (0.9, 0.65)], [(0.65, 0.35), (0.65, 1)]],
    5: [[(0.85, 0), (0.25, 0), (0.2, 0.45)], ring(0.05, 0.4, 0.8, 0.6, 0, 12)],
    6: [[(0.7, 0), (0.25, 0.35), (0.15, 0.7)], ring(0.15, 0.5, 0.7, 0.5)],
    7: [[(0.1, 0), (0.9, 0), (0.4, 1)]],
    8: [ring(0.2, 0, 0.6, 0.48), ring(0.12, 0.46, 0.76, 0.54)],
    9: [ring(0.2, 0, 0.65, 0.5), [(0.85, 0.25), (0.8, 0.6), (0.65, 1)]],
}


def stroked(digit, size, box, width, ink, paper, rng, jitter=0.02):
    """A digit on a sheet of `size` (height, width), in the box (top, left, height, width): uint8 (h, w)."""
    image = Image.new("L", (size[1], size[0]), paper)
    pen = ImageDraw.Draw(image)
    slant, (top, left, h, w) = rng.uniform(-0.15, 0.15), box
    for stroke in STROKES[digit]:
        points = [(px + slant * (0.5 - py) + rng.normal(0, jitter), py + rng.normal(0, jitter)) for px, py in stroke]
        places = [(left + w * px, top + h * py) for px, py in points]
        pen.line(places, ink, width, joint="curve")
        for x, y in places:
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), ink)
    return np.asarray(image)


def training_digit(digit, rng):
    """A digit as in the training set: light on dark, 20 pixels tall or wide, its mass in the middle of 28x28."""
    h, w = rng.integers(150, 200), rng.integers(100, 150)
    big = Image.fromarray(stroked(digit, (300, 300), (50, 75, h, w), int(rng.integers(18, 34)), 255, 0, rng))
    cut = big.crop(big.getbbox())
    cut.thumbnail((20, 20), Image.Resampling.BOX)
    pixels = np.asarray(cut, float)
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    centre = [round(13.5 - (pixels * axis).sum() / pixels.sum()) for axis in (y, x)]
    framed = Image.new("L", (28, 28))
    framed.paste(cut, (centre[1], centre[0]))
    return np.asarray(framed)[..., None]


def digits(count, seed):
    """`count` training digits of each class: images (n, 28, 28, 1) uint8 and labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(10), count)
    return SimpleNamespace(images=np.stack([training_digit(k, rng) for k in labels]), labels=labels)


def model():
    """A small network that knows these digits, trained once with validation images.

    Each call gives a model of its own: one that is kept would keep its threads, which other tests count.
    """
    return model_file.from_bytes(_trained())


@cache
def _trained():
    """The bytes of that model's file."""
    network = with_head(parse("conv8-relu-pool-conv16-relu-pool"), 10)
    settings = Settings(epochs=5, seed=1, augment="shift1")
    names = tuple(map(str, range(10)))
    made = train(network, digits(100, 0), digits(60, 1), classes=names, settings=settings).model
    return model_file.to_bytes(made)


def brought(digit, style, seed=0):
    """A digit as somebody brings it: uint8 (h, w) or (h, w, 3)."""
    rng = np.random.default_rng(100 * seed + digit)
    return STYLES[style](digit, rng)


def photographed(digit, rng, size, box, width, ink, paper, shadow, noise):
    """A digit on paper that darkens towards a corner, with a camera's noise."""
    drawn = stroked(digit, size, box, width, 255, 0, rng).astype(float) / 255
    y, x = np.mgrid[: size[0], : size[1]]
    ground = paper * (1 - shadow * (x / size[1] + y / size[0]) / 2)
    return np.clip(ground * (1 - drawn) + ink * drawn + rng.normal(0, noise, size), 0, 255).astype(np.uint8)


def coloured(digit, rng, colour, paper):
    drawn = stroked(digit, (240, 300), (50, 90, 140, 90), 12, 255, 0, rng)[..., None] / 255
    return np.rint((1 - drawn) * np.array(paper) + drawn * np.array(colour)).astype(np.uint8)


def framed(digit, rng):
    picture = photographed(digit, rng, (300, 300), (70, 90, 160, 110), 14, 30, 230, 0.1, 3)
    picture[:, :10], picture[290:] = 20, 25
    return picture


STYLES = {
    "paint": lambda k, rng: stroked(k, (280, 280), (50, 80, 180, 120), 22, 0, 255, rng),
    "thin": lambda k, rng: stroked(k, (200, 300), (30, 190, 75, 50), 4, 20, 250, rng),
    "chalk": lambda k, rng: photographed(k, rng, (400, 400), (90, 120, 220, 160), 18, 230, 50, 0.2, 5),
    "photo": lambda k, rng: photographed(k, rng, (300, 400), (60, 120, 150, 100), 8, 90, 200, 0.4, 6),
    "small": lambda k, rng: 255 - stroked(k, (28, 28), (5, 8, 16, 11), 2, 255, 0, rng),
    "corner": lambda k, rng: stroked(k, (56, 56), (2, 3, 24, 18), 3, 255, 0, rng),
    "blue": lambda k, rng: coloured(k, rng, (40, 60, 200), (250, 248, 240)),
    "yellow": lambda k, rng: coloured(k, rng, (250, 220, 30), (255, 255, 255)),
    "frame": framed,
}
"""Ways in which people bring digits."""
