"""Where compiled kernels are kept: a folder named by a fingerprint of everything that could change machine code.

That is: all kernel sources, Numba, llvmlite, NumPy, Python, the processor and Numba's settings.
"""

from __future__ import annotations

import hashlib
import os
import platform
from functools import lru_cache
from pathlib import Path

from convlet.kernels.target import host

VARIABLE = "CONVLET_CACHE"
"""The environment variable that names another place than the user's cache."""

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


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """A hash of everything compiled code depends on, as it was when this process first asked."""
    return current_fingerprint()


@lru_cache(maxsize=1)
def _versions() -> list[str]:
    return [_version(package) for package in ("numba", "llvmlite", "numpy")]


def current_fingerprint() -> str:
    """The same, as it is now: a source may have been edited since."""
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
