"""One network on its test images as a page shows it: confusion, certainty, mistakes."""

from __future__ import annotations

from math import floor
from typing import Any

import numpy as np

from convlet.data.thumbnails import thumbnails
from convlet.records.evaluation import Bin, ClassFigures
from convlet.records.findings import Study, Suspect, TestFindings
from convlet.report.copies import copies_line
from convlet.report.headline import headline_lines, is_bad
from convlet.report.numbers import count, interval, percent, seconds
from convlet.report.page import charts, pictures
from convlet.report.page.gallery import Gallery
from convlet.report.page.view import View

MOST_MATRIX = 60
"""Classes that a matrix can show; of more, only the pairs are listed."""

WITH_NUMBERS = 20
"""Up to so many classes the cells have room for their numbers."""

STRONG_RIGHT, STRONG_WRONG = 0.825, 0.945
"""From these fills on a cell is so dark that its number must be white: either way the contrast is at least 4.5."""

MOST_ROWS, HARDEST = 60, 24
"""Classes that a table shows at once; of more, how many with the lowest recall, the others folded away."""

PAIRS, THUMBS = 8, 6

SMALL = 0.01
"""A difference between certainty and truth that needs no mention."""


def study_view(study: Study, gallery: Gallery | None, number: int) -> View:
    """What `study.html` shows."""
    row, data, test = study["row"], study["data"], study["of_test"]
    classes, matrix = data["classes"], row["confusion_matrix"]
    total = sum(map(sum, matrix))
    wrong = total - sum(values[k] for k, values in enumerate(matrix))
    view: View = {
        "key": f"s{number}",
        "title": data["name"],
        "data": data,
        "classes": classes,
        "label": row["label"],
        "architecture": row["architecture"],
        "error": percent(row["test_error"]),
        "interval": interval(row["test_error_interval"]),
        "validation": percent(row["validation_error"]),
        "parameters": count(row["parameters"]),
        "seconds": seconds(row["train_seconds"]),
        "rate": count(row["images_per_second"]),
        "wrong": wrong,
        "total": total,
        "repeats": len(row.get("repeats", [1])),
        "matrix": _matrix(matrix, classes, gallery) if len(classes) <= MOST_MATRIX else None,
        "with_numbers": len(classes) <= WITH_NUMBERS,
        "pairs": _pairs(matrix, classes, gallery),
        "gallery": gallery.as_json(list(classes)) if gallery else None,
        "form": pictures.form(*data["image_shape"][:2]),
        "shown": _shown(gallery),
        "copies": copies_line(row),
        "headline": [(line, is_bad(line)) for line in headline_lines(study.get("headline"))],
        "of_test": None,
    }
    return view if test is None else view | {"of_test": _of_test(test, classes)}


def _matrix(matrix: list[list[int]], classes: list[str], gallery: Gallery | None) -> list[View]:
    """Rows of cells: count, share of the row, and how strongly a cell is filled."""
    most = max((value for k, row in enumerate(matrix) for j, value in enumerate(row) if j != k), default=0) or 1
    rows: list[View] = []
    for k, values in enumerate(matrix):
        own = sum(values) or 1
        cells = [
            {
                "count": value,
                "share": f"{100 * value / own:.1f}",
                "fill": round(value / own, 3) if j == k else round((value / most) ** 0.6, 3),
                "right": j == k,
                "strong": value / own > STRONG_RIGHT if j == k else (value / most) ** 0.6 > STRONG_WRONG,
                "row": k,
                "column": j,
                "opens": bool(value) and gallery is not None,
            }
            for j, value in enumerate(values)
        ]
        rows.append({"name": classes[k], "number": k, "images": sum(values), "cells": cells})
    return rows


def _pairs(matrix: list[list[int]], classes: list[str], gallery: Gallery | None) -> list[View]:
    """The most frequent mistakes, with a few of their images."""
    found = [(value, k, j) for k, row in enumerate(matrix) for j, value in enumerate(row) if j != k and value]
    found.sort(key=lambda item: (-item[0], item[1], item[2]))
    most = found[0][0] if found else 1
    return [
        {
            "row": k,
            "column": j,
            "label": classes[k],
            "predicted": classes[j],
            "count": value,
            "share": percent(value / sum(matrix[k])),
            "fill": round(value / most, 3),
            "thumbs": gallery.thumbs(k, j, THUMBS) if gallery else [],
        }
        for value, k, j in found[:PAIRS]
    ]


def _shown(gallery: Gallery | None) -> View | None:
    """Whether every image can be seen, and how many of the right and wrong ones."""
    if gallery is None:
        return None
    parts: View = {}
    for name, part in (("wrong", gallery.wrong), ("right", gallery.right)):
        parts[name] = len(part.numbers)
        parts[f"all_{name}"] = sum(total for _, _, total in part.cells.values())
    return parts


