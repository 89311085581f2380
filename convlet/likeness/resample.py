"""Drawing a picture into a frame of another size, at any scale and place, by areas."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def drawn_at(ink: Array, shape: tuple[int, int], scale: tuple[float, float], at: tuple[float, float]) -> Array:
    """Ink (h, w) drawn into an empty frame: float64 of `shape`.

    A pixel of the frame is the mean of the ink over the area that it covers, so the result does not flicker with `at`.

    Parameters
    ----------
    scale : pixels of the frame for one pixel of the ink, down and across
    at : where the top left corner of the ink comes to lie, in pixels of the frame from its own
    """
    rows = _cover(ink.shape[0], shape[0], scale[0], at[0])
    columns = _cover(ink.shape[1], shape[1], scale[1], at[1])
    return np.asarray(np.einsum("pq,qc->pc", np.einsum("pr,rq->pq", rows, ink), columns.T))


def resized(picture: Array, shape: tuple[int, int]) -> Array:
    """A picture (h, w, C) in another size, stretched, by areas: float64 (*shape, C)."""
    scale = (shape[0] / picture.shape[0], shape[1] / picture.shape[1])
    channels = [drawn_at(picture[..., c], shape, scale, (0.0, 0.0)) for c in range(picture.shape[2])]
    return np.stack(channels, axis=2)


def reduced(picture: Array, most: int) -> Array:
    """A picture (h, w, C) with at most `most` pixels a side: means over squares; a rest at the end is left out."""
    factor = -(-max(picture.shape[:2]) // most)
    if factor <= 1:
        return picture
    height, width = (max(1, side // factor) for side in picture.shape[:2])
    rows, columns = min(factor, picture.shape[0]), min(factor, picture.shape[1])
    cut = picture[: height * rows, : width * columns]
    return np.asarray(cut.reshape(height, rows, width, columns, -1).mean(axis=(1, 3)))


def _cover(inner: int, outer: int, scale: float, at: float) -> Array:
    """How much of each of `outer` pixels each of `inner` covers, of lines of both: float64 (outer, inner)."""
    start, end = at + scale * np.arange(inner), at + scale * np.arange(1, inner + 1)
    places = np.arange(outer)[:, None]
    return np.clip(np.minimum(end, places + 1) - np.maximum(start, places), 0, None)
