"""How good a model is, honestly: error rates with intervals, confusion, mistakes. Plain functions on arrays."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Any, Protocol

import numpy as np

from convlet.errors import InputError

Array = np.ndarray[Any, Any]
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


def per_class(matrix: list[list[int]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """For each class: precision = right / taken for it, recall = right / images of it; None where there are none."""
    counts = np.array(matrix)
    rows = []
    for number, name in enumerate(names):
        right, of_it, taken = (int(n) for n in (counts[number, number], counts[number].sum(), counts[:, number].sum()))
        precision, recall = (right / taken if taken else None), (right / of_it if of_it else None)
        rows.append({"class": name, "precision": precision, "recall": recall, "images": of_it})
    return rows


def log_loss(probabilities: Array, labels: Array) -> float:
    """Mean of -log of the probability that an image's own class was given, at least the smallest float32."""
    own = np.asarray(probabilities, np.float64)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, SMALLEST)).mean())


def worst_mistakes(
    probabilities: Array, labels: Array, names: tuple[str, ...], count: int = 10
) -> list[dict[str, Any]]:
    """The wrong images of which the model was surest, the surest first."""
    predicted = probabilities.argmax(axis=1)
    sure = probabilities[np.arange(len(labels)), predicted]
    wrong = np.flatnonzero(predicted != labels)
    order = wrong[np.argsort(-sure[wrong], kind="stable")][:count]
    return [
        {
            "image": int(k),
            "label": names[int(labels[k])],
            "predicted": names[int(predicted[k])],
            "probability": float(sure[k]),
            "label_probability": float(probabilities[k, labels[k]]),
        }
        for k in order
    ]


def evaluate(model: Predictor, images: Array, labels: Array) -> dict[str, Any]:
    """All of the above for a model and images (n, H, W, C) with labels (n,); errors are fractions."""
    probabilities = model.probabilities(images)
    predicted = probabilities.argmax(axis=1)
    wrong = int((predicted != labels).sum())
    matrix = confusion_matrix(labels, predicted, len(model.classes))
    return {
        "images": len(labels),
        "error": wrong / len(labels),
        "error_interval": list(wilson_interval(wrong, len(labels))),
        "log_loss": log_loss(probabilities, labels),
        "confusion_matrix": matrix,
        "per_class": per_class(matrix, tuple(model.classes)),
        "worst": worst_mistakes(probabilities, labels, tuple(model.classes)),
    }
