"""Single images worth a look: the worst mistakes, the least certain ones, labels that look wrong. Plain functions."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from convlet.records.evaluation import Certain, Doubtful, Labelled, Mistake

Array = np.ndarray[Any, Any]

SHOWN = 10
"""Images of each list that a terminal shows."""


SURE = 0.9
"""A network that gives another class than the label's so much probability makes the label suspect."""


class Names(Protocol):
    """Where each image lies, as `ImageSet.names`."""

    def __getitem__(self, number: int, /) -> Any: ...


def least_certain(probabilities: Array, count: int = SHOWN) -> Array:
    """The images whose two most probable classes lie closest together, the closest first: int64 (m,)."""
    ordered = np.sort(probabilities, axis=1)
    order: Array = np.argsort(ordered[:, -1] - ordered[:, -2], kind="stable")[:count]
    return order


def suspected_labels(probabilities: Array, labels: Array, count: int = SHOWN) -> Array:
    """Images whose label looks wrong, the most suspect first: int64 (m,).

    An image of label i is suspected to be of class j where p_j is the largest of its probabilities and at least the
    mean p_j over the images of label j, or SURE if that is less. The order is by p_j - p_i.

    Source: Northcutt, Jiang, Chuang 2021, "Confident learning", section 3 (the threshold) and 3.2 (the order).
    SURE is ours: these networks have seen most of the images, and if the mean is above 99 % it leaves out an image
    that they predict with 98 %.
    """
    rows, taken = np.arange(len(labels)), probabilities.argmax(axis=1)
    classes = probabilities.shape[1]
    own = probabilities[rows, labels].astype(np.float64)
    counts = np.bincount(labels, minlength=classes)
    usual = np.bincount(labels, own, classes) / np.maximum(counts, 1)
    usual = np.minimum(usual, SURE)
    lead = probabilities[rows, taken] - own
    suspects = np.flatnonzero((taken != labels) & (probabilities[rows, taken] >= usual[taken]) & (counts[taken] > 0))
    order: Array = suspects[np.argsort(-lead[suspects], kind="stable")][:count]
    return order


def mistakes(
    probabilities: Array, labels: Array, classes: tuple[str, ...], names: Names | None = None
) -> list[Mistake]:
    """Every wrong image, the one with the highest confidence first.

    Parameters
    ----------
    probabilities : float (n, classes)
    labels : int (n,)
    classes : the name of each class
    names : where each image lies; None if it is not known, and then no row has a "name"
    """
    predicted = probabilities.argmax(axis=1)
    sure = probabilities[np.arange(len(labels)), predicted]
    wrong = np.flatnonzero(predicted != labels)
    order = wrong[np.argsort(-sure[wrong], kind="stable")]
    found: list[Mistake] = []
    for number in order.tolist():
        before, best, after = _row(number, probabilities[number], int(labels[number]), classes, names)
        found.append({**before, "predicted": best, **after})
    return found


def suspects(
    probabilities: Array, labels: Array, classes: tuple[str, ...], names: Names | None = None, count: int | None = None
) -> list[Doubtful]:
    """The images of `suspected_labels`, each with the class that is suggested; all of them if count is None."""
    order = suspected_labels(probabilities, labels, len(labels) if count is None else count)
    found: list[Doubtful] = []
    for number in order.tolist():
        before, best, after = _row(number, probabilities[number], int(labels[number]), classes, names)
        found.append({**before, "suggested": best, **after})
    return found


def _row(
    number: int, probabilities: Array, label: int, classes: tuple[str, ...], names: Names | None
) -> tuple[Labelled, str, Certain]:
    """Which image it is, its most probable class, and the probabilities: what stands before, in and after a row."""
    best = int(probabilities.argmax())
    which: Labelled = {"image": number, "label": classes[label]}
    if names is not None:
        which = {"image": number, "name": str(names[number]), "label": classes[label]}
    certain: Certain = {"probability": float(probabilities[best]), "label_probability": float(probabilities[label])}
    return which, classes[best], certain
