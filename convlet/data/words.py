"""What the names of files, folders and columns say: the part of a data set, and whether images or labels are held."""

from __future__ import annotations

import re

PARTS = {
    "train": frozenset(("train", "training", "trn", "trainset")),
    "validation": frozenset(("val", "valid", "validation", "validate", "dev", "valset", "devset", "eval")),
    "test": frozenset(("test", "testing", "tst", "testset", "t10k", "tests")),
}
FILLERS = frozenset(
    (
        "set",
        "sets",
        "data",
        "dataset",
        "images",
        "image",
        "imgs",
        "img",
        "pictures",
        "photos",
        "split",
        "folder",
        "files",
    )
)
"""Words beside that of the part that say nothing."""

IMAGES = frozenset(("images", "image", "imgs", "img", "x", "data", "pixels", "features", "inputs", "pictures"))
LABELS = frozenset(("labels", "label", "lbls", "y", "targets", "target", "classes", "class"))
CLASS_NAMES = frozenset(("classes", "class names", "label names", "target names", "names", "categories"))

SPLIT = re.compile(r"[A-Za-z]10k|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
GLUED = re.compile(r"(x|y)(train|test|val|valid|dev)|(train|test|val|valid|dev)(x|y)")


def words(name: str) -> tuple[str, ...]:
    """`X_train`, `trainImages`, `t10k-labels.idx1-ubyte` in small words; digits are words of their own."""
    found: list[str] = []
    for word in SPLIT.findall(name):
        glued = GLUED.fullmatch(word.lower())
        found += [part for part in glued.groups() if part] if glued else [word.lower()]
    return tuple(found)


def part_of(name: str) -> tuple[str | None, tuple[str, ...]]:
    """The part that a name says ("train", "validation", "test", or None), and its other words."""
    all_words = words(name)
    for part, known in PARTS.items():
        for place, word in enumerate(all_words):
            if word in known:
                return part, (*all_words[:place], *all_words[place + 1 :])
    return None, all_words


def parts_among(names: list[str]) -> dict[str, list[str]]:
    """Which of the names of sibling folders stand for a part: part -> names.

    `seg_train` and `seg_test` do, because one is the other with another part's word; `train_stations` alone does not.
    """
    said = {name: part_of(name) for name in names}
    found: dict[str, list[str]] = {}
    for name, (part, rest) in said.items():
        if part is None:
            continue
        plain = all(word in FILLERS for word in rest)
        others = {other for other, after in said.values() if other is not None and after == rest}
        if plain or len(others) > 1:
            found.setdefault(part, []).append(name)
    return found


def part_value(value: str) -> str | None:
    """The part that a value in a table's column says, as "Training", "val" or "PrivateTest"; None for none."""
    known = part_of(value)
    return None if known[0] is None else known[0]
