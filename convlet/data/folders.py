"""Pictures in files: whatever names their classes, they are surveyed by their headers, then read once."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np

from convlet.data import headers, pictures, relabel
from convlet.data.choices import Choices
from convlet.data.dataset import Array, ImageSet
from convlet.data.kinds import Sorted
from convlet.data.layout import Taken
from convlet.data.reading_rules import ReadingRules
from convlet.data.recognise import group, recognise
from convlet.data.rules import found_rules
from convlet.data.survey import PARTS, Read, Survey, some
from convlet.data.tree import Tree
from convlet.errors import DataError

MOST_BYTES = 8 * 2**30
"""Pixels of all pictures together; a folder with more is refused."""

LEAST_OF_WIDE = 64
"""What the brightest pixel of colours in 16 bits must reach, of 255; below it the range was not used."""

MOST_LISTED = 200
"""Pictures that an error names; a survey's JSON file names all."""


def survey(tree: Tree, found: Sorted, choices: Choices) -> Survey:
    """What the pictures of a tree are, by their folders, a labels table or a pattern, and by their headers.

    Raises
    ------
    DataError : nothing names their classes, or it can be read in two ways
    """
    corrections = relabel.given(tree, found, choices.labels) if choices.labels is not None else None
    if corrections is not None:
        choices = replace(choices, labels=None)
    how, lost = recognise(tree, found, choices)
    if choices.group_pattern is not None:
        group(how, choices.group_pattern)
    for taken in (one for part in how.parts.values() for one in part):
        taken.label = unicodedata.normalize("NFC", taken.label)
    classes = tuple(sorted({taken.label for taken in how.parts["train"]}))
    notes = []
    if corrections is not None:
        said, missed = relabel.correct(*corrections, how.parts)
        notes.append(said)
        lost += missed
    parts = {part: how.parts[part] for part in PARTS if how.parts.get(part)}
    passed = {**found.passed, **how.passed}
    made = Survey(str(tree.root), how.how, classes, {}, lambda: Read({}, ()), passed=passed, unreadable=lost)
    made.notes += notes
    looks: dict[int, headers.Look] = {}
    for part, pictures_of_part in parts.items():
        counts = Counter(taken.label for taken in pictures_of_part)
        unknown = set(counts) - set(classes)
        if unknown:
            raise DataError(
                f"{tree.root}: {part} images have the class '{min(unknown)}', which no training image has "
                f"({some(list(classes), 10)})"
            )
        made.counts[part] = [counts[name] for name in classes]
        for taken in pictures_of_part:
            _look(tree, taken, made, looks)
    made.read = partial(_read, tree, parts, classes, looks, made, choices)
    return made


def _look(tree: Tree, taken: Taken, made: Survey, looks: dict[int, headers.Look]) -> None:
    try:
        look = headers.look(tree, taken.item)
    except DataError as error:
        made.unreadable.append(str(error))
        return
    looks[id(taken.item)] = look
    made.sizes[look.size] += 1
    made.formats[look.format] += 1
    made.modes[look.mode] += 1


def _read(
    tree: Tree,
    parts: dict[str, list[Taken]],
    classes: tuple[str, ...],
    looks: dict[int, headers.Look],
    made: Survey,
    choices: Choices,
) -> Read:
    """Read what was surveyed."""
    size, bad = choices.size, list(made.unreadable)
    for part in parts:
        parts[part] = [taken for taken in parts[part] if id(taken.item) in looks]
    every = [taken for part in parts.values() for taken in part]
    too_large = _too_large(tree, every, looks, size)
    bad += too_large.values()
    _refuse(tree, bad, choices)
    for part in parts:
        parts[part] = [taken for taken in parts[part] if id(taken.item) not in too_large]
    every = [taken for part in parts.values() for taken in part]
    if not parts.get("train"):
        raise DataError(f"{tree.root}: no training picture can be read: {some(bad, 3)}")
    check_sizes(tree, every, looks, size)
    channels = max(looks[id(taken.item)].channels for taken in every)
    given = choices.rules
    rules, notes = (given, []) if given is not None else found_rules(tree, parts["train"], looks, size)
    rules = ReadingRules(rules.scale, rules.ground, bool(choices.transpose), size, rules.offset)
    reader = Reader(tree, size, rules, channels)
    read = {part: reader.read(pictures_of_part) for part, pictures_of_part in parts.items()}
    _refuse(tree, bad + reader.bad, choices)
    number = {name: k for k, name in enumerate(classes)}
    result = Read({}, classes, rules, skipped=bad + reader.bad, notes=notes)
    for part, (images, kept) in read.items():
        if not len(kept):
            continue
        labels = np.array([number[taken.label] for taken in kept], np.int64)
        names = np.array([tree.shown(taken.item) for taken in kept], object)
        result.parts[part] = ImageSet(reader.widened(images), labels, names)
        if any(taken.group is not None for taken in kept):
            result.groups[part] = np.array([taken.group for taken in kept], object)
    wide = sum(looks[id(taken.item)].wide for taken in every)
    if wide:
        result.notes.append(_wide(tree, result.parts["train"].images, wide))
    if reader.moving:
        result.notes.append(f"{reader.moving:,} files have several frames; the first of each is taken")
    return result