def _of_test(test: TestFindings, classes: list[str]) -> View:
    """What needs the images and the model."""
    reach = pictures.Range.of(test["images"])
    calibration = test["calibration"]
    start = _measures_start(test["per_class"])
    bins = [row for row in calibration["bins"] if row["images"]]
    certainty = sum(row["images"] * (row["certainty"] or 0.0) for row in bins) / max(
        1, sum(row["images"] for row in bins)
    )
    return {
        "log_loss": f"{test['log_loss']:.4f}",
        "calibration_error": percent(calibration["expected_calibration_error"]),
        "certainty": percent(certainty),
        "accuracy": percent(1 - test["error"]),
        "judgement": _judgement(certainty - (1 - test["error"])),
        "reliability": charts.reliability(calibration["bins"], [_bin_words(row) for row in calibration["bins"]]),
        "bins": [
            [
                *(f"{row['low']:.0%} to {row['high']:.0%}", count(row["images"])),
                *(percent(row["certainty"]), percent(row["accuracy"])),
            ]
            for row in calibration["bins"]
        ],
        "per_class": [_class_row(row, start) for row in _hardest_first(test["per_class"])],
        "hardest": HARDEST if len(test["per_class"]) > MOST_ROWS else None,
        "studied": len(test["labels"]),
        "measures_from": f"{start:.0%}".replace("%", " %"),
        "worst": [_card(test, number, classes, reach) for number in test["worst"].tolist()],
        "least_certain": [_card(test, number, classes, reach) for number in test["least_certain"].tolist()],
        "suspected": [_suspect(item, classes, reach) for item in test["suspected"]],
        "searched": test["searched"],
        "examples": [
            {
                "class": name,
                "pictures": [pictures.picture(image) for image in reach.bytes(images)],
            }
            for name, images in zip(classes, test["examples"], strict=False)
            if len(images)
        ],
    }


def _hardest_first(rows: list[ClassFigures]) -> list[ClassFigures]:
    """The rows as they are; if there are more than MOST_ROWS, those with the lowest recall first."""
    if len(rows) <= MOST_ROWS:
        return rows
    return sorted(rows, key=lambda row: 2.0 if row["recall"] is None else row["recall"])


def _class_row(row: ClassFigures, start: float) -> View:
    measures = [(percent(value), _beyond(value, start)) for value in (row["precision"], row["recall"])]
    return {"class": row["class"], "images": count(row["images"]), "measures": measures}


def _judgement(over: float) -> str:
    """What it means that the mean confidence is so much higher than the accuracy."""
    if abs(over) < SMALL:
        return "well calibrated on average"
    return "overconfident" if over > 0 else "underconfident"


def _measures_start(rows: list[ClassFigures]) -> float:
    """Where the bars of precision and recall begin: at a tenth, or a twentieth where all are large."""
    values = [value for row in rows for value in (row["precision"], row["recall"]) if value is not None]
    least = min(values, default=0.0)
    return max(0.0, floor(least * 20 - 1e-9) / 20) if least > 0.8 else max(0.0, floor(least * 10 - 1e-9) / 10)


def _beyond(value: float | None, start: float) -> float:
    """The share of a bar from start to 1 that a value fills."""
    return 0.0 if value is None else round((value - start) / (1 - start), 4)


def _bin_words(row: Bin) -> str:
    return (
        f"confidence {row['low']:.0%} to {row['high']:.0%}: {row['images']:,} images, "
        f"{percent(row['accuracy'])} right, mean confidence {percent(row['certainty'])}"
    )


def _card(test: TestFindings, number: int, classes: list[str], reach: pictures.Range) -> View:
    """An image of the test set with what the network made of it."""
    pixels = thumbnails(test["images"][number : number + 1])[0]
    judged = _judged(pixels, int(test["labels"][number]), test["probabilities"][number], classes, reach)
    return judged | {"where": f"test image {test['numbers'][number]:,}", "name": test["names"].get(number)}


def _suspect(item: Suspect, classes: list[str], reach: pictures.Range) -> View:
    part = {"train": "training"}.get(item["part"], item["part"])
    return _judged(item["pixels"], item["label"], item["probabilities"], classes, reach) | {
        "where": f"{part} image {item['number']:,}",
        "name": item["name"],
    }


def _judged(pixels: Any, label: int, probabilities: Any, classes: list[str], reach: pictures.Range) -> View:
    """Picture, label and the most probable classes; the label's own is always among them."""
    order = np.argsort(-probabilities, kind="stable")[:3].tolist()
    if label not in order:
        order[-1] = label
    return {
        "picture": pictures.picture(reach.bytes(pixels)),
        "label": classes[label],
        "predicted": classes[order[0]],
        "right": order[0] == label,
        "bars": [
            {
                "class": classes[k],
                "shown": f"{100 * probabilities[k]:.1f} %",
                "share": round(float(probabilities[k]), 4),
                "own": k == label,
            }
            for k in order
        ],
    }
