"""The images behind the cells of a confusion matrix: on two sheets, one for mistakes and one for right answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convlet.data import thumbnails
from convlet.records.findings import Study
from convlet.report.page import pictures
from convlet.report.page.view import View

Array = np.ndarray[Any, Any]

MOST_FINE = 400
"""More mistakes than these have 16 levels a channel, as right answers have."""

SHEET_VALUES = 24_000_000
"""Values of all images on one sheet: more would take too much memory while the sheet is packed."""

MOST_NAMED = 2_000
"""Mistakes whose files a page names; each takes some dozens of bytes."""

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
    probabilities, labels, predicted, test_numbers : of all studied images; the last is their place in the test set
    names : where the wrong ones lie, by place; empty if it is not known
    """

    key: str
    tile: tuple[int, int]
    wrong: Part
    right: Part
    probabilities: Array
    labels: Array
    predicted: Array
    test_numbers: Array
    names: dict[int, str]

    @classmethod
    def of(cls, key: str, study: Study, most_bytes: int) -> Gallery | None:
        """The gallery of a study; None where its images are not at hand."""
        test = study["of_test"]
        if test is None:
            return None
        images, reach = test["images"], pictures.Range.of(test["images"])
        labels, predicted = test["labels"], test["predicted"]
        sure = test["probabilities"].max(axis=1)
        mistaken = labels != predicted
        # of mistakes the surest come first, of right answers the least certain
        cells = _Cells(images, reach, labels, predicted, np.array(study["row"]["confusion_matrix"]))
        wrong = cells.part(False, -sure, most_bytes, mistaken.sum() > MOST_FINE)
        left = most_bytes - (wrong.sheet.size if wrong.sheet else 0)
        right = cells.part(True, sure, left, True)
        tile = thumbnails.size(*images.shape[1:3])
        of_all = (test["probabilities"], labels, predicted, test["numbers"], test["names"])
        return cls(key, tile, wrong, right, *of_all)

    @property
    def stretch(self) -> float:
        """How wide its images are drawn: see `pictures.stretch`."""
        return pictures.stretch(*self.tile)

    @property
    def sheets(self) -> list[tuple[str, pictures.Sheet]]:
        """Each sheet with its name in the page."""
        parts = (("wrong", self.wrong), ("right", self.right))
        return [(f"{self.key}-{name}", part.sheet) for name, part in parts if part.sheet is not None]

    def as_json(self, classes: list[str]) -> View:
        """What the page's script needs to show a cell."""
        wrong = self._part(self.wrong, True) | self._named(self.wrong.numbers[:MOST_NAMED].tolist())
        return {"classes": classes, "key": self.key, "wrong": wrong, "right": self._part(self.right, False)}

    def _part(self, part: Part, with_own: bool) -> View:
        """One sheet; `with_own` whether each image's own class has its probability too."""
        rows = part.numbers
        own, taken = (self.probabilities[rows, which[rows]] for which in (self.labels, self.predicted))
        return {
            "columns": part.sheet.columns if part.sheet else 0,
            "cells": part.cells,
            "numbers": self.test_numbers[rows].tolist(),
            "sure": np.rint(taken * 1000).astype(np.int64).tolist(),
            "own": np.rint(own * 1000).astype(np.int64).tolist() if with_own else [],
        }

    def _named(self, places: list[int]) -> View:
        """Where these images lie: the folder that all are in, and the rest of each path; {} if it is not known."""
        names = [self.names[place] for place in places if place in self.names]
        if not names or len(names) < len(places):
            return {}
        low, high = min(names), max(names)
        same = next((k for k, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
        folder = low[: low.rfind("/", 0, same) + 1]
        return {"folder": folder, "names": [name[len(folder) :] for name in names]}

    def shown(self, row: int, column: int) -> tuple[int, int]:
        """How many images of a cell are on the sheets, and how many there are."""
        part = self.right if row == column else self.wrong
        _, shown, all_of_them = part.cells.get(f"{row}-{column}", (0, 0, 0))
        return shown, all_of_them

    def thumbs(self, row: int, column: int, count: int) -> list[View]:
        """The first images of a wrong cell: sheet, place in it, number."""
        first, shown, _ = self.wrong.cells.get(f"{row}-{column}", (0, 0, 0))
        if self.wrong.sheet is None:
            return []
        columns = self.wrong.sheet.columns
        return [
            {"x": place % columns, "y": place // columns, "number": int(self.test_numbers[self.wrong.numbers[place]])}
            for place in range(first, first + min(shown, count))
        ]


@dataclass(frozen=True)
class _Cells:
    """Images (n, H, W, C) and the cells that they belong to; the matrix counts all test images, also those not here."""

    images: Array
    reach: pictures.Range
    labels: Array
    predicted: Array
    matrix: Array

    def part(self, right: bool, order: Array, most_bytes: int, coarse: bool) -> Part:
        """The right images or the wrong ones, as many as fit; if some must go, every cell keeps its first ones."""
        labels, predicted = self.labels, self.predicted
        numbers = np.flatnonzero((labels == predicted) == right)
        numbers = numbers[np.lexsort((order[numbers], predicted[numbers], labels[numbers]))]
        pairs = np.stack([labels[numbers], predicted[numbers]], axis=1)
        fit = self._how_many_fit(numbers, most_bytes, coarse)
        kept = np.sort(np.argsort(_ranks(pairs), kind="stable")[:fit])
        sheet = pictures.sheet(self._tiles(numbers[kept]), coarse) if len(kept) else None
        return Part(sheet, numbers[kept], self._counted(pairs[kept], right))

    def _counted(self, pairs: Array, right: bool) -> dict[str, tuple[int, int, int]]:
        """See `Part.cells`, for the pairs of the images that are shown, in their order."""
        known, starts, counts = np.unique(pairs, axis=0, return_index=True, return_counts=True)
        places = dict(zip(map(tuple, known.tolist()), zip(starts.tolist(), counts.tolist(), strict=True), strict=True))
        cells: dict[str, tuple[int, int, int]] = {}
        for row, column in np.argwhere(self.matrix).tolist():
            if (row == column) == right:
                total = int(self.matrix[row, column])
                cells[f"{row}-{column}"] = (*places.get((row, column), (0, 0)), total)
        return cells

    def _tiles(self, numbers: Array) -> Array:
        return self.reach.bytes(thumbnails.chosen(self.images, numbers))

    def _how_many_fit(self, numbers: Array, most_bytes: int, coarse: bool) -> int:
        """Images that fit into so many bytes, by what an even choice of them takes."""
        if not len(numbers):
            return 0
        places = np.linspace(0, len(numbers) - 1, min(TRIED, len(numbers))).astype(np.int64)
        tiles = self._tiles(numbers[places])
        each = pictures.sheet(tiles, coarse).size / len(tiles)
        return min(len(numbers), int(most_bytes / each), SHEET_VALUES // tiles[0].size)


def _ranks(pairs: Array) -> Array:
    """The place of each image among those of its cell: int64 (n,), for pairs (n, 2) that are sorted."""
    new = np.ones(len(pairs), bool)
    new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    starts = np.flatnonzero(new)
    ranks: Array = np.arange(len(pairs)) - starts[np.cumsum(new) - 1]
    return ranks
