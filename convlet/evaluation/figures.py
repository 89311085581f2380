"""How good a model is, honestly: error rates with intervals, confusion, mistakes. Plain functions on arrays."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from statistics import NormalDist
from typing import Any, Protocol

import numpy as np

from convlet.errors import InputError
from convlet.evaluation.headline import headline
from convlet.evaluation.mistakes import SHOWN, Names, mistakes, suspects
from convlet.records.evaluation import Bin, Calibration, ClassFigures, CoverageRow, EvaluationFigures, PairedTest

Array = np.ndarray[Any, Any]
CHANCE = 0.05
"""A difference that chance alone gives this often, or more often, is within chance."""

SMALLEST = float(np.finfo(np.float32).tiny)


class Predictor(Protocol):
    """A trained model, as far as this file needs it."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    def probabilities(self, images: Array) -> Array: ...


def wilson_interval(wrong: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of an error rate.

    centre = (p + z^2 / 2n) / (1 + z^2 / n)
    half   = z / (1 + z^2 / n) * sqrt(p (1 - p) / n + z^2 / 4n^2),   p = wrong / n, z the normal quantile

    Parameters
    ----------
    wrong, total : 0 <= wrong <= total, total at least 1
    confidence : between 0 and 1

    Raises
    ------
    InputError : counts or confidence outside these

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if not 0 <= wrong <= total or total < 1:
        raise InputError(f"an interval needs 0 <= wrong <= total and total >= 1, but got {wrong} of {total}")
    if not 0 < confidence < 1:
        raise InputError(f"confidence must be between 0 and 1, but got {confidence}")
    z, p = NormalDist().inv_cdf((1 + confidence) / 2), wrong / total
    shrink = 1 + z * z / total
    centre = (p + z * z / (2 * total)) / shrink
    half = z / shrink * sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    # at the ends the interval reaches 0 or 1 exactly, which rounding would miss
    return (0.0 if wrong == 0 else max(0.0, centre - half)), (1.0 if wrong == total else min(1.0, centre + half))


def error_rate(labels: Array, predicted: Array) -> float:
    """wrong / all."""
    return float(np.mean(np.asarray(labels) != np.asarray(predicted)))


def confusion_matrix(labels: Array, predicted: Array, classes: int) -> list[list[int]]:
    """How many images of class row were taken for class column."""
    pairs = np.asarray(labels) * classes + np.asarray(predicted)
    counts: list[list[int]] = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).tolist()
    return counts


def per_class(matrix: list[list[int]], names: tuple[str, ...]) -> list[ClassFigures]:
    """For each class: precision = right / taken for it, recall = right / images of it; None where there are none."""
    counts = np.array(matrix)
    rows: list[ClassFigures] = []
    for number, name in enumerate(names):
        right, of_it, taken = (int(n) for n in (counts[number, number], counts[number].sum(), counts[:, number].sum()))
        precision, recall = (right / taken if taken else None), (right / of_it if of_it else None)
        rows.append({"class": name, "precision": precision, "recall": recall, "images": of_it})
    return rows


def log_loss(probabilities: Array, labels: Array) -> float:
    """Mean of -log of the probability that an image's own class was given, at least the smallest float32."""
    own = np.asarray(probabilities, np.float64)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, SMALLEST)).mean()) + 0.0  # never -0.0


def calibration(probabilities: Array, labels: Array, bins: int = 10) -> Calibration:
    """How far a model's certainty can be believed: images in bins by the probability of the class they were taken for.

    expected calibration error = sum over bins of (images in it / all) |accuracy - mean certainty|

    Parameters
    ----------
    probabilities : float (n, classes)
    labels : int (n,)
    bins : of equal width between 0 and 1

    Source: Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks", equation 3.
    """
    sure, right = probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) == labels
    places = np.minimum((sure * bins).astype(np.int64), bins - 1)
    rows: list[Bin] = []
    error = 0.0
    for number in range(bins):
        inside = places == number
        images = int(inside.sum())
        certainty, accuracy = (float(values[inside].mean()) if images else None for values in (sure, right))
        if certainty is not None and accuracy is not None:
            error += images / len(labels) * abs(accuracy - certainty)
        low, high = number / bins, (number + 1) / bins
        rows.append({"low": low, "high": high, "images": images, "certainty": certainty, "accuracy": accuracy})
    return {"bins": rows, "expected_calibration_error": error}


