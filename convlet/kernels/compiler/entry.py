"""One entry of the kernel cache: an object file that checks itself.

The name of its function stands before the object file, and a SHA-256 before both. The checksum also covers the name of
the folder and of the kernel, so an entry that was damaged, or moved to another name, is not read.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from convlet.errors import InputError
from convlet.system import durable
from convlet.system.reading import read_bytes

ENTRY, UNFINISHED = ".o", ".part"
MOST_ENTRY_BYTES = 2**26
"""A larger entry is not read; the largest kernels have a few hundred thousand bytes."""

CHECKSUM_BYTES = hashlib.sha256().digest_size

Compiled = tuple[str, bytes]
"""The name of the function and the object file it is in."""


def read_from(place: Path, symbol: str) -> Compiled | None:
    """The entry of that name in a folder; None if there is none, or a damaged one."""
    try:
        stored = read_bytes(place / f"{symbol}{ENTRY}", "a compiled kernel", MOST_ENTRY_BYTES)
    except InputError:
        return None
    checksum, body = stored[:CHECKSUM_BYTES], stored[CHECKSUM_BYTES:]
    if _checksum(place, symbol, body) != checksum:
        return None
    name, _, code = body.partition(b"\0")
    return name.decode(), code


def write_to(place: Path, symbol: str, compiled: Compiled) -> None:
    """Keep an entry in a folder, whole or not at all. Raises OSError."""
    name, code = compiled
    body = name.encode() + b"\0" + code
    _write_whole(place / f"{symbol}{ENTRY}", _checksum(place, symbol, body) + body)


def _write_whole(path: Path, content: bytes) -> None:
    """Through a file of another name. It is not forced to the disk: what a power cut leaves does not read."""
    import tempfile

    handle, temporary = tempfile.mkstemp(UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        durable.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _checksum(place: Path, symbol: str, body: bytes) -> bytes:
    return hashlib.sha256(f"{place.name}\0{symbol}\0".encode() + body).digest()
