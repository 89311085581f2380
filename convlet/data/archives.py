"""Images and labels in arrays: which array is what is told by its name and its shape, then counts are compared.

Recognised names: `images` and `labels`; `x_train`, `y_train` and so on; `train_images`, `val_labels` and so on; `X` and
`y`; and one array a file, whose file's name says the same. No pickle is ever read.
"""

from __future__ import annotations

from functools import partial
from math import isqrt, prod

import numpy as np

from convlet.data import array_files, arrays
from convlet.data.array_files import Found
from convlet.data.choices import Choices
from convlet.data.dataset import ImageSet, Rows
from convlet.data.kinds import STRANGE, Sorted
from convlet.data.reading_rules import PLAIN, ReadingRules
from convlet.data.survey import PARTS, Read, Survey, some
from convlet.data.tree import Tree
from convlet.data.words import CLASS_NAMES, IMAGES, LABELS, part_of
from convlet.errors import DataError

SMALLEST_SIDE = 4
"""Rows of fewer than 4 x 4 numbers are not taken for pictures."""

Pair = dict[str, Found]


def survey(tree: Tree, found: Sorted, choices: Choices) -> Survey:
    """What the arrays below a place are, by their headers.

    Raises
    ------
    DataError : no images or no labels among them, counts that differ, or a file that is damaged
    """
    place = str(tree.root)
    by_file = {"/".join(item.parts): array_files.declared(tree, item) for item in found.arrays}
    declared = [one for of_file in by_file.values() for one in of_file]
    _refuse_several(by_file, place)
    pairs, names, unused = assign(declared, place, one_file=len(found.arrays) == 1)
    for part, pair in pairs.items():
        _compare_counts(part, pair, place)
    passed = dict(found.passed)
    if unused:
        passed["arrays that are neither images nor labels"] = unused
    found_tables = ["/".join(item.parts) for item in found.tables]
    if found_tables:
        passed.setdefault(STRANGE, []).extend(found_tables)
    how = "; ".join(f"{part} in {pair['images'].name} and {pair['labels'].name}" for part, pair in pairs.items())
    made = Survey(place, f"arrays, {how}", (), {}, lambda: Read({}, ()), passed=passed)
    for part, pair in pairs.items():
        shape = " x ".join(map(str, pair["images"].shape))
        made.notes.append(f"{part}: {pair['images'].name} of {shape}")
    made.read = partial(_read, place, pairs, names, choices)
    return made


def assign(declared: list[Found], place: str, one_file: bool = True) -> tuple[dict[str, Pair], Found | None, list[str]]:
    """Which array holds the images and which the labels of each part, and which the names of the classes.

    Returns
    -------
    part -> {"images": ..., "labels": ...}; the names; and what is none of these
    """
    pairs: dict[str, Pair] = {}
    names, left = None, []
    has_labels = any(_role(one) == "labels" and one.name.lower() not in ("classes", "class") for one in declared)
    for one in declared:
        part, rest = _part(one, one_file), part_of(one.name)[1]
        role = _role(one)
        is_names = " ".join(rest) in CLASS_NAMES and (has_labels or one.is_text)
        if is_names and part == "train":
            names = one
        elif role is None or role in pairs.setdefault(part, {}):
            left.append(one)
        else:
            pairs[part][role] = one
    _by_shape(pairs, left, one_file)
    unused = [one.name for one in left]
    pairs = {part: pairs[part] for part in PARTS if pairs.get(part)}
    train = pairs.get("train", {})
    for role in ("images", "labels"):
        if role not in train:
            there = ", ".join(
                one.name if one.name.isprintable() else repr(one.name) for one in sorted_by_name(declared)
            )
            lone = one_file and len(declared) == 1 and declared[0].name == declared[0].file
            only = "; if the other one is in a file of its own, give the folder of both" if lone else ""
            raise DataError(
                f"{place}: there is no '{role}'; expected images and labels, found {there[:200] or 'nothing'}{only}"
            )
    for part, pair in pairs.items():
        if len(pair) < 2:
            raise DataError(f"{place}: {part}_images and {part}_labels belong together, but only one of them is there")
    return pairs, names, unused


def sorted_by_name(declared: list[Found]) -> list[Found]:
    """Arrays in the order of their names."""
    return sorted(declared, key=lambda one: one.name)


def _role(one: Found) -> str | None:
    """What an array's name says it holds."""
    _, rest = part_of(one.name)
    if set(rest) & LABELS and len(one.shape) <= 2:
        return "labels"
    if set(rest) & IMAGES and len(one.shape) >= 2:
        return "images"
    return "labels" if set(rest) & LABELS else "images" if set(rest) & IMAGES else None


def _part(one: Found, one_file: bool) -> str:
    """The part that an array's name says, else its file's name if there are several files, else "train"."""
    return part_of(one.name)[0] or (None if one_file else part_of(one.file)[0]) or "train"


