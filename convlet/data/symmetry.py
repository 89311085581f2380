"""Whether mirror images keep their class, tried without training: the class of the nearest other image.

Some images are compared with all others of them, once as they are and once mirrored left to right. If mirrored ones
find their own class as often, the mirror image of an object is as good an object. If they find it far less often,
classes differ in what is left and right, as signs and arrows do. An image is described in two ways, since each shows
what the other does not: by its pixels, for things that are always in the same place, and by its local patterns, for
others.

Source of the local patterns: Ojala, Pietikainen and Maenpaa 2002, Multiresolution gray-scale and rotation invariant
texture classification with local binary patterns, section 2, with 8 neighbours at distance 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convlet.data.dataset import Array

MOST_TRIED = 1500
"""Images tried, spread evenly over the set: about half a second on one core, whatever their size."""

SIDE, PATTERN_SIDE = 16, 32
"""Larger images are reduced to about this many pixels of the shorter side, for pixels and for local patterns."""

SMALLEST = 6
"""Pixels of the shorter side; smaller images are not tried."""

STEP = 0.02
"""How much lighter a neighbour must be to count in a local pattern, as a fraction of the range."""

SURE = 4.0
"""Standard deviations that count as evidence; by chance it happens once in 30,000 tries."""

KEPT, SIGNS, OF_CLASS = 0.1, 0.4, 0.4
"""Up to the first fraction of images that lose their class mirror images are as good; from the second on they are other
signs. Classes differ also if a single one loses the third."""

MAY_LOSE = 0.25
"""Of the images that find their class beyond chance, the fraction that may be lost, with two standard deviations added,
for mirror images to be as good."""

NEAR = 1.25
"""Lost mirror images that are at most so many times as far from their nearest image as the others are, look like
another class; those farther away look like nothing in the set."""


@dataclass(frozen=True)
class Mirrored:
    """What became of the classes of images when they were mirrored.

    Parameters
    ----------
    images : tried
    right, right_mirrored : how many found their own class
    evidence : whether images find their class more often than chance, so that anything can be said
    at_most : of those that do beyond chance, the fraction that lose it when mirrored, two standard deviations added
    sure : whether more of them lost their class than chance explains
    classes : numbers of the classes that surely lost OF_CLASS of their images
    near : how far lost images are from their nearest ones, relative to the others: see NEAR
    """

    images: int
    right: int
    right_mirrored: int
    evidence: bool = False
    at_most: float = 1.0
    sure: bool = False
    classes: tuple[int, ...] = ()
    near: float = float("inf")

    @property
    def lost(self) -> float:
        """The fraction of images that lost their class."""
        return (self.right - self.right_mirrored) / max(self.right, 1)

    @property
    def keeps(self) -> bool:
        """Whether mirror images are as good."""
        return self.evidence and not self.changes and self.at_most <= MAY_LOSE

    @property
    def changes(self) -> bool:
        """Whether classes differ in what is left and right."""
        return self.evidence and (bool(self.classes) or (self.sure and self.lost > KEPT))

    @property
    def is_of_signs(self) -> bool:
        """Whether so many classes do, as it is of writing."""
        return self.changes and self.lost >= SIGNS


NOTHING = Mirrored(0, 0, 0)
"""Where nothing can be said."""


def tried(images: Array, labels: Array) -> Mirrored:
    """What becomes of the classes of images (n, H, W, C) with labels (n,) when they are mirrored; deterministic."""
    numbers = np.linspace(0, len(images) - 1, min(len(images), MOST_TRIED)).round().astype(np.int64)
    if len(numbers) < 2 or min(images.shape[1:3]) < SMALLEST:
        return NOTHING
    chosen, own = images[numbers].astype(np.float32), labels[numbers]
    span = float(chosen.max() - chosen.min())
    if not np.isfinite(span) or span <= 0:
        return NOTHING
    chosen = (chosen - chosen.min()) / np.float32(span)
    found = [_compared(_pixels(chosen), _pixels(chosen[:, :, ::-1]), own)]
    found.append(_compared(_patterns(chosen), _patterns(chosen[:, :, ::-1]), own))
    known = [one for one in found if one.changes] or [one for one in found if one.evidence]
    return max(known, key=lambda one: one.right) if known else NOTHING


def _compared(plain: Array, mirrored: Array, labels: Array) -> Mirrored:
    """The comparison of images by their descriptions, float32 (n, d) each."""
    found, far = _nearest(plain, plain)
    others, far_mirrored = _nearest(plain, mirrored)
    right, still = labels[found] == labels, labels[others] == labels
    away, gained, total = right & ~still, ~right & still, int(right.sum())
    chance = float(((np.bincount(labels) / len(labels)) ** 2).sum())
    deviation, beyond = np.sqrt(len(labels) * chance * (1 - chance)), total - len(labels) * chance
    losses = [np.bincount(labels, one, minlength=labels.max() + 1) for one in (away, gained, right)]
    surely = _is_sure(losses[0], losses[1]) & (losses[0] - losses[1] > OF_CLASS * losses[2])
    return Mirrored(
        *(len(labels), total, int(still.sum())),
        evidence=bool(beyond > SURE * deviation),
        at_most=float((away.sum() - gained.sum() + 2 * np.sqrt(away.sum() + gained.sum())) / max(beyond, 1e-9)),
        sure=bool(_is_sure(away.sum(), gained.sum())),
        classes=tuple(np.flatnonzero(surely).tolist()),
        near=float(np.median(far_mirrored[away]) / max(float(np.median(far)), 1e-9)) if away.any() else float("inf"),
    )


def _is_sure(lost: Array, gained: Array) -> Array:
    """Whether more are lost than gained, beyond SURE standard deviations of a sign test."""
    return np.asarray(lost - gained > SURE * np.sqrt(lost + gained))


def _nearest(plain: Array, wanted: Array) -> tuple[Array, Array]:
    """For each row of `wanted` the number of the nearest row of `plain` with another number, and its distance."""
    centre = plain.mean(axis=0)
    plain, wanted = plain - centre, wanted - centre
    squares = (plain**2).sum(axis=1)[None] - 2 * wanted @ plain.T + (wanted**2).sum(axis=1)[:, None]
    np.fill_diagonal(squares, np.inf)
    numbers = squares.argmin(axis=1)
    return numbers, np.sqrt(np.maximum(squares[np.arange(len(wanted)), numbers], 0))


def _reduced(images: Array, side: int) -> Array:
    """Images whose shorter side is about `side` pixels at most, by averaging."""
    n, height, width, channels = images.shape
    window = max(1, min(height, width) // side)
    rows, columns = height // window, width // window
    first = (width - columns * window) // 2  # the same columns of an image and its mirror image, or nearly
    cut = images[:, : rows * window, first : first + columns * window]
    return np.asarray(cut.reshape(n, rows, window, columns, window, channels).mean(axis=(2, 4)))


def _pixels(images: Array) -> Array:
    """Pixels of reduced images: float32 (n, pixels)."""
    return _reduced(images, SIDE).reshape(len(images), -1)


def _patterns(images: Array) -> Array:
    """Square roots of how often each local pattern stands in an image: float32 (n, 256)."""
    grey = _reduced(images, PATTERN_SIDE).mean(axis=3)
    height, width = grey.shape[1] - 2, grey.shape[2] - 2
    middle, codes = grey[:, 1:-1, 1:-1] + STEP, np.zeros((len(grey), height, width), np.int64)
    around = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    for bit, (down, across) in enumerate(around):
        codes |= (grey[:, down : down + height, across : across + width] > middle).astype(np.int64) << bit
    codes += 256 * np.arange(len(grey))[:, None, None]
    return np.sqrt(np.bincount(codes.ravel(), minlength=256 * len(grey)).reshape(-1, 256)).astype(np.float32)
