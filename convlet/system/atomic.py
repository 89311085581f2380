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
from convlet.system import durable
from convlet.system.reading import is_missing, kind

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENFILE, errno.EMFILE)
"""What a system answers where the place is right but cannot take more now."""


def write_atomically(path: str | Path, parts: Iterable[bytes], refused: type[InputError] = InputError) -> None:
    """Write a file so that at every instant its name holds all of the old content or all of the new.

    The bytes go to a file of another name in the same folder, are forced to the disk, and then take the name;
    the folder is forced to the disk last. A link to a file in the same folder is followed, so that file is replaced. A
    link that leads out of its folder is replaced itself: a folder from a stranger could have one to any file of ours.
    If the name cannot be taken because another program has the old file open, the new file is kept beside it.

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
    target = _target(path, str(path), refused)
    folder = target.parent
    temporary, kept = _temporary(folder), None
    try:
        _write(temporary, parts)
        try:
            durable.replace(temporary, target)
        except PermissionError as error:
            kept = _keep(temporary, target)
            raise RunError(
                f"{path}: cannot be replaced: {error.strerror or error}; the new content is in {kept}: "
                "end the program that has the old file open, or change its permissions, and rename it"
            ) from error
        _force_folder(folder)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        # also after an interruption; once renamed it is no longer there
        if kept is None:
            with suppress(OSError):
                temporary.unlink()


def check_file(path: str | Path, name: str, refused: type[InputError] = InputError) -> None:
    """Refuse, before any work, a file that could not be written after it; nothing is left behind.

    Parameters
    ----------
    path : the file
    name : what an error calls it, as in "--json out.json"

    Raises
    ------
    refused : the folder does not exist or may not be written, or the path is a folder or a device
    RunError : the disk is full or fails
    """
    _try(_target(path, name, refused).parent, name, refused)


def check_folder(path: str | Path, name: str, refused: type[InputError] = InputError) -> None:
    """The same for a folder, and for one that is not there yet: the nearest folder above it must take new files."""
    try:
        place = Path(os.path.realpath(path))
    except ValueError:
        raise refused(f"{name}: is not a name that a folder can have") from None
    _check_length(place, name, refused)
    while is_missing(place) and place != place.parent:
        place = place.parent
    found = kind(place)
    if found != "folder":
        raise refused(f"{name}: {place} is a {found or 'loop of links'}, not a folder; give another name")
    _try(place, name, refused)


def _keep(temporary: Path, target: Path) -> Path:
    """Keep a file that could not take its name: as NAME.new, one per name, or else as it is called already."""
    kept = target.with_name(f"{target.name}.new")
    try:
        os.replace(temporary, kept)
    except OSError:
        return temporary
    return kept


def _target(path: str | Path, name: str, refused: type[InputError]) -> Path:
    """Where the bytes go; see `write_atomically` for links."""
    try:
        target = Path(os.path.realpath(path))
    except ValueError:
        raise refused(f"{name}: is not a name that a file can have") from None
    found = kind(target)
    if found == "folder":
        raise refused(f"{name}: is a folder; give the name of a file")
    if found is None and os.path.islink(target):
        raise refused(f"{name}: is a link that leads back to itself; give the name of a file to write")
    if found not in (None, "file"):
        raise refused(f"{name}: is a {found}; give the name of a file to write")
    if kind(target.parent) != "folder":
        raise refused(f"{name}: the folder {target.parent} does not exist; make it first")
    _check_length(target, name, refused)
    return _inside(Path(path), target)


def _inside(path: Path, target: Path) -> Path:
    """What a write replaces: the file that a path leads to, or the path itself if it is a link out of its folder."""
    folder = Path(os.path.realpath(path.parent))
    is_system = folder.is_relative_to("/dev") or folder.is_relative_to("/proc")  # /dev/stdout leads to a file somewhere
    if not os.path.islink(path) or is_system or target.is_relative_to(folder):
        return target
    return folder / path.name


def _check_length(path: Path, name: str, refused: type[InputError]) -> None:
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise refused(f"{name}: the name is too long; give a shorter one") from None


def _temporary(folder: Path) -> Path:
    """A new name in a folder. It is not made from the file's own name, which may be as long as names can be."""
    return folder / f".convlet-{os.getpid()}-{secrets.token_hex(8)}.tmp"


def _try(folder: Path, name: str, refused: type[InputError]) -> None:
    """Write a file into a folder and remove it."""
    temporary = _temporary(folder)
    try:
        os.close(_new(temporary))
    except OSError as error:
        said = f"{name}: cannot be written: {folder} takes no new file: {error.strerror or error}"
        raise (RunError if error.errno in FULL else refused)(said) from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_json(path: str | Path, value: Any) -> None:
    """A JSON file, whole or not at all."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    # half a character, from a file name that is no Unicode, stands as JSON writes it: \udcff
    write_atomically(path, [text.encode(errors="backslashreplace"), b"\n"])


def _write(path: Path, parts: Iterable[bytes]) -> None:
    """A new file of these bytes, on the disk. Each call to the system stands here, so a test can fail each one."""
    handle = _new(path)
    try:
        for part in parts:
            left = memoryview(part)
            while left:  # a system may write less than it was given
                left = left[os.write(handle, left) :]
        durable.force(handle)
    finally:
        os.close(handle)


def _new(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.open(path, flags, 0o666)


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
        durable.force(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot
            raise
    finally:
        os.close(handle)
