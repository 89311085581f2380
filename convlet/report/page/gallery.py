"""The images behind the cells of a confusion matrix: on two sheets, one for mistakes and one for right answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convlet.report.page import pictures

Array = np.ndarray[Any, Any]

MOST_FINE = 400
"""More mistakes than these have 16 levels a channel, as right answers have."""

TRIED = 400
"""Images that are packed to learn how many bytes one takes."""


@dataclass(frozen=True)
class Part:
    """Images on one sheet, those of a cell side by side.

    numbers : the images, as places on the sheet count them
    cells : for each pair "row-column" of classes the first place, how many are shown and how many there are
    """

    sheet: pictures.Sheet | None
    numbers: Array
    cells: dict[str, tuple[int, int, int]]


@dataclass(frozen=True)
class Gallery:
    """All test images of a study that fit: every mistake before any right answer.

    key : begins the names of its sheets in the page
    tile : height and width of an image on a sheet
    """

    key: str
    tile: tuple[int, int]
    wrong: Part
    right: Part
    probabilities: Array
    labels: Array
    predicted: Array

    @classmethod
    def of(cls, key: str, study: dict[str, Any], most_bytes: int) -> Gallery | None:
        """The gallery of a study; None where its images are not at hand."""
        test = study["of_test"]
        if test is None:
            return None
        images = pictures.Range.of(test["images"]).bytes(test["images"])
        labels, predicted = test["labels"], test["predicted"]
        sure = test["probabilities"].max(axis=1)
        mistaken = labels != predicted
        # of mistakes the surest come first, of right answers the least certain
        wrong = _part(
            images, labels, predicted, np.flatnonzero(mistaken), -sure, most_bytes, mistaken.sum() > MOST_FINE
        )
        left = most_bytes - (wrong.sheet.size if wrong.sheet else 0)
        right = _part(images, labels, predicted, np.flatnonzero(~mistaken), sure, left, True)
        tile = pictures.smaller(images[:1]).shape[1:3]
        return cls(key, (tile[0], tile[1]), wrong, right, test["probabilities"], labels, predicted)

    @property
    def sheets(self) -> list[tuple[str, pictures.Sheet]]:
        """Each sheet with its name in the page."""
        parts = (("wrong", self.wrong), ("right", self.right))
        return [(f"{self.key}-{name}", part.sheet) for name, part in parts if part.sheet is not None]

    def as_json(self, classes: list[str]) -> dict[str, Any]:
        """What the page's script needs to show a cell."""
        found: dict[str, Any] = {"classes": classes, "key": self.key}
        for name, part in (("wrong", self.wrong), ("right", self.right)):
            rows = part.numbers
            own, taken = (self.probabilities[rows, which[rows]] for which in (self.labels, self.predicted))
            found[name] = {
                "columns": part.sheet.columns if part.sheet else 0,
                "cells": part.cells,
                "numbers": rows.tolist(),
                "sure": np.rint(taken * 1000).astype(np.int64).tolist(),
                "own": np.rint(own * 1000).astype(np.int64).tolist() if name == "wrong" else [],
            }
        return found

    def shown(self, row: int, column: int) -> tuple[int, int]:
        """How many images of a cell are on the sheets, and how many there are."""
        part = self.right if row == column else self.wrong
        _, shown, all_of_them = part.cells.get(f"{row}-{column}", (0, 0, 0))
        return shown, all_of_them

    def thumbs(self, row: int, column: int, count: int) -> list[dict[str, Any]]:
        """The first images of a wrong cell: sheet, place in it, number."""
        first, shown, _ = self.wrong.cells.get(f"{row}-{column}", (0, 0, 0))
        if self.wrong.sheet is None:
            return []
        columns = self.wrong.sheet.columns
        return [
            {"x": place % columns, "y": place // columns, "number": int(self.wrong.numbers[place])}
            for place in range(first, first + min(shown, count))
        ]


def _part(
    images: Array, labels: Array, predicted: Array, numbers: Array, order: Array, most_bytes: int, coarse: bool
) -> Part:
    """The images with these numbers, as many as fit; where some must go, every cell keeps its first ones."""
    numbers = numbers[np.lexsort((order[numbers], predicted[numbers], labels[numbers]))]
    pairs = np.stack([labels[numbers], predicted[numbers]], axis=1)
    fit = _how_many_fit(images, numbers, most_bytes, coarse)
    kept = np.sort(np.argsort(_ranks(pairs), kind="stable")[:fit])
    cells: dict[str, tuple[int, int, int]] = {}
    for row, column in np.unique(pairs, axis=0).tolist():
        there = (pairs[kept] == (row, column)).all(axis=1)
        first = int(np.argmax(there)) if there.any() else 0
        total = int((pairs == (row, column)).all(axis=1).sum())
        cells[f"{row}-{column}"] = (first, int(there.sum()), total)
    sheet = pictures.sheet(pictures.smaller(images[numbers[kept]]), coarse) if len(kept) else None
    return Part(sheet, numbers[kept], cells)


def _ranks(pairs: Array) -> Array:
    """The place of each image among those of its cell: int64 (n,), for pairs (n, 2) that are sorted."""
    new = np.ones(len(pairs), bool)
    new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    starts = np.flatnonzero(new)
    ranks: Array = np.arange(len(pairs)) - starts[np.cumsum(new) - 1]
    return ranks


def _how_many_fit(images: Array, numbers: Array, most_bytes: int, coarse: bool) -> int:
    """Images that fit into so many bytes, by what an even choice of them takes."""
    if not len(numbers):
        return 0
    tried = numbers[np.linspace(0, len(numbers) - 1, min(TRIED, len(numbers))).astype(np.int64)]
    each = pictures.sheet(pictures.smaller(images[tried]), coarse).size / len(tried)
    return min(len(numbers), int(most_bytes / each))
