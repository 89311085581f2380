"""What a network's logits are like on validation images: how far from each class, and how confidence goes with error.

Logits are the last layer's features as the head sees them; they are there after every prediction, so nothing is
computed twice. K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convlet.errors import SettingsError
from convlet.likeness.checks import numbers, rounded
from convlet.records.model import ScoreValues

Array = np.ndarray[Any, Any]

MOST_CLASSES = 20
"""Up to this many classes the means of all logits are kept; of more, only that of the class, to stay in a few kB."""

FEWEST_OF_A_CLASS = 5
"""Right validation images that each class needs before distances to it mean anything."""

FEWEST_KEPT = 30
"""Validation images above a threshold, below which their error is not evidence."""

POINTS = 64
"""Thresholds of the curve of confidence against error, at equal steps of kept images."""

UNLIKE, DOUBTFUL = 0.998, 0.99
"""Quantiles of the distances of validation images. Above the first an image is called unlike, above the second it is
rejected if a wanted error is given."""


MORE_OF_FEW = 3.0
"""Limits are raised by this fraction over the root of the validation images: quantiles of few images lie too low."""


@dataclass(frozen=True)
class Scores:
    """How logits of validation images lie.

    Parameters
    ----------
    images : validation images they were found on
    curve : rows (threshold, kept, wrong): of the validation images whose confidence is at least the threshold, how
        many there are, and how many are wrong; thresholds rise from 0
    means, deviations : K rows of M numbers, the logits of the right images of a class: M = K, or of the class alone
        M = 1. Empty if a class has fewer than FEWEST_OF_A_CLASS
    limits : quantiles UNLIKE and DOUBTFUL of each distance, in the order of `distances`; empty without means

    Raises
    ------
    ValueError : numbers that are none, or of other counts
    """

    images: int
    curve: tuple[tuple[float, int, int], ...]
    means: tuple[tuple[float, ...], ...] = ()
    deviations: tuple[tuple[float, ...], ...] = ()
    limits: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if type(self.images) is not int or self.images < 1:
            raise ValueError(f"scores need validation images, but got {self.images!r:.60}")
        curve = numbers("curve", self.curve, 3)
        kept = [row[1] for row in curve]
        ordered = curve == sorted(curve) and kept == sorted(kept, reverse=True)
        whole = all(row[k] == int(row[k]) for row in curve for k in (1, 2))
        if not curve or not ordered or not whole or not all(0 <= w <= n <= self.images for _, n, w in curve):
            raise ValueError("curve must be rows of threshold, kept and wrong images, thresholds rising")
        if not all(0 <= row[0] <= 1 for row in curve):
            raise ValueError("thresholds of curve must be from 0 to 1")
        object.__setattr__(self, "curve", tuple((row[0], int(row[1]), int(row[2])) for row in curve))
        classes = len(self.means)
        per_row = len(self.means[0]) if classes else 0
        if classes and per_row not in (1, classes):
            raise ValueError(f"means must be {classes} rows of 1 or {classes} numbers, but the first has {per_row}")
        for name, rows, width in (
            *(("means", classes, per_row), ("deviations", classes, per_row)),
            ("limits", 0 if not classes else 2 if per_row > 1 else 1, 2),
        ):
            given = numbers(name, getattr(self, name), width)
            if len(given) != rows:
                raise ValueError(f"{name} must have {rows} rows, but got {len(given)}")
            object.__setattr__(self, name, tuple(tuple(row) for row in given))
        if any(value <= 0 for row in self.deviations for value in row):
            raise ValueError("deviations must be above 0")

    @classmethod
    def of(cls, logits: Array, labels: Array) -> Scores:
        """The scores of validation images: float32 logits (n, K) and int64 labels (n,)."""
        logits = logits.astype(np.float64)
        predicted = logits.argmax(axis=1)
        curve = _curve(confidence(logits), predicted != labels)
        right = predicted == labels
        count, classes = np.bincount(labels[right], minlength=logits.shape[1]), logits.shape[1]
        if count.min() < FEWEST_OF_A_CLASS:
            return cls(len(labels), curve)
        columns = [slice(None) if classes <= MOST_CLASSES else slice(k, k + 1) for k in range(classes)]
        groups = [logits[right & (labels == k)][:, columns[k]] for k in range(classes)]
        spread = float(np.concatenate([g - g.mean(axis=0) for g in groups]).std())
        means = rounded([g.mean(axis=0) for g in groups])
        deviations = rounded([np.maximum(g.std(axis=0), max(0.1 * spread, 1e-6)) for g in groups])
        found = _distances(logits, np.array(means), np.array(deviations))
        more = MORE_OF_FEW / np.sqrt(len(labels))
        limits = rounded([(q := np.quantile(one, (UNLIKE, DOUBTFUL))) + more * np.abs(q) for one in found])
        return cls(len(labels), curve, means, deviations, tuple((row[0], row[1]) for row in limits))

    def unlike(self, logits: Array, strict: bool = False) -> Array:
        """Which images (n,) lie farther from every class than validation images do; strict takes the lower limit."""
        if not self.means:
            return np.zeros(len(logits), bool)
        found = _distances(logits.astype(np.float64), np.array(self.means), np.array(self.deviations))
        return np.any([one > limit[strict] for one, limit in zip(found, self.limits, strict=True)], axis=0)

    def threshold(self, error: float) -> float:
        """The lowest confidence above which validation images have at most this error rate.

        Raises
        ------
        SettingsError : no threshold that keeps FEWEST_KEPT images has so low an error
        """
        usable = [row for row in self.curve if row[1] >= min(FEWEST_KEPT, self.images)]
        for threshold, kept, wrong in usable:
            if wrong <= error * kept:
                return threshold
        _, kept, wrong = min(usable, key=lambda row: row[2] / row[1])
        raise SettingsError(
            f"no confidence keeps an error of {error:g} on the {self.images:,} validation images; the lowest is "
            f"{wrong / kept:.2g}, with {100 * kept / self.images:.0f} % of them kept"
        )

    def as_dict(self) -> ScoreValues:
        """The scores in values that JSON knows."""
        return {
            "images": self.images,
            "curve": [list(row) for row in self.curve],
            "means": [list(row) for row in self.means],
            "deviations": [list(row) for row in self.deviations],
            "limits": [list(row) for row in self.limits],
        }


def confidence(logits: Array) -> Array:
    """The probability of the most probable class: float64 (n,).   1 / sum over k of exp(z_k - max z)"""
    z = logits.astype(np.float64)
    sums: Array = 1 / np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1)
    return sums


def _curve(sure: Array, wrong: Array) -> tuple[tuple[float, int, int], ...]:
    order = np.argsort(sure, kind="stable")
    sure, wrong = sure[order], wrong[order]
    rows = {0.0: (len(sure), int(wrong.sum()))}
    for place in sorted({round(k * (len(sure) - 1) / POINTS) for k in range(1, POINTS + 1)}):
        threshold = float(f"{sure[place]:.9f}")
        kept = sure >= threshold
        rows[threshold] = (int(kept.sum()), int(wrong[kept].sum()))
    return tuple((threshold, *counts) for threshold, counts in sorted(rows.items()))


def _distances(z: Array, means: Array, deviations: Array) -> list[Array]:
    """How far each image's logits z (n, K) are below those of the class, and from the nearest class.

    first : (mean_c - z_c) / deviation_c,   c the predicted class
    second : least over c of the root mean square over k of (z_k - mean_ck) / deviation_ck
    """
    chosen = z.argmax(axis=1)
    own = means[:, 0] if means.shape[1] == 1 else means.diagonal()
    own_deviation = deviations[:, 0] if means.shape[1] == 1 else deviations.diagonal()
    found = [(own[chosen] - z.max(axis=1)) / own_deviation[chosen]]
    if means.shape[1] > 1:
        nearest = np.full(len(z), np.inf)
        for mean, deviation in zip(means, deviations, strict=True):
            nearest = np.minimum(nearest, np.sqrt((((z - mean) / deviation) ** 2).mean(axis=1)))
        found.append(nearest)
    return found
