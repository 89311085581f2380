"""How many threads may run at once on this machine, in this container."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

from convlet.system.limits import group_folders, read


def available_threads(root: Path = Path("/")) -> int:
    """Return how many threads can run at the same time: at least 1.

    It is the number of CPUs this process may run on, or the CPU time its control group (version 1 or 2)
    allows it where that is less: 1.5 CPUs count as 2.

    Parameters
    ----------
    root : the folder that holds `proc` and `sys`
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = [_quota(folder) for folder in group_folders("cpu", root)]
    return max(1, min([count, *(ceil(quota) for quota in found if quota)]))


def _quota(folder: Path) -> float | None:
    """The CPUs that the control group in `folder` allows; None where it sets no limit."""
    text = read(folder / "cpu.max")
    if text is None:
        quota, period = read(folder / "cpu.cfs_quota_us"), read(folder / "cpu.cfs_period_us")
        text = f"{quota} {period}"
    try:
        allowed, every = (int(word) for word in text.split())
    except ValueError:  # no such file, `max`, or a form we do not know: no limit
        return None
    return allowed / every if allowed > 0 and every > 0 else None
