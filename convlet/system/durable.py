"""Renaming a file and forcing it to the disk, on systems that do it differently."""

from __future__ import annotations

import os
from pathlib import Path
from time import sleep

IN_USE = (5, 32, 33)
"""Windows' own error numbers if another program has the file open: access denied, sharing violation, lock violation."""

WAITS_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Pauses between tries to replace a file that is in use, 1.6 s in all. Virus scanners and search indexers read a new
file for some tenths of a second. The shortest is above Windows' clock tick of 16 ms: a shorter one takes that long."""


def replace(source: str | Path, target: str | Path) -> None:
    """Give a file the name of another, which it replaces. On Windows, wait a little if a program has that one open.

    Raises
    ------
    PermissionError : another program still has the target open, or the folder may not be changed
    OSError : the file could not be renamed
    """
    for seconds in WAITS_SECONDS:
        try:
            return os.replace(source, target)
        except PermissionError as error:
            if getattr(error, "winerror", None) not in IN_USE:
                raise
        sleep(seconds)
    os.replace(source, target)


def force(handle: int) -> None:
    """Force what was written to an open file onto the disk itself.

    On macOS, fsync leaves the bytes in the drive's own memory, where a power cut loses them; F_FULLFSYNC does not. Some
    file systems, most of them on a network, do not know it.

    Raises
    ------
    OSError : the disk is full or fails
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return os.fsync(handle)
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        try:
            fcntl.fcntl(handle, full)
            return
        except OSError:
            pass
    os.fsync(handle)
