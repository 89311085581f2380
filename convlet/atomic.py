"""Writing a file whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from convlet.errors import InputError, RunError


def write_atomically(path: str | Path, parts: Iterable[bytes], refused: type[InputError] = InputError) -> None:
    """Write a file so that at every instant its name holds all of the old content or all of the new.

    The bytes go to a file of another name in the same folder, are forced to the disk, and then take the name;
    the folder is forced to the disk last. A link is followed, so the file it points to is replaced.

    Parameters
    ----------
    path : the file
    parts : its bytes, one piece after the other
    refused : what to raise where the path is no place for a file

    Raises
    ------
    refused : the folder does not exist, or the path is a folder or a device
    RunError : the file could not be written; what was there is still there
    """
    target = Path(os.path.realpath(path))
    folder = target.parent
    if not folder.is_dir():
        raise refused(f"{path}: the folder {folder} does not exist; make it first")
    if target.exists() and not target.is_file():
        raise refused(f"{path}: is not an ordinary file; give the name of a file to write")
    # not made from the file's own name, which may already be as long as names can be
    temporary = folder / f".convlet-{os.getpid()}-{secrets.token_hex(8)}.tmp"
    try:
        _write(temporary, parts)
        os.replace(temporary, target)
        _force_folder(folder)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        # also after an interruption; once renamed it is no longer there
        with suppress(OSError):
            temporary.unlink()


def write_json(path: str | Path, value: Any) -> None:
    """A JSON file, whole or not at all."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    # half a character, from a file name that is no Unicode, stands as JSON writes it: \udcff
    write_atomically(path, [text.encode(errors="backslashreplace"), b"\n"])


def _write(path: Path, parts: Iterable[bytes]) -> None:
    """A new file of these bytes, on the disk. Each call to the system stands here, so a test can fail each one."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(path, flags, 0o666)
    try:
        for part in parts:
            left = memoryview(part)
            while left:  # a system may write less than it was given
                left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def clean(folder: Path) -> None:
    """Remove what writes that were cut off left behind; nobody else may be writing into the folder."""
    for path in folder.glob(".convlet-*.tmp"):
        with suppress(OSError):
            path.unlink()


def _force_folder(folder: Path) -> None:
    """Force the folder's own entries to the disk, where the system can do that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot
            raise
    finally:
        os.close(handle)
