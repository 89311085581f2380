"""How the folders of a tree name parts and classes: the same pictures are laid out in many ways.

Recognised, below any number of folders that hold one folder only: one folder a class; `train`, `val` and `test` (and
their other names) with one folder a class in each; a test folder beside class folders; sessions inside classes; classes
inside sites or writers. What could be read in two ways is refused, with the option that decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from convlet.data.tree import Item
from convlet.data.words import FILLERS, PARTS, part_of, parts_among, words
from convlet.errors import DataError

NUMBERED = re.compile(r"(.*\D)\d+|\d{4,}.*")
"""Names such as session3, writer_12 or 2024-05-01: one of many places where pictures were taken."""

CLASS_WORDS = frozenset(("class", "category", "label", "digit", "letter", "type", "grade", "stage", "level", "kind"))

OTHER_FOLDERS = "folders without a picture"


@dataclass
class Node:
    """A folder: its own pictures and its folders, and how many pictures there are below it."""

    parts: tuple[str, ...]
    pictures: list[Item] = field(default_factory=list)
    folders: dict[str, Node] = field(default_factory=dict)
    total: int = 0

    @property
    def full(self) -> list[Node]:
        """Its folders that hold a picture, by name."""
        return [node for _, node in sorted(self.folders.items()) if node.total]

    def all_pictures(self) -> list[Item]:
        """Its own pictures and those below it, by folder and name."""
        found = list(self.pictures)
        for node in self.full:
            found += node.all_pictures()
        return found


@dataclass
class Taken:
    """A picture with its class, and with its group if there are groups."""

    item: Item
    label: str
    group: str | None = None


@dataclass
class Layout:
    """What was recognised.

    how : in words
    parts : part -> its pictures
    passed : reason -> files or folders
    """

    how: str
    parts: dict[str, list[Taken]]
    passed: dict[str, list[str]] = field(default_factory=dict)


class NoClasses(DataError):
    """Pictures are there, but no folders that name their classes."""


def nodes(items: list[Item], empty: list[tuple[str, ...]]) -> Node:
    """The folders that hold these pictures, and those with nothing in them."""
    root = Node(())
    for item in items:
        node = root
        node.total += 1
        for depth, name in enumerate(item.parts[:-1], 1):
            node = node.folders.setdefault(name, Node(item.parts[:depth]))
            node.total += 1
        node.pictures.append(item)
    for parts in empty:
        node = root
        for depth, name in enumerate(parts, 1):
            node = node.folders.setdefault(name, Node(parts[:depth]))
    return root


def unwrapped(root: Node) -> Node:
    """The folder where the choice begins: below folders that hold nothing but one folder of folders."""
    node = root
    while not node.pictures and len(node.full) == 1 and node.full[0].full and not _is_class(node.full[0]):
        node = node.full[0]
    return node


def recognise(root: Node, place: str, level: int | None) -> Layout:
    """Parts and classes of the folders below `root`.

    Parameters
    ----------
    place : the path of the root, for errors
    level : which level of folders names the classes; None to find out

    Raises
    ------
    NoClasses : no folder with pictures names a class
    DataError : the folders can be read in two ways, or test images have a class that training images have not
    """
    start = unwrapped(root)
    roots, beside = _parts(start)
    passed: dict[str, list[str]] = {}
    if "train" in roots and beside:
        passed["folders beside those of the parts"] = [_name(node) for node in beside]
    unnamed = _flat_tests(start, roots) if level is None else []
    if unnamed:
        passed["test pictures without a class"] = [f"{_name(node)}/ ({node.total:,})" for node in unnamed]
    if "train" not in roots:
        roots = {"train": [start], **roots}
    of_parts = [node for part, given in roots.items() if part != "train" or given != [start] for node in given]
    found: dict[str, list[Taken]] = {}
    depth = level or _depth(roots["train"], of_parts, place, start)
    for part, given in roots.items():
        found[part] = []
        for node in given:
            taken, loose = _classes(node, depth, of_parts + unnamed if part == "train" else [])
            found[part] += taken
            if loose:
                passed.setdefault("pictures beside the class folders", []).extend("/".join(i.parts) for i in loose)
    if not found["train"]:
        raise NoClasses(f"{place}: no folder of pictures names a class")
    _check_classes(found, place)
    empty = sorted("/".join(node.parts) for node in _empty(root))
    if empty:
        passed[OTHER_FOLDERS] = empty
    return Layout(_words_for(start, roots, depth, of_parts), found, passed)


def _is_class(node: Node) -> bool:
    """Whether a lone folder is one class rather than a folder around the classes: its pictures lie in it directly."""
    return bool(node.pictures)


def _parts(start: Node) -> tuple[dict[str, list[Node]], list[Node]]:
    """Which folders stand for parts, and the other ones with pictures."""
    structured = {node.parts[-1]: node for node in start.full if node.full}
    names = parts_among(list(structured))
    roots: dict[str, list[Node]] = {}
    for part in PARTS:
        if part in names:
            roots[part] = [_inner(structured[name]) for name in sorted(names[part])]
    used = {name for given in names.values() for name in given}
    beside = [node for node in start.full if node.parts[-1] not in used]
    if "train" not in roots and not beside:  # only a test folder: then it is what there is to train on
        return {}, []
    return roots, beside


def _flat_tests(start: Node, roots: dict[str, list[Node]]) -> list[Node]:
    """Folders of test pictures that lie beside class folders and hold no classes themselves.

    Where fewer than two classes would be left, `test` is taken for the name of a class.
    """
    if "train" in roots:
        return []
    parts = {node.parts[-1]: part_of(node.parts[-1]) for node in start.full}
    flat = [
        node
        for node in start.full
        if not node.full and parts[node.parts[-1]][0] == "test" and set(parts[node.parts[-1]][1]) <= FILLERS
    ]
    others = [name for name, (part, _) in parts.items() if part != "test"]
    return flat if len(others) > 1 and not any(parts[name][0] for name in others) else []


def _inner(node: Node) -> Node:
    """`seg_train/seg_train/...`: the folder that holds the classes."""
    while not node.pictures and len(node.full) == 1 and node.full[0].full:
        node = node.full[0]
    return node


def _depth(roots: list[Node], others: list[Node], place: str, start: Node) -> int:
    """1 or 2: the level whose folders name the classes."""
    first = [node for root in roots for node in root.full if node not in others and not _around(node, others)]
    if any(node.pictures for node in first) or not first:
        return 1
    outer = [node.parts[-1] for node in first]
    inner = [[node.parts[-1] for node in one.full] for one in first]
    every = sorted({name for names in inner for name in names})
    if len(every) < 2 or all(len(names) == 1 for names in inner):
        return 1
    if len(first) == 1:
        return 2
    if numbered(outer) and not numbered(every):
        return 2
    if numbered(every) or all(name.isdigit() for name in every):
        return 1
    if all(words(name)[-1:] and words(name)[-1] in FILLERS for name in every):
        return 1
    one, two = ", ".join(sorted(outer)[:4]), ", ".join(every[:4])
    raise DataError(
        f"{place}: the classes could be {one} or {two}; say --class-level 1 for the first or --class-level 2 for the "
        "second, or give one of the folders, as in " + "/".join((place, *first[0].parts))
    )


def _around(node: Node, others: list[Node]) -> bool:
    return any(other.parts[: len(node.parts)] == node.parts for other in others)


def numbered(names: list[str]) -> bool:
    """Whether all names are numbered ones, and of one kind; `class1`, `class2` are classes."""
    if any(set(words(name)) & CLASS_WORDS for name in names):
        return False
    matches = [NUMBERED.fullmatch(name) for name in names]
    return all(matches) and len({match[1] for match in matches if match}) == 1


def _classes(root: Node, depth: int, others: list[Node]) -> tuple[list[Taken], list[Item]]:
    """The pictures below `root`, named by the folders of this level, and those that lie above it."""
    if depth == 0:
        return [Taken(item, root.parts[-1]) for item in root.all_pictures()], []
    taken: list[Taken] = []
    loose = list(root.pictures)
    for node in root.full:
        if node in others or _around(node, others):
            continue
        more, above = _classes(node, depth - 1, others)
        taken += more
        loose += above
    return taken, loose


def _check_classes(found: dict[str, list[Taken]], place: str) -> None:
    known = sorted({taken.label for taken in found["train"]})
    for part in ("validation", "test"):
        for taken in found.get(part, []):
            if taken.label not in known:
                folder = "/".join((place, *taken.item.parts[:-1]))
                raise DataError(f"{folder}: is no class of the training images ({', '.join(known[:10])})")


def _empty(node: Node) -> list[Node]:
    """The outermost folders without a picture."""
    if not node.total:
        return [node]
    return [empty for inner in node.folders.values() for empty in _empty(inner)]


def _words_for(start: Node, roots: dict[str, list[Node]], depth: int, of_parts: list[Node]) -> str:
    what = "one folder a class" if depth == 1 else f"one folder a class, {depth} levels down"
    parts = [f"{part} in {_name(node)}/" for part, given in roots.items() for node in given if node in of_parts]
    inside = f" in {_name(start)}/" if start.parts and not parts else ""
    return ", ".join([what + inside, *parts])


def _name(node: Node) -> str:
    return "/".join(node.parts)
