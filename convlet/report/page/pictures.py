"""Arrays as pictures: images as they are, values in colours, many small images on one sheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convlet.report.page import png

Array = np.ndarray[Any, Any]

LONG = 2
"""A picture this many times longer than wide, or wider than long, is laid out in another way."""

GAP = 2
"""Pixels between tiles."""

SMALLEST = 32
"""A smaller tile is enlarged to about this many pixels, so that the gaps beside it stay thin."""

CLEAR = 15
"""The number that is no colour: the page shines through."""

STOPS = {
    "sequential": ((13, 17, 43), (38, 56, 122), (28, 116, 142), (63, 171, 122), (172, 215, 89), (253, 243, 170)),
    "diverging": (
        *((20, 76, 142), (98, 160, 212), (196, 220, 238), (247, 247, 245)),
        *((246, 205, 178), (224, 120, 74), (160, 46, 16)),
    ),
}
"""Colours that the palettes pass through: dark to bright, and blue for negative over white to red for positive."""


def palette(name: str, count: int = 16) -> Array:
    """`count` colours of a palette: uint8 (count, 3)."""
    stops = np.array(STOPS[name], np.float64)
    places = np.linspace(0, len(stops) - 1, count)
    channels = [np.interp(places, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def stretch(height: int, width: int) -> float:
    """How many times wider than a square a picture is drawn, so that it covers the same area; 1 unless it is long."""
    ratio = width / height
    return 1.0 if 1 / LONG < ratio < LONG else round(ratio**0.5, 3)


def form(height: int, width: int) -> str:
    """How pictures of these sides are laid out: "wide", "tall", or "" for all others."""
    return "wide" if width >= LONG * height else "tall" if height >= LONG * width else ""


@dataclass(frozen=True)
class Range:
    """The pixel values that become black and white."""

    low: float
    high: float

    @classmethod
    def of(cls, images: Array) -> Range:
        """0 to 255 for uint8; else the smallest and the largest of these images."""
        if images.dtype == np.uint8 or not images.size:
            return cls(0.0, 255.0)
        low, high = float(images.min()), float(images.max())
        return cls(low, high if high > low else low + 1)

    def bytes(self, images: Array) -> Array:
        """Images (..., H, W, C) as uint8 with 1 or 3 channels: of other numbers of channels the mean."""
        if images.shape[-1] not in (1, 3):
            images = images.mean(axis=-1, keepdims=True)
        if images.dtype == np.uint8:
            return images
        scaled = (images.astype(np.float64) - self.low) * (255 / (self.high - self.low))
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def picture(pixels: Array) -> str:
    """One uint8 image (H, W, 1 or 3) as an address."""
    return png.uri(png.encode(pixels))


def coarser(images: Array) -> Array:
    """uint8 images with 16 levels a channel: half the bytes, and hardly a difference to the eye."""
    return (images.astype(np.uint16) * 15 + 127) // 255


@dataclass(frozen=True)
class Sheet:
    """Small images in rows of one picture: its address, how many stand in a row, how many rows there are."""

    uri: str
    columns: int
    rows: int

    @property
    def size(self) -> int:
        return len(self.uri)


def sheet(images: Array, coarse: bool = False) -> Sheet:
    """Images (n, H, W, 1 or 3) uint8, n at least 1, in a nearly square picture in their order."""
    n, height, width, channels = images.shape
    columns = max(1, round((n * height / width) ** 0.5))
    rows = -(-n // columns)
    tiles = np.zeros((rows * columns, height, width, channels), np.uint8)
    tiles[:n] = coarser(images) if coarse else images
    whole = tiles.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    whole = whole.reshape(rows * height, columns * width, channels)
    if coarse and channels == 1:
        greys = np.repeat(np.arange(16, dtype=np.uint8)[:, None] * 17, 3, axis=1)
        return Sheet(png.uri(png.encode_indexed(whole[..., 0], greys)), columns, rows)
    return Sheet(picture(whole * np.uint8(17) if coarse else whole), columns, rows)


def heat(values: Array) -> str:
    """Values (H, W), at least 0, from dark to bright."""
    largest = float(values.max())
    numbers = np.rint(values / (largest if largest > 0 else 1.0) * 15).astype(np.uint8)
    return png.uri(png.encode_indexed(numbers, palette("sequential")))


def strip(maps: Array, columns: int) -> str:
    """Maps (h, w, m) of one layer side by side, dark at the layer's smallest value and bright at its largest."""
    low, high = float(maps.min()), float(maps.max())
    numbers = np.rint((maps - low) / (high - low if high > low else 1.0) * (CLEAR - 1)).astype(np.uint8)
    return _grid(_enlarged(numbers, SMALLEST), columns, palette("sequential", CLEAR))


def filters(weights: Array, columns: int) -> str:
    """Filters (KH, KW, m), blue where a weight is negative, white at zero, red where it is positive."""
    largest = float(np.abs(weights).max()) or 1.0
    # an odd number of colours, so that zero has one of its own
    numbers = np.rint((weights / largest + 1) * 7).astype(np.uint8)
    return _grid(_enlarged(numbers, SMALLEST), columns, palette("diverging", CLEAR))


def filters_in_colour(weights: Array, columns: int) -> str:
    """Filters (KH, KW, 3, F) as pictures in RGB, each from its own smallest to its own largest weight."""
    low, high = weights.min(axis=(0, 1, 2)), weights.max(axis=(0, 1, 2))
    scaled = np.rint((weights - low) / np.where(high > low, high - low, 1) * 255).astype(np.uint8)
    return picture(_arranged(_enlarged(scaled, SMALLEST).transpose(3, 0, 1, 2), columns, 128))


def _grid(numbers: Array, columns: int, colours: Array) -> str:
    """Numbers (H, W, m) below CLEAR as tiles with nothing between them."""
    whole = _arranged(numbers.transpose(2, 0, 1)[..., None], columns, CLEAR)
    return png.uri(png.encode_indexed(whole[..., 0], np.concatenate([colours, [[0, 0, 0]]]), CLEAR))


def _enlarged(tiles: Array, wanted: int) -> Array:
    """Tiles (H, W, ...) with every pixel repeated until a side has about `wanted` pixels."""
    times = max(1, round(wanted / max(tiles.shape[:2])))
    return tiles.repeat(times, axis=0).repeat(times, axis=1)


def _arranged(tiles: Array, columns: int, between: int) -> Array:
    """Tiles (n, H, W, C) in rows of `columns`, GAP pixels of the value `between` around each but the outer edges."""
    n, height, width, channels = tiles.shape
    rows = -(-n // columns)
    whole = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels), between, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * (height + GAP), number % columns * (width + GAP)
        whole[top : top + height, left : left + width] = tile
    return whole


def overlay(pixels: Array, cam: Array) -> str:
    """A Grad-CAM map (H, W) over a uint8 image (H, W, 1 or 3), bright where the evidence is, the image grey below."""
    grey = pixels.astype(np.float64).mean(axis=2)
    largest = float(cam.max())
    share = cam / (largest if largest > 0 else 1.0)
    colours = palette("sequential", 256)[np.rint(share * 255).astype(np.uint8)].astype(np.float64)
    weight = 0.3 + 0.6 * share[..., None]
    mixed = (1 - weight) * grey[..., None] + weight * colours
    return picture(np.rint(mixed).astype(np.uint8))
