"""The definition of augmentation: images changed in plain NumPy, as the compiled kernel changes them.

Every image draws its own numbers from the counter-based generator, keyed by seed, epoch and its place in the epoch:
words 0 to 15 of stream 0 in the order of `WORDS`, and the grid of the elastic change from stream 1. The alternating
flip is keyed by the image's number instead, so that an image is mirrored in every second epoch. What is pasted in
comes from an image of the same batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from convlet import random
from convlet.layers.base import Array
from convlet.learning.augmentation import Augmentation
from convlet.learning.preprocessing import Preprocessing

WORDS = (
    *("shift_row", "shift_column", "flip", "rotate"),
    *("zoom", "brightness", "contrast", "erase_area"),
    *("erase_ratio", "erase_row", "erase_column", "cutmix"),
    *("partner", "cut_area", "cut_row", "cut_column"),
)
"""What each of an image's sixteen random words decides."""

CHANGES, GRID, FLIP = range(3)
"""Streams of random numbers."""

CONTROL_POINTS = 7
"""Of the elastic grid in each direction: a quarter of the image apart, and one beyond each edge for the spline."""


class Shown(NamedTuple):
    """Images as the first layer gets them, and how their labels are mixed.

    images : float32 (N, H, W, C)
    partners : int64 (N,), the number of the image that a part was taken from; the image's own where none was
    shares : float32 (N,), how much of the label stays the image's own
    """

    images: Array
    partners: Array
    shares: Array


def show(
    augmentation: Augmentation,
    preprocessing: Preprocessing,
    images: Array,
    batch: Array,
    shard: slice,
    *,
    seed: int,
    epoch: int,
    position: int,
    identities: Array | None = None,
) -> Shown:
    """A shard of a batch, changed and scaled.

    Parameters
    ----------
    images : (n, H, W, C), uint8 or float32
    batch : int64 (b,), numbers of the batch's images
    shard : which of the batch are wanted, N of them
    seed, epoch, position : what random numbers are keyed by; position is the place of the batch's first image
    identities : int64 (b,), numbers of the batch's images in the whole training set; None for `batch`
    """
    identities = batch if identities is None else identities
    drawn = [
        _draw(augmentation, images.shape[1:3], batch, place, int(identities[place]), seed, epoch, position + place)
        for place in range(*shard.indices(len(batch)))
    ]
    changed = np.stack([_show_one(augmentation, preprocessing, images, image) for image in drawn])
    partners = np.array([image.partner for image in drawn], np.int64)
    return Shown(changed, partners, np.array([image.share for image in drawn], np.float32))


class Drawn(NamedTuple):
    """What was drawn for one image.

    box, erased : (top, bottom, left, right) of the pasted and of the erased rectangle
    grid : float32 (2, G, G), how far each control point moves down and right
    """

    number: int
    partner: int
    share: float
    box: tuple[int, int, int, int]
    erased: tuple[int, int, int, int]
    shift: tuple[int, int]
    mirrored: bool
    angle: float
    size: float
    brightness: float
    contrast: float
    grid: Array | None


def _draw(
    a: Augmentation,
    size: tuple[int, int],
    batch: Array,
    place: int,
    identity: int,
    seed: int,
    epoch: int,
    position: int,
) -> Drawn:
    """What happens to the image at a place in the batch."""
    keys = {"seed": seed, "purpose": random.AUGMENT}
    words = random.words(len(WORDS), stream=CHANGES, epoch=epoch, position=position, **keys)
    word = dict(zip(WORDS, words.tolist(), strict=True))
    even = {name: _unit(value) for name, value in word.items()}
    both = {name: 2 * value - 1 for name, value in even.items()}
    height, width = size
    mirrored = {"": False, "random": word["flip"] >= 2**31}.get(a.flip)
    if mirrored is None:
        mirrored = (int(random.words(1, stream=FLIP, position=identity, **keys)[0]) + epoch) % 2 == 1
    mixed = even["cutmix"] < a.cutmix
    side = np.sqrt(even["cut_area"])
    box = _box(height, width, side * height, side * width, word["cut_row"], word["cut_column"]) if mixed else NO_BOX
    ratio = 1 + both["erase_ratio"] if both["erase_ratio"] >= 0 else 1 / (1 - both["erase_ratio"])
    side = np.sqrt(even["erase_area"] * a.erase)
    erased = _box(height, width, side * ratio * height, side / ratio * width, word["erase_row"], word["erase_column"])
    grid = None
    if a.elastic:
        shape = (2, CONTROL_POINTS, CONTROL_POINTS)
        grid = random.uniform(shape, stream=GRID, epoch=epoch, position=position, **keys) * np.float32(2 * a.elastic)
        grid = grid - np.float32(a.elastic)
    return Drawn(
        int(batch[place]),
        int(batch[(word["partner"] * len(batch)) >> 32 if mixed else place]),
        1 - (box[1] - box[0]) * (box[3] - box[2]) / (height * width),
        box,
        erased if a.erase else NO_BOX,
        (_whole(word["shift_row"], a.shift), _whole(word["shift_column"], a.shift)),
        mirrored,
        both["rotate"] * a.rotate * np.pi / 180,
        1 + both["zoom"] * a.zoom,
        both["brightness"] * a.brightness,
        1 + both["contrast"] * a.contrast,
        grid,
    )


