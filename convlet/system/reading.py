"""The one way to open a file that somebody else may have written: a regular file of a bounded size, or one clear error.

A pipe would make a reader wait for ever, and a device such as /dev/zero never ends. So nothing is opened before its
kind is known, the open itself never waits, and the kind and the size are checked again on the open file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from convlet.errors import InputError

FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"))

Unchecked = dict[str, Any]
"""A JSON object from outside whose keys and values nobody has checked yet."""

KINDS = (
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
    (lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode), "device"),
)

MISSING = "there is no such file"

REASONS = {
    errno.ENOENT: MISSING,
    errno.ENOTDIR: "there is no such file: a part of its path is not a folder",
    errno.EACCES: "may not be read; change its permissions, or those of its folder",
    errno.EPERM: "may not be read; change its permissions, or those of its folder",
    errno.ELOOP: "is a link that leads back to itself; remove the link",
    errno.ENAMETOOLONG: "there is no such file: the name is too long",
    errno.EMFILE: "cannot be opened: this process has too many files open; raise 'ulimit -n'",
    errno.ENFILE: "cannot be opened: the system has too many files open",
    errno.ESTALE: "was replaced while it was read; try again",
}
"""What a system's refusal means for a file; any other one is given in the system's words."""


def kind(path: str | os.PathLike[str]) -> str | None:
    """What a path leads to: "file", "folder", "pipe", "socket" or "device"; None if it leads to nothing we can see.

    Links are followed. Nothing is opened and nothing is raised, whatever the path.
    """
    try:
        return _kind(os.stat(path).st_mode)
    except (OSError, ValueError):
        return None


def is_missing(path: str | os.PathLike[str]) -> bool:
    """Whether there is nothing at a path; a file that may not be looked at, or a loop of links, is something."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return True
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG
    return False


@contextmanager
def opened(
    path: str | os.PathLike[str], what: str, most: int | None = None, refused: type[InputError] = InputError
) -> Iterator[BufferedReader]:
    """A regular file, open for reading; also turns what the system refuses inside the block into one error.

    Parameters
    ----------
    path : the file
    what : what is expected there, for the error, as in "a picture"
    most : bytes it may have; None for any number
    refused : what to raise

    Raises
    ------
    refused : no such file, no regular file, no permission, a loop of links, too large, or the reading failed
    """
    handle = open_regular(path, what, most, refused)
    with os.fdopen(handle, "rb") as file:
        try:
            yield file
        except OSError as error:
            if error.errno is None:  # a decoder's own complaint, not the system's
                raise
            raise refused(f"{_shown(path)}: {reason(error)}") from None


def open_regular(
    path: str | os.PathLike[str], what: str, most: int | None = None, refused: type[InputError] = InputError
) -> int:
    """The descriptor of a regular file, open for reading; parameters and errors as of `opened`."""
    handle = None
    try:
        _check(path, os.stat(path), what, most, refused)  # opening some devices already does something
        handle = os.open(path, FLAGS)
        _check(path, os.fstat(handle), what, most, refused)
    except BaseException as error:
        if handle is not None:
            os.close(handle)
        if isinstance(error, InputError) or not isinstance(error, OSError | ValueError):
            raise
        raise refused(f"{_shown(path)}: {reason(error)}; expected {what}") from None
    return handle


def read_bytes(path: str | os.PathLike[str], what: str, most: int, refused: type[InputError] = InputError) -> bytes:
    """All bytes of a regular file; raises as `opened` does, and if the file changes its length meanwhile."""
    with opened(path, what, most, refused) as file:
        return read_whole(file, path, refused)


def read_whole(file: BufferedReader, path: str | os.PathLike[str], refused: type[InputError] = InputError) -> bytes:
    """What is left of an opened file; raises `refused` if it is not as long as it was when it was opened."""
    wanted = size(file) - file.tell()
    data = file.read(wanted + 1)
    if data is None or len(data) != wanted:
        raise refused(f"{_shown(path)}: changed while it was read; try again")
    return data


def size(file: BufferedReader) -> int:
    """The bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def entries(folder: str | os.PathLike[str], refused: type[InputError] = InputError) -> list[Path]:
    """What lies in a folder, by name; raises `refused` if it is not a folder that can be listed."""
    try:
        return sorted(Path(folder).iterdir())
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.ENOTDIR:
            raise refused(f"{_shown(folder)}: is not a folder; give the name of one") from None
        raise refused(f"{_shown(folder)}: {reason(error).replace('no such file', 'no such folder')}") from None


def reason(error: OSError | ValueError) -> str:
    """Why a file cannot be read, in words that follow the file's name and a colon."""
    if isinstance(error, OSError):
        return REASONS.get(error.errno or 0, f"cannot be read: {error.strerror or error}")
    return "is not a name that a file can have"  # with a null character, or not of the system's encoding


def _check(
    path: str | os.PathLike[str], status: os.stat_result, what: str, most: int | None, refused: type[InputError]
) -> None:
    found = _kind(status.st_mode)
    if found != "file":
        raise refused(f"{_shown(path)}: is a {found}; expected {what}")
    if most is not None and status.st_size > most:
        raise refused(f"{_shown(path)}: has {status.st_size:,} bytes; {what} may have at most {most:,}")


def _kind(mode: int) -> str:
    return next((name for test, name in KINDS if test(mode)), "special file")


def _shown(path: str | os.PathLike[str]) -> str:
    """The path for a message, shortened if nobody could read it."""
    text = os.fspath(path)
    return text if len(text) <= 1000 else f"{text[:500]}...{text[-40:]}"
