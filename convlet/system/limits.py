"""What this process may take of the machine: the control groups around it (Linux, version 1 or 2), and free memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from convlet.errors import RunError

MOUNTS = {"cpu": ("cpu", "cpu,cpuacct"), "memory": ("memory",)}
"""Under which folders of sys/fs/cgroup version 1 has a controller."""


LEAST_ADDRESS_BYTES = 768 * 2**20
"""Of address space, which is more than memory: a small training takes 650 MiB of it with one thread of OpenBLAS."""

EASY_ADDRESS_BYTES = 8 * 2**30
"""With this much address space nothing has to be saved."""


def available_bytes(root: Path = Path("/")) -> int | None:
    """The memory that this process can still take: what the system has, or what its control groups leave it.

    Pages of files that the system would give up at once count as free. None where the system does not tell.

    Parameters
    ----------
    root : the folder that holds `proc` and `sys`
    """
    found = [_group_bytes(folder) for folder in group_folders("memory", root)]
    known = [_system_bytes(root), *found]
    return min((count for count in known if count is not None), default=None)


def group_folders(controller: str, root: Path) -> Iterator[Path]:
    """The folders in which limits of `controller`, "cpu" or "memory", may stand, the widest first.

    A group may use no more than the groups it lies in. Seen from inside a container, its own path may be missing and
    only the top be there.

    Parameters
    ----------
    root : the folder that holds `proc` and `sys`
    """
    for controllers, group in _groups(root):
        if controllers == "":
            mounts = [root / "sys/fs/cgroup"]
        elif controller in controllers.split(","):
            mounts = [root / "sys/fs/cgroup" / name for name in MOUNTS[controller]]
        else:
            continue
        for mount in mounts:
            yield from (mount / part for part in ["", *_ancestors(group)])


def check_address_space() -> None:
    """Refuse a limit of the address space (`ulimit -v`) under which the libraries below us crash or hang.

    Under a limit that is only tight, OpenBLAS is told to use one thread: it reserves memory for each.

    Raises
    ------
    RunError : the limit is too low to work at all
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY or limit >= EASY_ADDRESS_BYTES:
        return
    if limit < LEAST_ADDRESS_BYTES:
        raise RunError(
            f"the address space is limited to {limit // 2**20} MiB, but at least {LEAST_ADDRESS_BYTES // 2**20} MiB "
            "are needed; raise the limit, as in 'ulimit -v unlimited'"
        )
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def read(path: Path) -> str | None:
    """The text of a file; None where there is none."""
    try:
        return path.read_text()
    except OSError:
        return None


def _system_bytes(root: Path) -> int | None:
    for line in (read(root / "proc/meminfo") or "").splitlines():
        match line.split():
            case ["MemAvailable:", number, "kB"] if number.isdecimal():
                return 1024 * int(number)
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _group_bytes(folder: Path) -> int | None:
    """What the control group in `folder` leaves; None where it sets no limit."""
    for limit, used, idle in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        allowed, taken = read(folder / limit), read(folder / used)
        if allowed is not None and taken is not None and allowed.strip().isdecimal() and taken.strip().isdecimal():
            stat = dict(line.split() for line in (read(folder / "memory.stat") or "").splitlines() if " " in line)
            return max(0, int(allowed) - int(taken) + int(stat.get(idle, 0)))
    return None


def _groups(root: Path) -> list[tuple[str, str]]:
    """The lines of /proc/self/cgroup: controllers (empty for version 2) and the path of the group."""
    text = read(root / "proc/self/cgroup") or ""
    fields = [line.split(":", 2) for line in text.splitlines()]
    return [(parts[1], parts[2]) for parts in fields if len(parts) == 3]


def _ancestors(group: str) -> list[str]:
    """`/a/b` gives a, a/b; a path that climbs out with `..` gives nothing."""
    parts = [part for part in group.split("/") if part]
    if ".." in parts:
        return []
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
