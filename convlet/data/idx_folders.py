"""A folder of IDX files of any data set: pairs of images and labels are found by the words in their names.

Known are the names of MNIST and what other sets made of them: a prefix (`emnist-letters-train-images-idx3-ubyte`), a
dot before idx, `test` for `t10k`, QMNIST's labels of several columns. EMNIST stores rows as columns, and is turned.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from convlet.data import idx
from convlet.data.choices import Choices
from convlet.data.dataset import Array, ImageSet, Rows
from convlet.data.kinds import STRANGE, Sorted
from convlet.data.reading_rules import ReadingRules
from convlet.data.survey import PARTS, Read, Survey, some
from convlet.data.tree import Item, Tree
from convlet.data.words import part_of
from convlet.errors import DataError

MEANINGLESS = frozenset(("idx", "ubyte", "int", "byte", "gz", "1", "2", "3", "images", "labels", "image", "label"))
"""Words of a name that do not tell data sets apart."""

MOST_MAPPING_BYTES = 2**20


def survey(tree: Tree, found: Sorted, choices: Choices) -> Survey:
    """What the IDX files below a place are, by names and headers.

    Raises
    ------
    DataError : a file without its partner, several data sets, a damaged header, or counts that differ
    """
    place = str(tree.root)
    sets = _sets(found.idx)
    if len(sets) > 1:
        names = sorted("-".join(words) or "(no name)" for words in sets)
        raise DataError(
            f"{place}: holds several data sets ({some(names)}); give one of them, as in {place}/{names[-1]}, or put "
            "each into a folder of its own"
        )
    (words, parts), counts = next(iter(sets.items())), {}
    if "train" not in parts:
        raise _missing(tree, parts, "train")
    for part, pair in parts.items():
        if len(pair) < 2:
            raise _missing(tree, parts, part)
        counts[part] = _compare(tree, pair, place)
    passed = dict(found.passed)
    beside = ["/".join(item.parts) for item in (*found.pictures, *found.tables, *found.arrays)]
    if beside:
        passed.setdefault(STRANGE, []).extend(beside)
    transpose = ("emnist" in words) if choices.transpose is None else choices.transpose
    how = f"IDX files, {', '.join(f'{part} of {shape[0]:,} images' for part, shape in counts.items())}"
    made = Survey(place, how, (), {}, lambda: Read({}, ()), passed=passed)
    for shape in counts.values():
        made.sizes[shape[1], shape[2]] += shape[0]
    if transpose:
        why = "EMNIST's files hold rows as columns" if choices.transpose is None else "as --transpose says"
        made.notes.append(f"images are turned, rows for columns: {why}")
    made.read = partial(_read, tree, parts, transpose, _mapping(tree, found.texts, words), place)
    return made


def of_prefix(items: list[Item], prefix: str) -> list[Item]:
    """The files whose names begin with a data set's, as in `emnist-letters`."""
    return [item for item in items if item.name.lower().startswith((f"{prefix.lower()}-", f"{prefix.lower()}_"))]


def _sets(items: list[Item]) -> dict[tuple[str, ...], dict[str, dict[str, Item]]]:
    """The words of a data set -> part -> "images" and "labels"."""
    sets: dict[tuple[str, ...], dict[str, dict[str, Item]]] = {}
    for item in items:
        part, rest = part_of(item.name)
        role = "labels" if {"labels", "label"} & set(rest) or "idx1" in item.name.lower() else "images"
        words = tuple(word for word in rest if word not in MEANINGLESS)
        pair = sets.setdefault(words, {}).setdefault(part or "train", {})
        before = pair.get(role)
        if before is None or before.suffix == ".gz":  # the same file, packed and not
            pair[role] = item
    return {words: {part: parts[part] for part in PARTS if part in parts} for words, parts in sets.items()}


def _missing(tree: Tree, parts: dict[str, dict[str, Item]], part: str) -> DataError:
    """The error for a file that is not there; its name is that of its partner with the other word."""
    pair = parts.get(part) or next(iter(parts.values()))
    role, item = next(iter(pair.items()))
    name = item.name.removesuffix(".gz")
    if part not in parts:
        there = part_of(name)
        return DataError(f"{tree.root}: there are only {there[0]} images ({name}); training images are needed")
    one, other = ("images", "labels") if role == "images" else ("labels", "images")
    axes = {"images": "3", "labels": "1"}
    wanted = name.replace(one, other).replace(one[:-1], other[:-1]).replace(f"idx{axes[one]}", f"idx{axes[other]}")
    return DataError(f"{tree.root}: there is no {wanted} or {wanted}.gz; a folder of IDX files needs it")


def _compare(tree: Tree, pair: dict[str, Item], place: str) -> tuple[int, ...]:
    """The shape of the images; raises DataError if the headers declare other numbers of images and labels."""
    shapes = {}
    for role, axes in (("images", 3), ("labels", 1)):
        with tree.opened(pair[role], "an IDX file") as file:
            shapes[role] = idx.declared(tree.shown(pair[role]), file, tree.size(pair[role]), axes)
    if shapes["images"][0] != shapes["labels"][0]:
        raise DataError(
            f"{place}: {shapes['images'][0]} images but {shapes['labels'][0]} labels; there must be one label an image"
        )
    return shapes["images"]


def _read(tree: Tree, parts: dict[str, dict[str, Item]], transpose: bool, mapping: dict[int, str], place: str) -> Read:
    """Read what was surveyed; the classes are the labels that training images have."""
    read: dict[str, tuple[Array, Array]] = {}
    for part, pair in parts.items():
        images, labels = _whole(tree, pair["images"], 3), _whole(tree, pair["labels"], 1).astype(np.int64)
        read[part] = images.transpose(0, 2, 1) if transpose else images, labels
    there = np.unique(read["train"][1])
    made = {}
    for part, (images, labels) in read.items():
        unknown = np.setdiff1d(labels, there)
        if len(unknown):
            raise DataError(f"{place}: {part} images have the label {unknown[0]}, which no training image has")
        names = Rows.all_of(tree.shown(parts[part]["images"]), len(labels))
        made[part] = ImageSet(np.ascontiguousarray(images[..., np.newaxis]), np.searchsorted(there, labels), names)
    classes = tuple(mapping.get(int(label), str(int(label))) for label in there)
    if len(set(classes)) < len(classes):
        classes = tuple(str(int(label)) for label in there)
    result = Read(made, classes, ReadingRules(transpose=transpose))
    gaps = sorted(set(range(int(there[0]), int(there[-1]))) - set(there.tolist()))
    if gaps:
        result.notes.append(f"no image has the labels {some([str(label) for label in gaps])}; they are not classes")
    return result


def _whole(tree: Tree, item: Item, axes: int) -> Array:
    with tree.opened(item, "an IDX file") as file:
        return idx.read_open(tree.shown(item), file, tree.size(item), axes)


def _mapping(tree: Tree, texts: list[Item], words: tuple[str, ...]) -> dict[int, str]:
    """The character of each label, of a file such as emnist-letters-mapping.txt; {} without one."""
    for item in texts:
        _, rest = part_of(item.name.removesuffix(".txt"))
        if "mapping" not in rest or tuple(word for word in rest if word != "mapping") != words:
            continue
        with tree.opened(item, "a mapping of labels", MOST_MAPPING_BYTES) as file:
            lines = [line.split() for line in file.read().decode("latin-1").splitlines()]
        if all(len(line) >= 2 and all(word.isdigit() for word in line) for line in lines if line):
            return {int(line[0]): chr(int(line[1])) for line in lines if line and 32 < int(line[1]) < 0x10000}
    return {}