NO_BOX = (0, 0, 0, 0)


def _unit(word: int) -> float:
    """Even over [0, 1), with 24 bits."""
    return float((word >> 8) * 2.0**-24)


def _whole(word: int, most: int) -> int:
    """A whole number from -most to most."""
    return ((word * (2 * most + 1)) >> 32) - most


def _box(height: int, width: int, tall: float, wide: float, row: int, column: int) -> tuple[int, int, int, int]:
    """A rectangle about a random pixel, cut off at the edges."""
    tall, wide = min(int(tall), height), min(int(wide), width)
    top, left = ((row * height) >> 32) - tall // 2, ((column * width) >> 32) - wide // 2
    return max(top, 0), min(top + tall, height), max(left, 0), min(left + wide, width)


def _show_one(a: Augmentation, preprocessing: Preprocessing, images: Array, drawn: Drawn) -> Array:
    """Float32 (H, W, C)."""
    rows, columns = _places(a, images.shape[1:3], drawn)
    values = _between if a.moves_between_pixels else _values
    shown = values(images[drawn.number], rows, columns)
    top, bottom, left, right = drawn.box
    pasted = values(images[drawn.partner], rows, columns)
    shown[top:bottom, left:right] = pasted[top:bottom, left:right]
    shown = shown * preprocessing.scale + preprocessing.offset
    if a.brightness or a.contrast:
        shown = shown * np.float32(drawn.contrast) + np.float32(drawn.brightness)
    top, bottom, left, right = drawn.erased
    shown[top:bottom, left:right] = 0
    return shown


def _places(a: Augmentation, size: tuple[int, int], drawn: Drawn) -> tuple[Array, Array]:
    """The row and the column, float32 (H, W), from which each pixel takes its value.

    With p the pixel, c the centre, R the rotation, z the size, s the shift and e what the elastic grid says at p:

        place = R^-1 (p - c) / z + c - s + e,   the column of p counted from the right where the image is mirrored
    """
    height, width = size
    rows, columns = np.meshgrid(np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32), indexing="ij")
    if drawn.mirrored:
        columns = np.float32(width - 1) - columns
    if a.moves_between_pixels:
        middle = np.float32((height - 1) / 2), np.float32((width - 1) / 2)
        cosine, sine = np.float32(np.cos(drawn.angle) / drawn.size), np.float32(np.sin(drawn.angle) / drawn.size)
        down, right = rows - middle[0], columns - middle[1]
        rows = cosine * down + sine * right + middle[0]
        columns = cosine * right - sine * down + middle[1]
    rows, columns = rows - np.float32(drawn.shift[0]), columns - np.float32(drawn.shift[1])
    if drawn.grid is not None:
        moved = spline(height) @ drawn.grid @ spline(width).T
        rows, columns = rows + moved[0], columns + moved[1]
    return rows.clip(0, height - 1), columns.clip(0, width - 1)


def spline(size: int) -> Array:
    """How much each control point counts at each of `size` pixels: float32 (size, G), a uniform cubic B-spline.

    Control points are (size - 1) / (G - 3) pixels apart; the second lies on the first pixel.
    """
    weights = np.zeros((size, CONTROL_POINTS), np.float32)
    gaps = CONTROL_POINTS - 3
    for pixel in range(size):
        place = pixel * gaps / max(size - 1, 1)
        first = min(int(place), gaps - 1)
        t = place - first
        weights[pixel, first : first + 4] = (
            (1 - t) ** 3 / 6,
            (3 * t**3 - 6 * t**2 + 4) / 6,
            (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
            t**3 / 6,
        )
    return weights


def _values(image: Array, rows: Array, columns: Array) -> Array:
    """The image (H, W, C) at places that are pixels, float32 (H, W, C)."""
    values: Array = image[rows.astype(np.int64), columns.astype(np.int64)].astype(np.float32)
    return values


def _between(image: Array, rows: Array, columns: Array) -> Array:
    """The image (H, W, C) at places between its pixels, float32 (H, W, C): each the mean of the four around it."""
    pixels = image.astype(np.float32)
    top, left = rows.astype(np.int64), columns.astype(np.int64)
    below, beside = np.minimum(top + 1, image.shape[0] - 1), np.minimum(left + 1, image.shape[1] - 1)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    down, right = down.astype(np.float32), right.astype(np.float32)
    upper = pixels[top, left] + right * (pixels[top, beside] - pixels[top, left])
    lower = pixels[below, left] + right * (pixels[below, beside] - pixels[below, left])
    values: Array = upper + down * (lower - upper)
    return values
