"""The folder where compiled kernels are kept: entries that check themselves, under a name that tells what made them.

An entry is an object file, with the name of its function before it and a SHA-256 before both. The folder is named by a
fingerprint of everything that could change machine code: all kernel sources, Numba, llvmlite, Python and the processor.
The checksum also covers that fingerprint and the kernel's own name, so an entry that was damaged, or put in another's
place, does not read. Whatever cannot be read is compiled again; whatever cannot be written stays in memory.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from convlet.errors import InputError
from convlet.kernels.target import host
from convlet.system import durable
from convlet.system.reading import read_bytes

log = logging.getLogger("convlet")

VARIABLE = "CONVLET_CACHE"
"""The environment variable that names another place than the user's cache."""

ENTRY, UNFINISHED = ".o", ".part"
MOST_ENTRY_BYTES = 2**26
"""A larger entry is not read; the largest kernels have a few hundred thousand bytes."""

CHECKSUM_BYTES = hashlib.sha256().digest_size

NUMBA_SETTINGS = (
    "OPT",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
    "CPU_NAME",
    "CPU_FEATURES",
    "ENABLE_AVX",
    "LLVM_REFPRUNE_PASS",
)
"""What of Numba's environment changes the code it writes."""

Compiled = tuple[str, bytes]
"""The name of the function and the object file it is in."""


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """A hash of everything compiled code depends on, as it was when this process first asked."""
    return _fingerprint()


@lru_cache(maxsize=1)
def _versions() -> list[str]:
    return [_version(package) for package in ("numba", "llvmlite", "numpy")]


def _fingerprint() -> str:
    parts = [
        *_versions(),
        platform.python_version(),
        platform.machine(),
        repr(host()),
        *(os.environ.get(f"NUMBA_{name}", "") for name in NUMBA_SETTINGS),
    ]
    digest = hashlib.sha256("\n".join(parts).encode())
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(str(path.relative_to(Path(__file__).parents[1])).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:32]


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def root() -> Path | None:
    """The folder that holds a folder for each fingerprint; None where there is no home for it."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).absolute() / "kernels"
    from platformdirs import user_cache_path

    try:
        path = user_cache_path("convlet") / "kernels"
    except RuntimeError:
        return None
    return path if path.is_absolute() else None


def folder() -> Path | None:
    """Where this process reads and writes."""
    place = root()
    return None if place is None else place / fingerprint()


def read(symbol: str) -> Compiled | None:
    """The entry of that name; None where there is none, or a damaged one."""
    place = folder()
    if place is None:
        return None
    _mark_used()
    return read_from(place, symbol)


def read_from(place: Path, symbol: str) -> Compiled | None:
    """The same from the folder of any fingerprint."""
    try:
        stored = read_bytes(place / f"{symbol}{ENTRY}", "a compiled kernel", MOST_ENTRY_BYTES)
    except InputError:
        return None
    checksum, body = stored[:CHECKSUM_BYTES], stored[CHECKSUM_BYTES:]
    if _checksum(place, symbol, body) != checksum:
        return None
    name, _, code = body.partition(b"\0")
    return name.decode(), code


def write(symbol: str, compiled: Compiled) -> None:
    """Keep an entry, whole or not at all. Where that cannot be done, one line of log in each process says so."""
    place = folder()
    if place is None:
        _say(f"there is no home folder to keep compiled kernels in; set {VARIABLE} to a folder for them")
        return
    if _fingerprint() != fingerprint():
        return  # a source was edited since this process began: which of the two was compiled, nobody knows
    name, code = compiled
    body = name.encode() + b"\0" + code
    try:
        if not place.is_dir():
            _make(place)
        _write_whole(place / f"{symbol}{ENTRY}", _checksum(place, symbol, body) + body)
    except FileNotFoundError:
        return  # another process is clearing the cache
    except OSError as error:
        _say(
            f"{place}: compiled kernels cannot be kept ({error.strerror or error}), so every process compiles its own; "
            f"set {VARIABLE} to a folder that can be written"
        )


def _make(place: Path) -> None:
    """Make the folder of a new fingerprint: a good moment to remove those that nobody uses any more."""
    from convlet.kernels.compiler import upkeep

    place.mkdir(parents=True, exist_ok=True)
    upkeep.prune()


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


_said: list[str] = []


def _say(message: str) -> None:
    """A line of log, but one in a process: the next would say the same of another entry."""
    if not _said:
        _said.append(message)
        log.warning(message)


@lru_cache(maxsize=1)
def _mark_used() -> None:
    """Keep the folder from being pruned: its time is moved on, at most once a day."""
    place = folder()
    with suppress(OSError):
        if place is not None and time.time() - place.stat().st_mtime > 86400:
            os.utime(place)