def _wide(tree: Tree, images: Array, count: int) -> str:
    """The note on pictures of 16 bits a colour; raises DataError if their upper 8 bits hold almost nothing."""
    if images.max() < LEAST_OF_WIDE:
        raise DataError(
            f"{tree.root}: {count:,} pictures have 16 bits a colour, but use only the lowest part of that range: the "
            f"upper 8 bits, which are read, reach {images.max()} of 255; save them with 8 bits, or in grey"
        )
    return f"{count:,} pictures have 16 bits a colour, of which the upper 8 are read"


def _too_large(
    tree: Tree, every: list[Taken], looks: dict[int, headers.Look], size: tuple[int, int] | None
) -> dict[int, str]:
    """The pictures above the limit of pixels, each with the reason."""
    found = {}
    for taken in every:
        look = looks[id(taken.item)]
        if look.size[0] * look.size[1] > pictures.MOST_PIXELS:
            try:
                pictures.check_pixels(tree.shown(taken.item), look.size, size, look.format)
            except DataError as error:
                found[id(taken.item)] = str(error)
    return found


def _refuse(tree: Tree, bad: list[str], choices: Choices) -> None:
    """Raise DataError with all pictures that cannot be read, unless they are to be skipped."""
    if not bad or choices.skip_unreadable:
        return
    if len(bad) == 1:
        raise DataError(f"{bad[0]}; mend or remove it, or leave it out with --skip-unreadable")
    raise DataError(all_named(str(tree.root), bad, ", or leave them out with --skip-unreadable"))


def all_named(where: str, bad: list[str], more: str = "") -> str:
    """One line that names all pictures that cannot be read, each with its reason."""
    if len(bad) == 1:
        return f"{bad[0]}; mend or remove it{more}"
    left = len(bad) - MOST_LISTED
    rest = f"; and {left:,} more, see 'convlet data info --json FILE'" if left > 0 else ""
    reasons = "; ".join(bad[:MOST_LISTED])
    return f"{where}: {len(bad):,} pictures cannot be read; mend or remove them{more}: {reasons}{rest}"


def check_sizes(tree: Tree, every: list[Taken], looks: dict[int, headers.Look], size: tuple[int, int] | None) -> None:
    """Without --size all pictures must have one size; together they must fit into memory."""
    first = looks[id(every[0].item)].size
    if size is None:
        for taken in every:
            h, w = looks[id(taken.item)].size
            if (h, w) != first:
                raise DataError(
                    f"{tree.shown(taken.item)}: is {h}x{w}, but {every[0].item.name} is {first[0]}x{first[1]}; "
                    "pictures must have one size, resize them with --size, as in --size 32x32"
                )
    h, w = size or first
    channels = max(looks[id(taken.item)].channels for taken in every)
    if len(every) * h * w * channels > MOST_BYTES:
        raise DataError(
            f"{tree.root}: {len(every):,} pictures of {h}x{w} are more than {MOST_BYTES // 2**30} GiB; "
            "make them smaller with --size"
        )


class Reader:
    """Decodes pictures one after the other into one array a part; remembers what failed and what moves."""

    def __init__(self, tree: Tree, size: tuple[int, int] | None, rules: ReadingRules, channels: int) -> None:
        self.tree, self.size, self.rules, self.channels = tree, size, rules, channels
        self.shape: tuple[int, int] | None = None
        self.first = ""
        self.bad: list[str] = []
        self.moving = 0

    def read(self, wanted: list[Taken]) -> tuple[Array, list[Taken]]:
        """The images of these pictures, (n, H, W, C) uint8, and those of them that could be read."""
        images: Array | None = None
        kept: list[Taken] = []
        for taken in wanted:
            try:
                found = self._decode(taken)
            except DataError as error:
                self.bad.append(str(error))
                continue
            if images is None:
                images = np.empty((len(wanted), *found.shape[:2], self.channels), np.uint8)
            elif found.shape[2] > images.shape[3]:  # a header promised grey
                images = np.repeat(images, 3, axis=3)
                self.channels = 3
            images[len(kept)] = pictures.with_channels(found, images.shape[3])
            kept.append(taken)
        return (np.empty((0, 1, 1, 1), np.uint8) if images is None else images[: len(kept)]), kept

    def widened(self, images: Array) -> Array:
        """Images in the channels of all parts."""
        return images if images.shape[3] == self.channels else np.repeat(images, 3, axis=3)

    def _decode(self, taken: Taken) -> Array:
        shown = self.tree.shown(taken.item)
        with self.tree.opened(taken.item, "a picture", pictures.most_bytes(self.size)) as file:
            found = pictures.decode(shown, file, self.size, self.rules)
        self.moving += found.moves
        pixels = found.pixels.transpose(1, 0, 2) if self.rules.transpose else found.pixels
        if self.shape is None:
            self.shape, self.first = (pixels.shape[0], pixels.shape[1]), taken.item.name
        if pixels.shape[:2] != self.shape:
            raise DataError(
                f"{shown}: is {pixels.shape[0]}x{pixels.shape[1]}, but {self.first} is "
                f"{self.shape[0]}x{self.shape[1]}; pictures must have one size, resize them with --size"
            )
        return pixels
