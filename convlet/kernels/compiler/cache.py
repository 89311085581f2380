"""The kernel cache of this process: reads entries, and keeps what was compiled.

What cannot be read is compiled again; what cannot be written stays in memory.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from convlet.kernels.compiler import place, upkeep
from convlet.kernels.compiler.entry import Compiled, read_from, write_to

log = logging.getLogger("convlet")


def read(symbol: str) -> Compiled | None:
    """The entry of that name; None where there is none, or a damaged one."""
    folder = place.folder()
    if folder is None:
        return None
    _mark_used()
    return read_from(folder, symbol)


def write(symbol: str, compiled: Compiled) -> None:
    """Keep an entry, whole or not at all. Where that cannot be done, one line of log in each process says so."""
    folder = place.folder()
    if folder is None:
        _say(f"there is no home folder to keep compiled kernels in; set {place.VARIABLE} to a folder for them")
        return
    if place.current_fingerprint() != place.fingerprint():
        return  # a source was edited since this process began: which of the two was compiled, nobody knows
    try:
        if not folder.is_dir():
            _make(folder)
        write_to(folder, symbol, compiled)
    except FileNotFoundError:
        return  # another process is clearing the cache
    except OSError as error:
        _say(
            f"{folder}: compiled kernels cannot be kept ({error.strerror or error}), so every process compiles its "
            f"own; set {place.VARIABLE} to a folder that can be written"
        )


def _make(folder: Path) -> None:
    """Make the folder of a new fingerprint: a good moment to remove those that nobody uses any more."""
    folder.mkdir(parents=True, exist_ok=True)
    upkeep.prune()


_said: list[str] = []


def _say(message: str) -> None:
    """A line of log, but one in a process: the next would say the same of another entry."""
    if not _said:
        _said.append(message)
        log.warning(message)


@lru_cache(maxsize=1)
def _mark_used() -> None:
    """Keep the folder from being pruned: its time is moved on, at most once a day."""
    folder = place.folder()
    with suppress(OSError):
        if folder is not None and time.time() - folder.stat().st_mtime > 86400:
            os.utime(folder)
