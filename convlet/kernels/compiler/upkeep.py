"""What lies in the kernel cache, and how it is kept small."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from convlet.errors import RunError
from convlet.kernels.compiler import entry, place
from convlet.records.kernel_cache import FolderFacts

DAYS_KEPT = 30
"""A folder of another fingerprint may belong to another Python or processor: so long it is kept without being used."""

FINGERPRINT = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Folder:
    """The entries of one fingerprint: how many, their bytes, and how many of them are damaged.

    path : None where there is no home for it
    """

    path: str | None
    entries: int
    bytes: int
    damaged: int
    days_unused: float

    def facts(self) -> FolderFacts:
        """The same for JSON."""
        return {
            "path": self.path,
            "entries": self.entries,
            "bytes": self.bytes,
            "damaged": self.damaged,
            "days_unused": self.days_unused,
        }


def describe(path: Path) -> Folder:
    """Look through a fingerprint's folder; one that is not there has no entries."""
    entries = list(_files(path, entry.ENTRY))
    damaged = sum(entry.read_from(path, file.stem) is None for file, _ in entries)
    return Folder(str(path), len(entries), sum(size for _, size in entries), damaged, _days_unused(path))


def others() -> list[Path]:
    """The folders of other fingerprints: of other versions, or from before a change of the kernels."""
    root, own = place.root(), place.folder()
    if root is None or not root.is_dir():
        return []
    return sorted(p for p in root.iterdir() if FINGERPRINT.fullmatch(p.name) and p.is_dir() and p != own)


def writable() -> bool:
    """Whether entries can be kept: asks the folder, or the nearest one above it that is there."""
    folder = place.folder()
    if folder is None:
        return False
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def clear() -> tuple[int, int]:
    """Remove the entries of all fingerprints; how many they were, and their bytes.

    Raises
    ------
    RunError : a file cannot be removed
    """
    own = place.folder()
    count = total = 0
    for path in others() + ([] if own is None else [own]):
        try:
            entries, size = _remove(path)
        except OSError as error:
            raise RunError(f"{path}: cannot be removed: {error.strerror or error}") from error
        count, total = count + entries, total + size
    return count, total


def prune() -> None:
    """Remove the folders that no process has used for long; what cannot be removed stays."""
    for path in others():
        if _days_unused(path) > DAYS_KEPT:
            with suppress(OSError):
                _remove(path)


def _days_unused(path: Path) -> float:
    try:
        return max(0.0, time.time() - path.stat().st_mtime) / 86400
    except OSError:
        return 0.0


def _remove(path: Path) -> tuple[int, int]:
    """Remove a fingerprint's entries and its folder; files that are not ours stay, and the folder with them."""
    entries = list(_files(path, entry.ENTRY))
    for file, _ in [*entries, *_files(path, entry.UNFINISHED)]:
        file.unlink(missing_ok=True)
    with suppress(OSError):
        path.rmdir()
    return len(entries), sum(size for _, size in entries)


def _files(path: Path, ending: str) -> Iterator[tuple[Path, int]]:
    """Files and their bytes; one that another process removes meanwhile is left out."""
    for file in sorted(path.glob(f"*{ending}")):
        with suppress(FileNotFoundError):
            yield file, file.stat().st_size
