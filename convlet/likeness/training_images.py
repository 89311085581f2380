"""What the training images of a model were like: range, ground, ink, place, and how validation images are scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convlet.likeness.checks import rounded, row_of
from convlet.likeness.measures import NAMES, grey, measure
from convlet.likeness.scores import Scores
from convlet.records.model import LikenessValues
from convlet.system.reading import Unchecked

Array = np.ndarray[Any, Any]

MOST_MEASURED = 2_000
"""Training images that are measured, spread evenly; of 60,000 the same quantiles come out to three digits."""

FEWEST_MEASURED = 20
"""Images from which on measures are kept; fewer say too little about what others may be like."""

MOST_PIXELS = 2**22
"""Pixels that are measured, all images together; it bounds the time, and the memory where images lie in a file."""

PIECE = 2**20
"""Pixels measured at once; it bounds the memory."""

LOW, MIDDLE, HIGH = 0.001, 0.5, 0.999
"""Quantiles of each measure that are kept."""

LEAST_SIDE = 6
"""Images whose shorter side is smaller are no pictures, such as lines of numbers; only their range is kept."""

EVEN, DRAWN, ONE_SIDED = 0.05, 0.4, 0.8
"""Images show ink on an even ground if the median unevenness is at most the first, the median ink at most the second,
and the lean of nine tenths of them at least the third, all on one side."""


@dataclass(frozen=True)
class TrainingImages:
    """A description of training images, in a few kB.

    Parameters
    ----------
    measured : images that were measured
    low, high : smallest and largest pixel value of these
    lows, middles, highs : the quantiles LOW, MIDDLE and HIGH of each measure of `measures.NAMES`; empty for images
        that are no pictures, and for fewer than FEWEST_MEASURED
    drawn : whether the images show ink on an even ground, all light on dark or all dark on light
    scores : how validation images are scored; None without validation images

    Raises
    ------
    ValueError : numbers that are none, of other counts, or out of order
    """

    measured: int
    low: float
    high: float
    lows: tuple[float, ...] = ()
    middles: tuple[float, ...] = ()
    highs: tuple[float, ...] = ()
    drawn: bool = False
    scores: Scores | None = None

    def __post_init__(self) -> None:
        if type(self.measured) is not int or self.measured < 1:
            raise ValueError(f"measured must be a whole number from 1, but got {self.measured!r:.60}")
        if type(self.drawn) is not bool:
            raise ValueError(f"drawn must be true or false, but got {self.drawn!r:.60}")
        low, high = row_of("low and high", [self.low, self.high], 2)
        if low > high:
            raise ValueError(f"low must be at most high, but got {low:g} and {high:g}")
        width = len(NAMES) if self.lows else 0
        rows = [row_of(name, getattr(self, name), width) for name in QUANTILES]
        if any(not a <= b <= c for a, b, c in zip(*rows, strict=True)):
            raise ValueError("lows, middles and highs must rise in this order")
        if self.drawn and not self.lows:
            raise ValueError("drawn images must have been measured, but there are no lows")
        for name, value in (("low", low), ("high", high), *zip(QUANTILES, map(tuple, rows), strict=True)):
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, images: Array, read: Callable[[Array], Array] | None = None) -> TrainingImages:
        """Describe training images (n, H, W, C), uint8 or float32, n at least 1.

        read : gives the images of some numbers, for images that lie in a file; None to take them from `images`
        """
        height, width, channels = images.shape[1:]
        most = max(FEWEST_MEASURED, min(MOST_MEASURED, MOST_PIXELS // (height * width * channels)))
        shown = np.arange(0, len(images), -(-len(images) // most))
        at_once = max(1, PIECE // (height * width * channels))
        take = read or (lambda numbers: images[numbers])
        parts = [take(shown[first : first + at_once]) for first in range(0, len(shown), at_once)]
        low, high = float(min(part.min() for part in parts)), float(max(part.max() for part in parts))
        if min(height, width) < LEAST_SIDE or low == high or len(shown) < FEWEST_MEASURED:
            return cls(len(shown), low, high)
        values = np.concatenate([measure(grey(part, low, high)) for part in parts])
        lows, middles, highs = rounded(np.quantile(values, (LOW, MIDDLE, HIGH), axis=0))
        return cls(len(shown), low, high, lows, middles, highs, _is_drawn(values))

    def with_scores(self, logits: Array, labels: Array) -> TrainingImages:
        """The same with what the network puts out for validation images: logits (n, K) and labels (n,)."""
        return replace(self, scores=Scores.of(logits, labels) if np.isfinite(logits).all() else None)

    def joined(self, more: TrainingImages) -> TrainingImages:
        """The description of these and of more images, seen later; scores are those of the later ones.

        Measures are kept if both have the same range of values, since they are fractions of it.
        """
        low, high = min(self.low, more.low), max(self.high, more.high)
        form = (self.measured + more.measured, low, high)
        if (self.low, self.high) != (more.low, more.high) or not self.lows or not more.lows:
            return TrainingImages(*form, scores=more.scores)
        share = more.measured / form[0]
        lows, highs = tuple(map(min, self.lows, more.lows)), tuple(map(max, self.highs, more.highs))
        middles = tuple((1 - share) * a + share * b for a, b in zip(self.middles, more.middles, strict=True))
        return TrainingImages(*form, lows, middles, highs, self.drawn and more.drawn, more.scores)

    @property
    def typical(self) -> dict[str, float]:
        """The median of each measure by its name."""
        return dict(zip(NAMES, self.middles, strict=True)) if self.middles else {}

    def as_dict(self) -> LikenessValues:
        """The description in values that JSON knows."""
        return {
            "measured": self.measured,
            "low": self.low,
            "high": self.high,
            "lows": list(self.lows),
            "middles": list(self.middles),
            "highs": list(self.highs),
            "drawn": self.drawn,
            "scores": self.scores.as_dict() if self.scores else None,
        }

    @classmethod
    def from_dict(cls, values: Any) -> TrainingImages:
        """The description that `as_dict` gave; ValueError for anything else."""
        names = ("measured", "low", "high", *QUANTILES, "drawn", "scores")
        scores = ("images", "curve", "means", "deviations", "limits")
        found = _object(values, names)
        if found["scores"] is not None:
            found["scores"] = Scores(**_object(found["scores"], scores))
        return cls(**found)


QUANTILES = ("lows", "middles", "highs")


def _object(values: Any, names: tuple[str, ...]) -> Unchecked:
    if not isinstance(values, dict) or set(values) != set(names):
        raise ValueError(f"expected {', '.join(names)}, and nothing else")
    return dict(values)


def _is_drawn(values: Array) -> bool:
    """See EVEN. The lean is checked at its inner nine tenths."""
    middle = dict(zip(NAMES, np.median(values, axis=0).tolist(), strict=True))
    low, high = np.quantile(values[:, NAMES.index("lean")], (0.05, 0.95))
    one_sided = low >= ONE_SIDED or high <= -ONE_SIDED
    return bool(middle["unevenness"] <= EVEN and middle["ink"] <= DRAWN and one_sided)
