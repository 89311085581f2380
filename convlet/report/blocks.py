"""Pictures in a terminal: a half block holds two pixels, one above the other; without colour there are shades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from convlet.data.thumbnails import thumbnails
from convlet.report.page.pictures import Range
from convlet.report.plain import plain

Array = np.ndarray[Any, Any]

SIDE, SHEET_SIDE = 32, 16
"""Most pixels along a side of a picture, and of one on a sheet of examples."""

LEAST_SIDE = 12
"""A smaller picture has its pixels repeated."""

MOST_ON_A_SHEET = 24

GAP = 2

SHADES = " ░▒▓█"
"""From black to white."""


def can_draw(console: Console) -> bool:
    """Whether pictures make sense: a terminal whose letters include blocks."""
    return console.is_terminal and not console.is_dumb_terminal and console.encoding.lower().startswith("utf")


def print_pictures(images: Array, captions: Sequence[Sequence[str]], console: Console, side: int = SIDE) -> None:
    """Print images beside each other, as many as the terminal is wide, each over its caption.

    Parameters
    ----------
    images : (n, H, W, C) uint8 or float32
    captions : for each image the lines below it
    side : most pixels along a side; larger images are averaged
    """
    pixels = _fitting(Range.of(images).bytes(thumbnails(images, side)))
    pictures = [picture(image, console) for image in pixels]
    width = max(pixels.shape[2], 8)
    fit = max(1, (console.width + GAP) // (width + GAP))
    for first in range(0, len(pictures), fit):
        group = pictures[first : first + fit]
        said = [[_caption(line, width) for line in lines] for lines in captions[first : first + fit]]
        for lines in (zip(*group, strict=True), zip(*said, strict=True)):
            for parts in lines:
                console.print(_beside(parts, width), soft_wrap=True)
        if first + fit < len(pictures):
            console.print()


def picture(pixels: Array, console: Console) -> list[Text]:
    """One image, uint8 (H, W, 1 or 3), as lines of W characters, one for two rows of pixels."""
    height, width, _ = pixels.shape
    even = np.zeros((height + height % 2, width, 3), np.uint8)
    even[:height] = pixels
    if console.color_system is None or console.no_color:
        return [_shaded(rows) for rows in even.reshape(-1, 2, width, 3)]
    return [_coloured(above, below) for above, below in even.reshape(-1, 2, width, 3)]


def _coloured(above: Array, below: Array) -> Text:
    """The upper half block in the colour of one row of pixels on that of the next."""
    line = Text(no_wrap=True)
    for upper, lower in zip(above.tolist(), below.tolist(), strict=True):
        line.append("▀", f"rgb({upper[0]},{upper[1]},{upper[2]}) on rgb({lower[0]},{lower[1]},{lower[2]})")
    return line


def _shaded(rows: Array) -> Text:
    """Two rows of pixels (2, W, 3) as shades."""
    levels = np.rint(rows.mean(axis=(0, 2)) * ((len(SHADES) - 1) / 255)).astype(np.int64)
    return Text("".join(SHADES[level] for level in levels.tolist()), no_wrap=True)


def _fitting(pixels: Array) -> Array:
    """Images (n, H, W, C) whose larger side has at least LEAST_SIDE pixels."""
    times = -(-LEAST_SIDE // max(pixels.shape[1:3]))
    return pixels.repeat(times, axis=1).repeat(times, axis=2)


def _caption(text: str, width: int) -> Text:
    line = Text(plain(text), no_wrap=True)
    line.truncate(width, overflow="ellipsis")
    return line


def _beside(parts: Sequence[Text], width: int) -> Text:
    line = Text(no_wrap=True)
    for number, part in enumerate(parts):
        if number:
            line.append(" " * GAP)
        line.append_text(part)
        if number + 1 < len(parts):
            line.append(" " * (width - part.cell_len))
    return line
