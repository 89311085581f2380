"""What a figure was measured with: the machine and the versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from convlet import __version__
from convlet.engine.choice import backend_name
from convlet.records.conditions import Machine, Versions
from convlet.system.threads import available_threads

PACKAGES = ("numpy", "numba", "llvmlite", "scikit-learn")


def machine() -> Machine:
    """Processor, threads, operating system."""
    return {
        "processor": _processor(),
        "threads": available_threads(),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> Versions:
    """convlet, Python, the engine in use and the packages below it."""
    found = {"convlet": __version__, "python": platform.python_version(), "engine": backend_name()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
