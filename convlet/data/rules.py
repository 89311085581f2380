"""What is decided over a training set before its pictures are read: the range of deep ones, the ground of alpha."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from convlet.data import pictures
from convlet.data.headers import Look
from convlet.data.layout import Taken
from convlet.data.reading_rules import PLAIN, ReadingRules
from convlet.data.tree import Tree
from convlet.errors import DataError

MOST_TRIED = 400
"""Transparent pictures by which the ground is chosen, spread evenly over the set."""

CLEARLY = 2.0
"""White is chosen if it shows the pictures with so many times the contrast of black, which was always used before."""

VISIBLE = 1.0
"""Standard deviation of grey levels below which a picture shows nothing."""


def found_rules(
    tree: Tree, training: list[Taken], looks: Mapping[int, Look], size: tuple[int, int] | None
) -> tuple[ReadingRules, list[str]]:
    """The rules for a training set, and a line for the user about each; `looks` is by id of the item."""
    notes: list[str] = []
    rules = PLAIN
    deep = [taken for taken in training if looks[id(taken.item)].deep]
    if deep:
        low, high, count = _range(tree, deep, size)
        if high > low:
            rules = replace(rules, scale=high - low, offset=low)
            plain = f", {len(training) - count:,} others as they are" if count < len(training) else ""
            notes.append(
                f"{count:,} pictures of more than 8 bits are scaled from {low:g}..{high:g}, the range of the training "
                f"set, to 0..255{plain}"
            )
    clear = [taken for taken in training if looks[id(taken.item)].alpha]
    if clear:
        ground = _ground(tree, clear, rules, size)
        if ground is not None:
            rules = replace(rules, ground=ground)
            notes.append(
                f"{len(clear):,} pictures may have transparent parts; they are laid over {ground}, where "
                "they can be seen"
            )
    return rules, notes


def _range(tree: Tree, deep: list[Taken], size: tuple[int, int] | None) -> tuple[float, float, int]:
    """Smallest and largest value of these pictures, and how many could be read; unreadable ones are named later."""
    low, high, count = np.inf, -np.inf, 0
    for taken in deep:
        try:
            with tree.opened(taken.item, "a picture", pictures.most_bytes(size)) as file:
                one, other = pictures.deep_values(tree.shown(taken.item), file, size)
        except DataError:
            continue
        low, high, count = min(low, one), max(high, other), count + 1
    return low, high, count


def _ground(tree: Tree, clear: list[Taken], rules: ReadingRules, size: tuple[int, int] | None) -> str | None:
    """White or black, by how many pictures it hides, then by contrast; None if nothing is transparent."""
    hidden, contrast = {"black": 0, "white": 0}, {"black": 0.0, "white": 0.0}
    for taken in clear[:: max(1, len(clear) // MOST_TRIED)]:
        for ground in contrast:
            try:
                with tree.opened(taken.item, "a picture", pictures.most_bytes(size)) as file:
                    shown = tree.shown(taken.item)
                    found = pictures.decode(shown, file, size, replace(rules, ground=ground)).pixels
            except DataError:
                break
            spread = float(pictures.with_channels(found, 1).std())
            hidden[ground] += spread < VISIBLE
            contrast[ground] += spread
    if contrast["black"] == contrast["white"] and hidden["black"] == hidden["white"]:
        return None
    if hidden["black"] != hidden["white"]:
        return min(hidden, key=lambda ground: hidden[ground])
    return "white" if contrast["white"] > CLEARLY * contrast["black"] else "black"
