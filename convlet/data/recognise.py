"""What names the classes of pictures in files: folders, a labels table, or a pattern; and what names their groups."""

from __future__ import annotations

import re

from convlet.data import labels_table, layout
from convlet.data.choices import Choices
from convlet.data.kinds import STRANGE, Sorted
from convlet.data.layout import Layout, NoClasses, Taken
from convlet.data.survey import some
from convlet.data.tree import Tree
from convlet.data.words import part_of
from convlet.errors import DataError


def recognise(tree: Tree, found: Sorted, choices: Choices) -> tuple[Layout, list[str]]:
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


def group(how: Layout, pattern: str) -> None:
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
