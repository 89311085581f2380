"""What must not stand on both sides of a split: copies of one image, near copies, and what the user named a group."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from convlet.data import copies, near
from convlet.data.dataset import Array
from convlet.data.survey import Read

Say = Callable[[str], None]


class Together(NamedTuple):
    """What belongs together in a place.

    groups : the group of each image of each part, None if each stands alone
    said : what a result says of copies and groups
    test_copies : (n,) bool, which test images are training images too, as they are or nearly; None if none is
    """

    groups: dict[str, Array | None]
    said: dict[str, int]
    test_copies: Array | None


def together(found: Read, say: Say) -> Together:
    """Find copies, near copies and groups, and say how many there are."""
    said: dict[str, int] = {}
    groups: dict[str, Array | None] = {}
    copied: dict[str, Array | None] = {}
    total = 0
    for name, part in found.parts.items():
        groups[name], copies_here = copies.numbers(part.images, found.groups.get(name))
        total += copies_here
    if total:
        said["copies"] = total
        say(f"  {total:,} images are exact copies of others; copies stay on one side of every split")
    pairs = _near(found, groups, said, say)
    if found.groups:
        count = len({group for part in found.groups for group in _names_of(found.groups, part)})
        said["groups"] = count
        say(f"  {count:,} groups, each on one side of every split")
    for one in ("validation", "test"):
        if one in found.parts:
            copied[one] = _between(found, one, pairs, said, say)
    return Together(groups, said, copied.get("test"))


def _near(found: Read, groups: dict[str, Array | None], said: dict[str, int], say: Say) -> dict[str, Array]:
    """Join near copies in the groups of each part; returns which images of the others are near a training image."""
    parts = list(found.parts.values())
    starts = np.cumsum([0, *(len(part) for part in parts)])
    pairs = near.pairs([part.images for part in parts], [part.labels for part in parts])
    crossing = {name: np.zeros(len(part), bool) for name, part in found.parts.items()}
    if not len(pairs):
        return crossing
    numbers = np.concatenate(
        [
            start + (np.arange(len(part)) if groups[name] is None else groups[name])
            for start, (name, part) in zip(starts, found.parts.items(), strict=False)
        ]
    )
    labels = np.concatenate([part.labels for part in parts])
    pairs = copies.believed(pairs, labels, numbers)
    of_part = np.searchsorted(starts, pairs, "right") - 1
    train, count = list(found.parts).index("train"), 0
    for place, (name, part) in enumerate(found.parts.items()):
        inside = (of_part == place).all(axis=1)
        groups[name], joined = copies.join(groups[name], len(part), pairs[inside] - starts[place])
        count += joined
        for side in (0, 1):
            met = (of_part[:, side] == place) & (of_part[:, 1 - side] == train)
            crossing[name][pairs[met, side] - starts[place]] = True
    if count:
        said["near_copies"] = count
        say(f"  {count:,} images are near copies of others (saved again, resized, brightened); these stay together too")
    return crossing


def _between(found: Read, one: str, near_copies: dict[str, Array], said: dict[str, int], say: Say) -> Array | None:
    """Count the images of a part that are training images too, and the groups that both have; which are, if any."""
    shared = copies.common(found.parts[one].images, found.parts["train"].images)
    nearly = near_copies[one] & ~shared
    for which, key, what in (
        (shared, "copies", "training images too: its error is"),
        (nearly, "near_copies", "nearly training images too: its error may be"),
    ):
        if which.any():
            said[f"{key}_in_{one}"] = int(which.sum())
            of_all = f"{which.sum():,} of {len(found.parts[one]):,} {one} images"
            say(f"  {of_all} are {what} too low")
    both = set(_names_of(found.groups, one)) & set(_names_of(found.groups, "train"))
    if both:
        said[f"groups_in_{one}"] = len(both)
        say(f"  {len(both):,} groups of the {one} images have training images too: its error may be too low")
    copied: Array = shared | nearly
    return copied if copied.any() else None


def _names_of(groups: dict[str, Array], part: str) -> list[str]:
    """The groups that the images of a part belong to."""
    return [group for group in groups.get(part, ()) if group is not None]
