"""A lock on a folder: one process at a time, let go when the process ends, however it ends."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from convlet.errors import CheckpointError

NAME = ".lock"


class Lock:
    """Holds a folder while it is entered as a context manager.

    The file stays behind on purpose: removing it would let a third process lock a file that is no longer there.

    Raises
    ------
    CheckpointError : another process, or another part of this one, holds the folder
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._handle: int | None = None

    def __enter__(self) -> Lock:
        handle = os.open(self.folder / NAME, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        if not _take(handle):
            holder = os.pread(handle, 20, 1).decode("ascii", "replace").strip() if hasattr(os, "pread") else ""
            os.close(handle)
            who = f"process {holder}" if holder.isdigit() else "another process"
            raise CheckpointError(f"{self.folder}: is in use by {who}; wait for it, or end it")
        os.ftruncate(handle, 0)
        os.write(handle, f" {os.getpid()}\n".encode())
        self._handle = handle
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._handle is not None:
            os.close(self._handle)  # lets go of the lock too
            self._handle = None


def is_held(folder: Path) -> bool:
    """Whether some process holds the folder now."""
    try:
        handle = os.open(folder / NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _take(handle)
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    """Lock an open file, unless it is locked."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
