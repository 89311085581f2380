"""Views: an image shown more than once when it is predicted, mirrored or a little aside, and the scores averaged."""

from __future__ import annotations

import re
from itertools import product
from typing import NamedTuple

import numpy as np

from convlet.errors import SettingsError
from convlet.layers.base import Array

MOST_SHIFT = 64


class View(NamedTuple):
    """How an image is shown: moved by whole pixels, pixels from outside being those at the edge, then mirrored."""

    down: int
    right: int
    mirrored: bool

    def show(self, images: Array) -> Array:
        """The images (n, H, W, C) so shown, C-contiguous and of the same type."""
        if self == AS_IT_IS:
            return images
        rows, columns = self.places(*images.shape[1:3])
        return np.ascontiguousarray(images[:, rows][:, :, columns])

    def places(self, height: int, width: int) -> tuple[Array, Array]:
        """The row (H,) and the column (W,) of the image that each row and column so shown is taken from: int64."""
        rows = (np.arange(height) - self.down).clip(0, height - 1)
        columns = (np.arange(width) - self.right).clip(0, width - 1)
        return rows, columns[::-1] if self.mirrored else columns


AS_IT_IS = View(0, 0, False)


def parse_views(word: str) -> tuple[View, ...]:
    """The views of a word: "flip", "shift1", "shift2-flip", ...; the first is always the image as it is.

    flip : each view is there mirrored too
    shift<n> : the image as it is, and moved by n pixels up, down, left and right

    Raises
    ------
    SettingsError : another word
    """
    found = re.fullmatch(r"(?:shift([0-9]{1,3}))?(-?)(flip)?", word) if isinstance(word, str) else None
    shift = int(found[1]) if found and found[1] else 0
    joined = bool(found and found[1] and found[3])
    if found is None or joined != bool(found[2]) or shift > MOST_SHIFT or (found[1] and not shift):
        raise SettingsError(
            f"views must be 'flip', 'shift1' (or another number up to {MOST_SHIFT}), 'shift1-flip' or '', "
            f"but got {word!r:.60}"
        )
    places = [(0, 0), *([(shift, 0), (-shift, 0), (0, shift), (0, -shift)] if shift else [])]
    return tuple(View(*place, mirrored) for mirrored, place in product((False, True) if found[3] else (False,), places))
