"""`convlet cache info --json`: the folders of compiled kernels."""

from __future__ import annotations

from typing import TypedDict


class FolderFacts(TypedDict):
    """A folder of compiled kernels; `path` is None if there is no home folder."""

    path: str | None
    entries: int
    bytes: int
    damaged: int
    days_unused: float


class CacheFacts(FolderFacts):
    """The folder of this version, and those of others."""

    writable: bool
    others: list[FolderFacts]
    days_kept: int