def paired_test(wrong: Array, other_wrong: Array) -> PairedTest:
    """Whether two models differ on the same images by more than chance: the exact test of McNemar.

    Of the n images that only one has wrong, each is as likely the one's as the other's if both are equally good:

    p = min(1, 2 P(X <= fewer)),   X binomial (n, 1/2), fewer the smaller of the two counts

    Parameters
    ----------
    wrong, other_wrong : bool (n,), which images each model has wrong

    Returns
    -------
    only, only_other : how many images only the one, or only the other, has wrong
    p_value, within_chance : see above; whether p is at least `CHANCE`

    Source: McNemar 1947, "Note on the sampling error of the difference between correlated proportions".
    """
    only, only_other = int((wrong & ~other_wrong).sum()), int((other_wrong & ~wrong).sum())
    n, fewer = only + only_other, min(only, only_other)
    term = total = 1
    for k in range(1, fewer + 1):
        term = term * (n - k + 1) // k
        total += term
    p_value = min(1.0, float(Fraction(2 * total, 2**n)))
    return {"only": only, "only_other": only_other, "p_value": p_value, "within_chance": p_value >= CHANCE}


THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
"""Confidences at which coverage is given."""


def coverage(confidence: Array, wrong: Array, thresholds: tuple[float, ...] = THRESHOLDS) -> list[CoverageRow]:
    """For each threshold how many images have at least that confidence, and their error; None without any.

    coverage = kept / all,   error = wrong of the kept / kept

    Parameters
    ----------
    confidence : float (n,), the probability of the predicted class
    wrong : bool (n,), whether an image is wrong
    """
    rows: list[CoverageRow] = []
    for threshold in thresholds:
        kept = confidence >= threshold
        count = int(kept.sum())
        error = int(wrong[kept].sum()) / count if count else None
        rows.append({"threshold": threshold, "kept": count, "coverage": count / len(kept), "error": error})
    return rows


def evaluate(
    model: Predictor,
    images: Array,
    labels: Array,
    probabilities: Array | None = None,
    names: Names | None = None,
) -> EvaluationFigures:
    """All of the above for a model and images (n, H, W, C) with labels (n,); errors are fractions.

    probabilities : float (n, classes), if they are there already
    names : where each image lies, for the lists of single images; None if it is not known

    Raises
    ------
    InputError : no images, another number of labels, or a label that is the number of no class
    PredictionError : what the network puts out for an image is not finite
    """
    labels, classes = np.asarray(labels), len(model.classes)
    if not len(images) or labels.shape != (len(images),):
        raise InputError(f"an evaluation needs images and a label for each, but got {len(images)} and {labels.shape}")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes:
        came = f"{labels.min()} to {labels.max()}" if labels.dtype.kind in "iu" else f"dtype {labels.dtype}"
        raise InputError(f"an evaluation needs labels from 0 to {classes - 1}, but got {came}")
    if probabilities is None:
        probabilities = model.probabilities(images)
    predicted = probabilities.argmax(axis=1)
    wrong = int((predicted != labels).sum())
    matrix = confusion_matrix(labels, predicted, len(model.classes))
    mistaken = mistakes(probabilities, labels, tuple(model.classes), names)
    return {
        "images": len(labels),
        "error": wrong / len(labels),
        "error_interval": list(wilson_interval(wrong, len(labels))),
        "log_loss": log_loss(probabilities, labels),
        "calibration": calibration(probabilities, labels),
        "confusion_matrix": matrix,
        "headline": headline(matrix, tuple(model.classes)),
        "coverage": coverage(probabilities.max(axis=1), predicted != labels),
        "per_class": per_class(matrix, tuple(model.classes)),
        "worst": mistaken[:SHOWN],
        "mistakes": mistaken,
        "suspected": suspects(probabilities, labels, tuple(model.classes), names, SHOWN),
    }
