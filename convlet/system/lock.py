"""A lock on a folder: one process at a time, let go when the process ends, however it ends.

The system locks the file `.lock`, if the file system can do that. Linux locks it per open file (fcntl, F_OFD_SETLK),
which also lets others ask who holds it without taking it; other systems use flock. On a file system without any
locks (some network drives) a second file, `.lock-holder`, names the process that holds the folder; one that names a
process that has ended counts for nothing.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import secrets
import stat
import struct
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from convlet.errors import CheckpointError, InputError, RunError
from convlet.system import process
from convlet.system.reading import Unchecked, read_bytes

NAME, HOLDER = ".lock", ".lock-holder"

FLAGS = sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY"))
"""A link is not followed: a folder from a stranger could have one to any file of ours."""

HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK, errno.EDEADLOCK)
"""What a system answers if somebody else holds the lock; whatever else it answers means that it has no locks here."""

NO_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENXIO)
"""What a system answers if the folder is not one to work in."""

YOUNG_SECONDS = 10.0
"""A holder's file of this age may be empty because its process has not written it yet."""

MOST_BYTES = 4096
"""Of a record."""

FLOCK = "@hhqqi0q"
"""struct flock of fcntl(2): type, whence, start, length, process."""

log = logging.getLogger("convlet")


class Lock:
    """Holds a folder while it is entered as a context manager.

    The file `.lock` stays behind on purpose: removing it would let a third process lock a file that is no longer there.

    Raises
    ------
    CheckpointError : another process, or another part of this one, holds the folder, or it may not be written
    RunError : the disk is full or fails
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._handle: int | None = None
        self._record = b""

    def __enter__(self) -> Lock:
        # it begins with a space because Windows lets nobody read the locked byte
        self._record = b" " + json.dumps(process.identity() | {"token": secrets.token_hex(8)}).encode() + b"\n"
        handle = _open(self.folder / NAME)
        try:
            taken = _take(handle)
            if taken is False:
                _refuse(self.folder, self.folder / NAME)
            if taken is None:
                _take_holder(self.folder, self._record)
            with suppress(OSError):  # the record only tells others who holds the lock; a full disk has no room for it
                os.ftruncate(handle, 0)
                os.write(handle, self._record)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._handle is None:
            return
        with suppress(OSError):
            if _read(self.folder / HOLDER) == self._record:
                os.unlink(self.folder / HOLDER)
            os.ftruncate(self._handle, 0)
        os.close(self._handle)  # lets go of the lock too
        self._handle = None


def is_held(folder: Path) -> bool:
    """Whether some process holds the folder now. The lock is never taken for that, so nobody is kept out."""
    try:
        handle = os.open(folder / NAME, os.O_RDONLY | FLAGS)
    except OSError:
        return False
    try:
        held = _ask(handle)
    finally:
        os.close(handle)
    if held is not None:
        return held
    return any(_runs(_read(folder / name)) is True for name in (NAME, HOLDER))


def _open(path: Path) -> int:
    """The lock's file, made if it is not there."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | FLAGS, 0o666)
    except OSError as error:
        said = "is a link or a loop of links; remove it" if error.errno == errno.ELOOP else error.strerror
        refused = CheckpointError if error.errno in NO_PLACE else RunError
        raise refused(f"{path}: cannot be opened to lock the folder: {said}") from None
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise CheckpointError(f"{path}: is not a file, so the folder cannot be locked; remove it")


def _take(handle: int) -> bool | None:
    """Lock an open file: whether that was done; None if this file system has no locks."""
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError as error:
            return False if error.errno in HELD else None
        return True
    import fcntl

    for one in ("F_OFD_SETLK", "flock"):
        try:
            if one == "flock":
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            elif hasattr(fcntl, one):
                fcntl.fcntl(handle, fcntl.F_OFD_SETLK, struct.pack(FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0))
            else:
                continue
        except OSError as error:
            if error.errno in HELD:
                return False
            continue  # this kind of lock is unknown here
        return True
    return None


def _ask(handle: int) -> bool | None:
    """Whether somebody holds the lock of an open file; None if this system cannot tell without taking it."""
    if os.name == "nt":
        try:
            os.read(handle, 1)
        except PermissionError:
            return True
        return False
    import fcntl

    if not hasattr(fcntl, "F_OFD_GETLK"):
        return None
    try:
        found = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, struct.pack(FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0))
    except OSError:
        return None
    return bool(struct.unpack(FLOCK, found)[0] != fcntl.F_UNLCK)


def _take_holder(folder: Path, record: bytes) -> None:
    """Hold a folder by a file that only one process can make; raises CheckpointError if another one has."""
    path = folder / HOLDER
    while True:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | FLAGS, 0o666)
        except FileExistsError:
            _remove_ended(folder, path)
            continue
        except OSError as error:
            raise RunError(f"{path}: cannot be written: {error.strerror or error}") from None
        try:
            os.write(handle, record)
        except OSError as error:
            os.unlink(path)
            raise RunError(f"{path}: cannot be written: {error.strerror or error}") from None
        finally:
            os.close(handle)
        return


def _remove_ended(folder: Path, path: Path) -> None:
    """Remove the file of a holder that has ended; raises CheckpointError if it has not."""
    found = _read(path)
    runs = _runs(found)
    if runs or (not found and _age(path) < YOUNG_SECONDS):
        _refuse(folder, path)
    if runs is None:
        shown = (folder, _who(path))
        log.warning("%s: was in use by %s; make sure that it has ended, since that cannot be seen here", *shown)
    aside = folder / f"{HOLDER}-{secrets.token_hex(8)}"
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunError(f"{path}: cannot be removed: {error.strerror or error}") from None
    # another process may have done the same, and made its own, between our look and the renaming
    if _read(aside) != found:
        with suppress(OSError):
            os.rename(aside, path)
        _refuse(folder, path)
    with suppress(OSError):
        os.unlink(aside)


def _refuse(folder: Path, path: Path) -> NoReturn:
    raise CheckpointError(f"{folder}: is in use by {_who(path)}; wait for it, or end it")


def _who(path: Path) -> str:
    """The process that a lock's file names, for people."""
    record = _decoded(_read(path))
    if type(record.get("pid")) is not int:
        return "another process"
    there = record.get("machine") == process.identity()["machine"]
    return f"process {record['pid']}" + ("" if there else f" on {record.get('host', 'another machine')!s:.60}")


def _runs(data: bytes) -> bool | None:
    return process.is_running(_decoded(data))


def _decoded(data: bytes) -> Unchecked:
    return process.decode(data) or {}


def _read(path: Path) -> bytes:
    """What a lock's file holds; nothing if it cannot be read."""
    try:
        return read_bytes(path, "a lock", MOST_BYTES)
    except InputError:
        return b""


def _age(path: Path) -> float:
    """Seconds since a file was written, 0 if it is gone."""
    try:
        return abs(time.time() - path.stat().st_mtime)
    except OSError:
        return 0.0
