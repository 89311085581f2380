"""One trained network and its images: where it is wrong, what its confidence is worth, which labels look wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from convlet.data.dataset import Array, Dataset, ImageSet
from convlet.data.thumbnails import chosen, thumbnails
from convlet.errors import PredictionError
from convlet.evaluation.figures import calibration, confusion_matrix, log_loss, per_class, wilson_interval
from convlet.evaluation.mistakes import least_certain, suspected_labels
from convlet.findings.bounds import predicted_together, prediction_threads, searched_step
from convlet.learning.losses import softmax
from convlet.model.model import Model
from convlet.records.findings import Suspect, TestFindings

SHOWN = 12
"""Images in each of the lists."""

EXAMPLES, EXAMPLE_CLASSES = 4, 24
"""Images of each class that stand for it, and classes that have them."""


def logits_of(model: Model, images: Array, threads: int | None = None, *, part: str = "test", step: int = 1) -> Array:
    """The logits (n, classes) of images (n, H, W, C), a few of which are read at once.

    Parameters
    ----------
    part, step : what the images are every `step`-th of, for an error

    Raises
    ------
    PredictionError : the logits of an image are not finite
    """
    threads = prediction_threads(model, threads)
    together = predicted_together(model, max(1, images[:1].nbytes), threads)
    parts = []
    for first in range(0, len(images), together):
        try:
            parts.append(model.logits(images[first : first + together], threads))
        except PredictionError as error:
            number = (first + error.number) * step
            raise error.of(f"{part} image {number}", number) from None
    return np.concatenate(parts) if parts else model.logits(images, threads)


def study(
    model: Model, data: Dataset, logits: Array, threads: int | None = None, numbers: Array | None = None
) -> TestFindings:
    """A model on test images of a data set, for which it gave these logits (n, classes).

    Parameters
    ----------
    numbers : int (n,), which test images the logits are of, evenly chosen; None for all

    Returns
    -------
    "numbers", "images", "labels", "predicted", "probabilities" : of all these test images
    "error", "error_interval", "log_loss", "confusion_matrix", "per_class", "calibration" : figures of them
    "worst" : places of the wrong images with the highest confidence, the highest first
    "least_certain" : places of the images between two classes
    "names" : where the wrong and the least certain images lie, by their places; empty if it is not known
    "suspected" : images of any part whose labels look wrong: part, number, name, small pixels, label, probabilities
    "searched" : how many images of each part were searched for them
    "examples" : for each of the first classes a few of its training images, small
    """
    numbers = np.arange(len(data.test)) if numbers is None else numbers
    step = int(numbers[1] - numbers[0]) if len(numbers) > 1 else 1
    test = ImageSet(data.test.images[::step], data.test.labels[::step])
    probabilities = softmax(logits)
    predicted = probabilities.argmax(axis=1)
    matrix = confusion_matrix(test.labels, predicted, len(data.classes))
    wrong = np.flatnonzero(predicted != test.labels)
    surest = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")]
    doubtful = least_certain(probabilities, SHOWN)
    suspected, searched = _suspected(model, data, numbers, probabilities, threads)
    return {
        "numbers": numbers,
        "images": test.images,
        "labels": test.labels,
        "predicted": predicted,
        "probabilities": probabilities,
        "error": len(wrong) / len(test),
        "error_interval": list(wilson_interval(len(wrong), len(test))),
        "log_loss": log_loss(probabilities, test.labels),
        "confusion_matrix": matrix,
        "per_class": per_class(matrix, data.classes),
        "calibration": calibration(probabilities, test.labels),
        "worst": surest[:SHOWN],
        "least_certain": doubtful,
        "names": _names(data.test, numbers, [*wrong, *doubtful]),
        "suspected": suspected,
        "searched": searched,
        "examples": _examples(data.train, min(EXAMPLE_CLASSES, len(data.classes))),
    }


def _suspected(
    model: Model, data: Dataset, studied: Array, of_studied: Array, threads: int | None
) -> tuple[list[Suspect], dict[str, int]]:
    """The most suspect labels of all parts, each part compared with its own thresholds; and how many were searched."""
    found: list[Suspect] = []
    searched = {}
    for name, part in data.parts:
        step = searched_step(model, part)
        numbers = np.arange(0, len(part), step) if step else np.arange(0)
        if name == "test":
            numbers, probabilities = studied, of_studied
        else:
            some = part.images[:: step or 1][: len(numbers)]
            probabilities = softmax(logits_of(model, some, threads, part=name, step=step or 1))
        searched[name] = len(numbers)
        for place in suspected_labels(probabilities, part.labels[numbers], SHOWN):
            number, row = int(numbers[place]), probabilities[place]
            label = int(part.labels[number])
            found.append(
                {
                    "part": name,
                    "number": number,
                    "name": part.name(number),
                    "label": label,
                    "probabilities": row,
                    "pixels": thumbnails(part.images[number : number + 1])[0],
                    "lead": float(row.max() - row[label]),
                }
            )
    return sorted(found, key=lambda item: -item["lead"])[:SHOWN], searched


def _names(part: ImageSet, numbers: Array, places: list[Any]) -> dict[int, str]:
    """Where the images at these places lie, of those with these numbers."""
    if part.names is None:
        return {}
    return {int(place): str(part.names[int(numbers[place])]) for place in places}


def _examples(part: ImageSet, classes: int) -> list[Array]:
    """The first images of each class, small: (m, h, w, C) each."""
    return [chosen(part.images, np.flatnonzero(part.labels == number)[:EXAMPLES]) for number in range(classes)]
