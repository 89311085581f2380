"""Near copies: one picture saved again, resized or brightened. Found by a hash of the image reduced to 8 x 8 pixels.

The reduced image, less its mean and over its contrast, is v. A table is keyed by its four lowest frequencies, in steps;
images with the same key that stand near each other in the table are compared. There are TABLES tables with shifted
steps, so that a picture and its copy rarely miss each other in all. The cost is that of sorting.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convlet.data.dataset import Array

GRID, FINE = 8, 16
"""Pixels of a side of the reduced image, and of the one in which details are compared."""

LIMIT = 0.12
"""Root mean square of the difference of v of two near copies. With it 97 of 100 copies of photographs are found that
were resized by 10 %, and 2 of MNIST's 60,000 digits are taken for copies (benchmarks/near_copies.py)."""

DETAIL = 0.75
"""Correlation of the details of two near copies: images under one light are alike when reduced, but not in details."""

BRIGHTER = 0.1
"""How far the brightness and the contrast of two near copies may differ."""

LEAST_CONTRAST = 3.0
"""Mean deviation from the median, in grey levels; a reduced image with less is blank, and a copy of nothing."""

FREQUENCIES = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1))
KEYED, STEP = 4, 1.5
TABLES, NEIGHBOURS = 4, 6
BYTES = 2**24
"""Of the images that are reduced at once."""

MOST_EXACT = 2**24 // 255
"""Pixels of an image whose weighted sums are whole numbers that float32 holds, so that every machine finds the same."""


def pairs(parts: list[Array], labels: list[Array]) -> Array:
    """The near copies among images of one class: (m, 2) int64, numbers counted over all parts; m may be 0.

    Parameters
    ----------
    parts : (n, H, W, C) uint8 or float32 each, of one shape
    labels : (n,) int64 each
    """
    none = np.empty((0, 2), np.int64)
    if min(parts[0].shape[1:3]) < GRID:
        return none
    greys = _greys(parts)
    if not 0 < greys[1] < np.inf:
        return none
    reduced = np.concatenate([_reduced(part, GRID, greys) for part in parts])
    mean, contrast, shapes = _normalised(reduced)
    own = np.flatnonzero(contrast >= LEAST_CONTRAST)
    if len(own) < 2:
        return none
    every = np.concatenate(labels)[own]
    found = _candidates(_frequencies(shapes[own]), every)
    if not len(found):
        return none
    found = own[found]
    one, other = found[:, 0], found[:, 1]
    alike = _rms(shapes[one] - shapes[other]) <= LIMIT
    alike &= np.abs(contrast[one] / contrast[other] - 1) <= BRIGHTER
    off = np.abs(mean[one] - mean[other]) / np.maximum(np.abs(mean[one]), 10.0)
    alike &= (off <= BRIGHTER).all(axis=1)
    found = found[alike]
    return found[_same_details(parts, found, greys)] if len(found) and min(parts[0].shape[1:3]) >= FINE else found


def _greys(parts: list[Array]) -> tuple[float, float]:
    """The value of grey level 0 and of one grey level of 255, over all parts."""
    if parts[0].dtype == np.uint8:
        return 0.0, 1.0
    low = min(float(part.min()) for part in parts if len(part))
    return low, (max(float(part.max()) for part in parts if len(part)) - low) / 255


def _rms(values: Array) -> Array:
    found: Array = np.sqrt(np.square(values.reshape(len(values), -1)).mean(axis=1))
    return found


def _weights(side: int, grid: int) -> Array:
    """How much of each of `grid` equal stretches each pixel of a side covers, (side, grid): whole numbers."""
    first, low = np.arange(side)[:, None] * grid, np.arange(grid)[None] * side
    return np.clip(np.minimum(first + grid, low + side) - np.maximum(first, low), 0, None)


