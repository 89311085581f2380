"""One trained network and its images: where it is wrong, how sure it is, which labels look wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from convlet.data.dataset import Array, Dataset, ImageSet
from convlet.evaluation import (
    calibration,
    confusion_matrix,
    least_certain,
    log_loss,
    per_class,
    suspected_labels,
    wilson_interval,
)
from convlet.training import Model
from convlet.training.losses import softmax

SHOWN = 12
"""Images in each of the lists."""

MOST_MULTIPLY_ADDS = 3e10
"""What searching a part for wrong labels may cost: about a second. Of a larger part the first images are searched."""

EXAMPLES = 8
"""Images of each class that stand for it."""


def study(model: Model, data: Dataset, logits: Array, threads: int | None = None) -> dict[str, Any]:
    """A model on the test images of a data set, for which it gave these logits (n, classes).

    Returns
    -------
    "images", "labels", "predicted", "probabilities" : of all test images
    "error", "error_interval", "log_loss", "confusion_matrix", "per_class", "calibration" : figures
    "worst" : numbers of the wrong images of which the model was surest, the surest first
    "least_certain" : numbers of the images between two classes
    "suspected" : images of any part whose labels look wrong: part, number, pixels, label, probabilities
    "searched" : how many images of each part were searched for them
    "examples" : for each class a few of its training images
    """
    test = data.test
    searched = {name: _affordable(model, part) for name, part in data.parts}
    probabilities = softmax(logits)
    predicted = probabilities.argmax(axis=1)
    matrix = confusion_matrix(test.labels, predicted, len(data.classes))
    wrong = np.flatnonzero(predicted != test.labels)
    surest = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")]
    return {
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
        "least_certain": least_certain(probabilities, SHOWN),
        "suspected": _suspected(model, data, searched, probabilities, threads),
        "searched": searched,
        "examples": _examples(data.train, len(data.classes)),
    }


def _affordable(model: Model, part: ImageSet) -> int:
    """How many images of a part are searched for wrong labels."""
    each = max(1, model.network.multiply_adds(model.input_shape))
    return min(len(part), int(MOST_MULTIPLY_ADDS / each))


def _suspected(
    model: Model, data: Dataset, searched: dict[str, int], of_test: Array, threads: int | None
) -> list[dict[str, Any]]:
    """The most suspect labels of all parts, each part held against its own thresholds."""
    found = []
    for name, part in data.parts:
        images, labels = part.images[: searched[name]], part.labels[: searched[name]]
        probabilities = of_test[: searched[name]] if name == "test" else model.probabilities(images, threads)
        for number in suspected_labels(probabilities, labels, SHOWN):
            label, row = int(labels[number]), probabilities[number]
            lead = float(row.max() - row[label])
            found.append(
                {"part": name, "number": int(number), "pixels": images[number], "label": label}
                | {"probabilities": row, "lead": lead}
            )
    return sorted(found, key=lambda item: -item["lead"])[:SHOWN]


def _examples(part: ImageSet, classes: int) -> list[Array]:
    """The first images of each class: (m, H, W, C) each."""
    return [part.images[np.flatnonzero(part.labels == number)[:EXAMPLES]] for number in range(classes)]
