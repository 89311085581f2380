"""What a comparison compares, which network it chooses, and what it lacks after an interruption."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convlet.data.dataset import Dataset
from convlet.evaluation.figures import paired_test
from convlet.network.word import parse
from convlet.recipes.presets import SIX, Entry
from convlet.recipes.recipe import RECIPES, WRITING, entry_for
from convlet.records.comparison import ComparisonResult, NetworkResult, RunnerUp

CANDIDATES = ("conv16-relu-pool", "fast", "standard")
"""What is compared where the user names nothing and the images are no writing: from small to large."""


def candidates(words: Sequence[str], data: Dataset) -> tuple[Entry, ...]:
    """What to compare on a data set: an entry for each recipe or architecture that the user named.

    Without words, images of writing get the six small networks of the preset `six`, and all others CANDIDATES.
    The label of an entry is the word itself.

    Raises
    ------
    ArchitectureError : a word that is neither a recipe nor an architecture
    """
    if not words and data.pictures == WRITING:
        return SIX
    shape, images = data.image_shape, len(data.train)
    return tuple(as_entry(word, shape, images, data.pictures) for word in words or CANDIDATES)


def check_words(words: Sequence[str]) -> None:
    """Raise ArchitectureError for a word that is neither a recipe nor an architecture; needs no data."""
    for word in words:
        if word not in RECIPES:
            parse(word)


def as_entry(word: str, shape: tuple[int, int, int], images: int, pictures: str = "") -> Entry:
    """The recipe or architecture of a word, for so many training images of this shape (H, W, C) and kind."""
    if word in RECIPES:
        return entry_for(word, shape, images, pictures)
    parse(word)
    return Entry(word, word)


def untried(entries: Sequence[Entry]) -> list[str]:
    """The recipe that is usually better than these entries, in a list; empty if `best` is among them.

    It is the recipe after the largest one among them, or `standard` if there is none: on real and on made pictures
    `standard` left a fraction of the errors of the small networks (benchmarks/RESULTS.md).
    """
    names = list(RECIPES)
    largest = max((names.index(entry.label) for entry in entries if entry.label in names), default=0)
    return names[largest + 1 : largest + 2]


def choose(result: ComparisonResult, test_images: int) -> str | None:
    """Write into the result which network is best; its label, or None if nothing is finished.

    The best has the lowest validation error, and the fewest parameters if several have it.
    """
    if not result["results"]:
        return None
    best, *others = sorted(result["results"], key=lambda row: (_validation(row), row["parameters"]))
    result["best"], result["best_label"] = best["architecture"], best["label"]
    if others:
        result["paired"] = runner_up(best, others[0], test_images)
    return best["label"]


def _validation(row: NetworkResult) -> float:
    error = row["validation_error"]
    return 1.0 if error is None else error


def runner_up(row: NetworkResult, other: NetworkResult, images: int) -> RunnerUp:
    """The exact paired test of two networks on the same test images; of repeats, the first ones."""
    wrong = np.zeros((2, images), bool)
    for place, mistakes in zip(wrong, (row["mistakes"], other["mistakes"]), strict=True):
        place[mistakes] = True
    return {"other": other["label"], **paired_test(*wrong)}


def missing(result: ComparisonResult, labels: Sequence[str], repeats: int, then: Dataset | None) -> list[str]:
    """What an interrupted comparison of networks with these labels lacks, in words."""
    done = {row["label"]: len(row.get("repeats", [row])) for row in result["results"]}
    failed = {failure["label"] for failure in result["failed"]}
    found = [
        _lacks(label, done.get(label, 0), repeats)
        for label in labels
        if label not in failed and done.get(label, 0) < repeats
    ]
    if then is not None:
        second = result["then"]
        finished = len(second.get("repeats", [second])) if second else 0
        if finished < repeats:
            found.append(_lacks(f"the best network on {then.name}", finished, repeats))
    return found


def _lacks(what: str, done: int, repeats: int) -> str:
    """What is missing: all of it, or the repeats that were not reached."""
    if not done:
        return what
    which = f"repeat {repeats}" if done + 1 == repeats else f"repeats {done + 1} to {repeats}"
    return f"{what} ({which} of {repeats})"