def _refuse_several(by_file: dict[str, list[Found]], place: str) -> None:
    """Raise DataError if several files each hold images and labels of the same part."""
    whole: dict[str, list[str]] = {}
    for name, declared in by_file.items():
        for part in PARTS:
            roles = {_role(one) for one in declared if _part(one, False) == part}
            if {"images", "labels"} <= roles:
                whole.setdefault(part, []).append(name)
    for part, files in whole.items():
        if len(files) > 1:
            raise DataError(
                f"{place}: holds several data sets, each with {part} images and labels ({some(files)}); give one of "
                f"them, as in {place}/{files[0]}"
            )


def _by_shape(pairs: dict[str, Pair], left: list[Found], one_file: bool) -> None:
    """Give roles by shape to arrays whose names say nothing, such as arr_0, if only one array can have each role."""
    for role in ("images", "labels"):
        for part in PARTS:
            pair = pairs.get(part, {})
            if role in pair:
                continue
            fitting = [
                one for one in left if _part(one, one_file) == part and (len(one.shape) >= 3) == (role == "images")
            ]
            if role == "labels" and "images" in pair:
                count = pair["images"].shape[0]
                fitting = [one for one in fitting if one.shape[:1] == (count,)]
            if len(fitting) == 1:
                pairs.setdefault(part, {})[role] = fitting[0]
                left.remove(fitting[0])


def _compare_counts(part: str, pair: Pair, place: str) -> None:
    """Raise DataError if the headers declare other numbers of images and labels."""
    images, labels = pair["images"], pair["labels"]
    if not images.shape or not labels.shape:
        return  # a single number: refused with its own message when it is read
    counts = {images.shape[0], images.shape[-1]} if images.columns_first else {images.shape[0]}
    given = set(labels.shape) if len(labels.shape) == 2 and 1 in labels.shape else {labels.shape[0]}
    if not counts & given:
        number = max(given)
        raise DataError(
            f"{place}: {images.shape[-1 if images.columns_first else 0]} images but {number} labels; there must be one "
            "label an image"
        )


def _read(place: str, pairs: dict[str, Pair], names: Found | None, choices: Choices) -> Read:
    """Read the arrays of all parts."""
    classes: tuple[str, ...] | None = None
    if names is not None:
        classes = tuple(str(name) for name in np.ravel(names.read()))
        if len(set(classes)) < len(classes):
            twice = next(name for name in classes if classes.count(name) > 1)
            raise DataError(f"{place}: the class {twice!r} stands twice in classes; every class needs its own name")
    parts = {}
    for part, pair in pairs.items():
        given = pair["labels"].read()
        labels, own = arrays.labels(given, None, pair["labels"].shown)
        classes = own if classes is None else classes
        numbers = _numbers(own, labels, classes, given, pair["labels"].shown)
        images = _images(pair["images"], len(numbers), choices)
        arrays.same_count(images, numbers, place)
        if choices.transpose:
            images = np.ascontiguousarray(images.transpose(0, 2, 1, 3))
        parts[part] = ImageSet(images, numbers, Rows.all_of(pair["images"].shown, len(numbers)))
    assert classes is not None
    rules = ReadingRules(transpose=True) if choices.transpose else PLAIN
    return Read(parts, classes, rules)


def _images(one: Found, count: int, choices: Choices) -> np.ndarray:
    """The images of an array, by their first axis, or by their last one as MATLAB has them."""
    pixels = one.read()
    if one.columns_first and pixels.ndim > 1 and pixels.shape[0] != count and pixels.shape[-1] == count:
        pixels = np.moveaxis(pixels, -1, 0)
    if pixels.ndim == 2:
        pixels = pixels.reshape(len(pixels), *row_shape(pixels.shape[1], choices.image_shape, one.shown))
    elif choices.image_shape is not None and pixels.shape[1:] != choices.image_shape:
        raise DataError(f"{one.shown}: has images of {pixels.shape[1:]}, but --image-shape is {choices.image_shape}")
    return arrays.images(pixels, one.shown)


def row_shape(features: int, given: tuple[int, ...] | None, what: str) -> tuple[int, int, int]:
    """Height, width and channels of rows of so many numbers.

    Raises
    ------
    DataError : nothing was given, and they are no square picture, grey or RGB; or what was given has other pixels
    """
    if given is not None:
        if prod(given) != features:
            sides = "x".join(map(str, given))
            raise DataError(f"{what}: --image-shape {sides} has {prod(given)} pixels, but a row has {features}")
        return given[0], given[1], given[2] if len(given) == 3 else 1
    for channels in (1, 3):
        side = isqrt(features // channels)
        if side >= SMALLEST_SIDE and side * side * channels == features:
            return side, side, channels
    raise DataError(
        f"{what}: expected (n, h, w) or (n, h, w, c), but got rows of {features} numbers, which are no square picture; "
        "say their shape with --image-shape, as in --image-shape 24x32"
    )


def _numbers(
    own: tuple[str, ...], labels: arrays.Array, classes: tuple[str, ...], given: arrays.Array, what: str
) -> arrays.Array:
    """Labels as positions in `classes`: by name, or as they are if whole numbers were given with class names."""
    if set(own) <= set(classes):
        return np.array([classes.index(name) for name in own], np.int64)[labels]
    return arrays.labels(given, classes, what)[0]
