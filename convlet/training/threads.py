"""How many threads may run at once on this machine, in this container."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path


def available_threads(root: Path = Path("/")) -> int:
    """Return how many threads can run at the same time: at least 1.

    It is the number of CPUs this process may run on, or the CPU time its control group (version 1 or 2)
    allows it where that is less: 1.5 CPUs count as 2.

    Parameters
    ----------
    root : the folder that holds `proc` and `sys`
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for quota in _quotas(root) if quota > 0]
    return max(1, min(count, *(ceil(quota) for quota in quotas))) if quotas else max(1, count)


def _quotas(root: Path) -> list[float]:
    """The CPUs that each control group around this process allows; empty where nothing limits them."""
    quotas = []
    for controllers, group in _groups(root):
        if controllers == "":
            mounts = ["sys/fs/cgroup"]
        elif "cpu" in controllers.split(","):
            mounts = ["sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct"]
        else:
            continue
        for mount in mounts:
            folder = root / mount
            # a group may use no more than the groups it lies in; seen from inside a container, its own
            # path may be missing and only the top be there
            for part in ["", *_ancestors(group)]:
                quota = _quota(folder / part)
                if quota is not None:
                    quotas.append(quota)
    return quotas


def _groups(root: Path) -> list[tuple[str, str]]:
    """The lines of /proc/self/cgroup: controllers (empty for version 2) and the path of the group."""
    text = _read(root / "proc/self/cgroup") or ""
    fields = [line.split(":", 2) for line in text.splitlines()]
    return [(parts[1], parts[2]) for parts in fields if len(parts) == 3]


def _ancestors(group: str) -> list[str]:
    """`/a/b` gives a, a/b; a path that climbs out with `..` gives nothing."""
    parts = [part for part in group.split("/") if part]
    if ".." in parts:
        return []
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _quota(folder: Path) -> float | None:
    """The CPUs that the control group in `folder` allows; None where it sets no limit."""
    text = _read(folder / "cpu.max")
    if text is None:
        quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        text = f"{quota} {period}"
    try:
        allowed, every = (int(word) for word in text.split())
    except ValueError:  # no such file, `max`, or a form we do not know: no limit
        return None
    return allowed / every if allowed > 0 and every > 0 else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None
