"""Which files of a tree are pictures, tables or arrays, and which the system or somebody left beside them."""

from __future__ import annotations

from dataclasses import dataclass, field

from convlet.data import headers, pictures
from convlet.data.tree import Item, Tree
from convlet.errors import DataError

SYSTEM = "files of the system"
STRANGE = "not pictures"
HIDDEN = "hidden folders, or links that lead back"

JUNK = frozenset(("thumbs.db", "desktop.ini", "icon\r", "ehthumbs.db", "picasa.ini", ".ds_store"))
TABLES = frozenset((".csv", ".tsv", ".parquet"))
ARRAYS = frozenset((".npz", ".npy", ".mat"))
OTHERS = frozenset(
    (
        *(".txt", ".md", ".json", ".xml", ".html", ".htm", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".py", ".ipynb"),
        *(".log", ".yaml", ".yml", ".db", ".ini", ".zip", ".gz", ".tar", ".tgz", ".7z", ".rar", ".h5", ".hdf5", ".pkl"),
        *(
            ".pt",
            ".pth",
            ".svg",
            ".eps",
            ".ico",
            ".mp4",
            ".mov",
            ".avi",
            ".wav",
            ".mp3",
            ".exe",
            ".url",
            ".lnk",
            ".rtf",
        ),
        *(".safetensors", ".sh", ".bat", ".names", ".data", ".cfg", ".toml", ".tmp", ".bak", ".part", ".crdownload"),
    )
)
"""Ends of names that no picture has."""


@dataclass
class Sorted:
    """The files of a tree by kind.

    passed : reason -> the files that are nothing of these
    """

    pictures: list[Item] = field(default_factory=list)
    tables: list[Item] = field(default_factory=list)
    arrays: list[Item] = field(default_factory=list)
    idx: list[Item] = field(default_factory=list)
    texts: list[Item] = field(default_factory=list)
    passed: dict[str, list[str]] = field(default_factory=dict)

    def pass_over(self, reason: str, items: list[Item]) -> None:
        """Note that these files are not used."""
        if items:
            self.passed.setdefault(reason, []).extend("/".join(item.parts) for item in items)

    def take_as_tables(self, items: list[Item]) -> None:
        """Count these text files as tables, no longer as passed over."""
        for item in items:
            self.texts.remove(item)
            self.tables.append(item)
            strange = self.passed[STRANGE]
            strange.remove("/".join(item.parts))
            if not strange:
                del self.passed[STRANGE]


def sort(tree: Tree) -> Sorted:
    """Sort the files of a tree by their names, and by their first bytes if the name says nothing."""
    found = Sorted()
    places = {"picture": found.pictures, "table": found.tables, "array": found.arrays, "idx": found.idx}
    for item in tree.items:
        kind = _kind(tree, item)
        if kind in places:
            places[kind].append(item)
        else:
            found.pass_over(SYSTEM if kind == "system" else STRANGE, [item])
            if item.suffix == ".txt":
                found.texts.append(item)
    if tree.hidden:
        found.passed[HIDDEN] = list(tree.hidden)
    return found


def is_idx_name(name: str) -> bool:
    """Whether a file of this name is an IDX file, packed or not."""
    low = name.lower().removesuffix(".gz")
    return "-ubyte" in low or any(f"{mark}idx{axes}" in low for mark in ".-_" for axes in "1234")


def _kind(tree: Tree, item: Item) -> str:
    name, suffix = item.name.lower(), item.suffix
    if name in JUNK or name.startswith((".", "._")):
        return "system"
    if suffix in pictures.SUFFIXES:
        return "picture"
    if is_idx_name(name) and suffix not in TABLES:
        return "idx"
    if suffix in TABLES:
        return "table"
    if suffix in ARRAYS:
        return "array"
    if suffix in OTHERS:
        return "strange"
    if suffix in headers.FOREIGN:
        return "picture"
    if item.kind != "file":  # a pipe or a lost link is named, not passed over
        return "picture"
    try:
        return "picture" if headers.is_picture_start(tree.start(item, 32)) else "strange"
    except DataError:
        return "picture"  # what cannot be read is named with its reason