def _reduced(images: Array, grid: int, greys: tuple[float, float] = (0.0, 1.0)) -> Array:
    """The mean over each cell of a grid, in grey levels: (n, grid, C, grid) float32."""
    n, h, w, c = images.shape
    exact = np.float32 if h * w <= MOST_EXACT and images.dtype == np.uint8 else np.float64
    rows, columns = _weights(h, grid).astype(exact), _weights(w, grid).astype(exact)
    found = np.empty((n, grid, c, grid), np.float32)
    together = max(1, BYTES // max(1, images[:1].size * np.dtype(exact).itemsize))
    for k in range(0, n, together):
        some: Array = images[k : k + together].astype(exact).reshape(-1, h, w * c)
        if images.dtype != np.uint8:
            some = (some - greys[0]) / greys[1]
        tall = np.matmul(rows.T, some).reshape(len(some), grid, w, c)
        found[k : k + together] = np.matmul(tall.transpose(0, 1, 3, 2), columns) / (h * w)
    return found


def _normalised(reduced: Array) -> tuple[Array, Array, Array]:
    """Mean of each channel (n, C), contrast (n,), and the reduced images without both, (n, GRID, C, GRID)."""
    mean = reduced.mean(axis=(1, 3), dtype=np.float64).astype(np.float32)
    median = np.median(reduced, axis=(1, 3))
    contrast = np.abs(reduced - median[:, None, :, None]).mean(axis=(1, 2, 3))
    return mean, contrast, (reduced - mean[:, None, :, None]) / np.maximum(contrast, 1e-9)[:, None, None, None]


def _frequencies(shapes: Array) -> Array:
    """The lowest frequencies of the mean over channels, (n, 7), by orthonormal cosines."""
    places = (2 * np.arange(GRID) + 1) * np.pi / (2 * GRID)
    waves = [np.cos(k * places) * (np.sqrt(2 / GRID) if k else np.sqrt(1 / GRID)) for k in range(3)]
    basis = np.stack([np.outer(waves[u], waves[v]).ravel() for u, v in FREQUENCIES]).astype(np.float32)
    return shapes.mean(axis=2).reshape(len(shapes), -1) @ basis.T


def _candidates(frequencies: Array, labels: Array) -> Array:
    """Pairs of one class that a table brings together and whose lowest frequencies are alike, each once: (m, 2)."""
    found = [np.empty(0, np.int64)]
    n, most = len(frequencies), (LIMIT * GRID) ** 2
    for table in range(TABLES):
        steps = np.floor(frequencies[:, :KEYED] / STEP + table / TABLES).astype(np.int64)
        key = labels
        for column in steps.T:
            key = key * 4096 + (column & 4095)
        order = np.lexsort((frequencies[:, KEYED], key))
        for one, other in _neighbours(key[order], order):
            apart = np.square(frequencies[one] - frequencies[other]).sum(axis=1)
            near = apart <= most
            low, high = np.minimum(one[near], other[near]), np.maximum(one[near], other[near])
            found.append(low * n + high)
    numbers = np.unique(np.concatenate(found))
    return np.stack([numbers // n, numbers % n], axis=1)


def _neighbours(keys: Array, order: Array) -> Iterator[tuple[Array, Array]]:
    """Images with the same key that stand up to NEIGHBOURS places apart."""
    for apart in range(1, min(NEIGHBOURS, len(keys) - 1) + 1):
        same = keys[apart:] == keys[:-apart]
        yield order[:-apart][same], order[apart:][same]


def _same_details(parts: list[Array], found: Array, greys: tuple[float, float]) -> Array:
    """Which pairs are alike also in what their reduced images lack, bool (m,)."""
    starts = np.cumsum([0, *(len(part) for part in parts)])
    fine = {}
    for number in np.unique(found):
        part = int(np.searchsorted(starts, number, "right")) - 1
        small = _reduced(parts[part][number - starts[part]][None], FINE, greys)[0]
        grey = small.mean(axis=1)  # JPEG keeps no details of colour
        coarse = grey.reshape(GRID, 2, GRID, 2).mean(axis=(1, 3))
        fine[int(number)] = (grey - coarse.repeat(2, axis=0).repeat(2, axis=1)).ravel()
    alike = np.zeros(len(found), bool)
    for place, (one, other) in enumerate(found.tolist()):
        a, b = fine[one], fine[other]
        norm = float(np.sqrt((a @ a) * (b @ b)))
        alike[place] = norm > 0 and float(a @ b) >= DETAIL * norm
    return alike
