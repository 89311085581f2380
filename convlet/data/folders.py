"""Pictures in files: whatever names their classes, they are surveyed by their headers, then read once."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import partial

import numpy as np

from convlet.data import headers, labels_table, layout, pictures
from convlet.data.choices import Choices
from convlet.data.dataset import Array, ImageSet
from convlet.data.decoding import Reader, check_sizes
from convlet.data.kinds import STRANGE, Sorted
from convlet.data.layout import Layout, NoClasses, Taken
from convlet.data.reading_rules import ReadingRules
from convlet.data.rules import found_rules
from convlet.data.survey import PARTS, Read, Survey, some
from convlet.data.tree import Tree
from convlet.data.words import part_of
from convlet.errors import DataError

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
    how, lost = _recognise(tree, found, choices)
    if choices.group_pattern is not None:
        _group(how, choices.group_pattern)
    for taken in (one for part in how.parts.values() for one in part):
        taken.label = unicodedata.normalize("NFC", taken.label)
    classes = tuple(sorted({taken.label for taken in how.parts["train"]}))
    parts = {part: how.parts[part] for part in PARTS if how.parts.get(part)}
    passed = {**found.passed, **how.passed}
    made = Survey(str(tree.root), how.how, classes, {}, lambda: Read({}, ()), passed=passed, unreadable=lost)
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


def _recognise(tree: Tree, found: Sorted, choices: Choices) -> tuple[Layout, list[str]]:
    """What names the classes: what the user said, else folders, else a table."""
    place = str(tree.root)
    if choices.label_pattern is not None:
        found.pass_over(STRANGE, found.tables + found.arrays)
        return _by_pattern(tree, found, choices.label_pattern), []
    root = layout.nodes(found.pictures, tree.empty)
    by_folders = None
    if choices.labels is None and not _needs_table(root):
        by_folders = layout.recognise(root, place, choices.class_level)
        named = {taken.label for taken in by_folders.parts["train"]}
        by_table = choices.class_level is None and layout.numbered(list(named)) and found.tables
        if choices.class_level is not None or (len(named) > 1 and not by_table):
            if choices.class_level is None:
                labels_table.refuse_other_classes(tree, found, by_folders, choices)
            found.pass_over(STRANGE, found.tables + found.arrays)
            return by_folders, []
    labels_table.take_texts(tree, found, choices)
    tables, _ = labels_table.choose(tree, found, choices)
    if tables:
        found.pass_over(STRANGE, [item for item in found.tables + found.arrays if item not in tables])
        return labels_table.recognise(tree, found, tables, choices)
    if by_folders is not None and len({taken.label for taken in by_folders.parts["train"]}) > 1:
        return by_folders, []
    if by_folders is not None:
        only = by_folders.parts["train"][0].label
        raise DataError(f"{place}: there is only the class '{only}'; at least two are needed")
    raise NoClasses(_how_to_name(place, found))


def _needs_table(root: layout.Node) -> bool:
    """Whether folders name no classes: pictures lie flat, or in folders that are parts themselves."""
    start = layout.unwrapped(root)
    return not start.full or all(not node.full and part_of(node.parts[-1])[0] for node in start.full)


def _how_to_name(place: str, found: Sorted) -> str:
    """The error for pictures whose classes nothing names; it gives the pattern where names look like cat_12.png."""
    stems = {item.name.rpartition(".")[0] for item in found.pictures}
    kinds = {match[1] for match in (re.fullmatch(r"([A-Za-z]+)[_\-. ]?\d+", stem) for stem in stems) if match}
    count = len(found.pictures)
    if 1 < len(kinds) < count:
        example = r"'(?P<label>[A-Za-z]+)[_\-. ]?\d+'"
        more = f"; the names begin with {some(sorted(kinds), 4)}: say --label-pattern {example}"
    else:
        more = ", or a class in each name with --label-pattern"
    return (
        f"{place}: {count:,} pictures, but nothing names their classes; expected one sub-folder of pictures for each "
        f"class, or a table labels.csv with the columns file and label{more}"
    )


def _by_pattern(tree: Tree, found: Sorted, pattern: str) -> Layout:
    """Classes from the paths of the pictures, parts from their folders."""
    compiled = re.compile(pattern)
    parts: dict[str, list[Taken]] = {}
    missed = []
    for item in found.pictures:
        match = compiled.search("/".join(item.parts))
        if not match or not match["label"]:
            missed.append("/".join(item.parts))
            continue
        part = next((part for part in (part_of(name)[0] for name in item.parts[:-1]) if part), "train")
        parts.setdefault(part, []).append(Taken(item, match["label"]))
    if "train" not in parts:
        raise DataError(
            f"{tree.root}: --label-pattern '{pattern}' fits no training picture, as {some(missed, 3) or 'none'}"
        )
    passed = {"pictures that the label pattern does not fit": missed} if missed else {}
    return Layout(f"classes by the pattern '{pattern}'", parts, passed)


def _group(how: Layout, pattern: str) -> None:
    """Give each picture the group that the pattern finds in its path; one without stays alone."""
    compiled, any_found = re.compile(pattern), False
    for taken in (one for part in how.parts.values() for one in part):
        match = compiled.search("/".join(taken.item.parts))
        if match and match["group"]:
            taken.group = match["group"]
            any_found = True
    if not any_found:
        example = "/".join(how.parts["train"][0].item.parts)
        raise DataError(f"--group-pattern '{pattern}': fits no picture, as {example}")


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
