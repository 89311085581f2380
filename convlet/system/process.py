"""Which process this is, in a record that another process can check later: is it still running?"""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import TypedDict

from convlet.system.reading import Unchecked

GONE = frozenset("ZX")
"""States of a process that has ended: nobody has asked for its exit code yet, or it is being removed."""


class ProcessRecord(TypedDict):
    """A process, in values that JSON knows: see `identity`."""

    pid: int
    started: int | None
    machine: str
    host: str


def identity() -> ProcessRecord:
    """The record of this process, in values that JSON knows.

    pid : its number
    started : when it began, in ticks since the machine started; None if the system does not tell
    machine : this start of this machine and, in a container, the container; numbers of processes mean nothing elsewhere
    host : the machine's name, for people
    """
    pid = os.getpid()
    return {"pid": pid, "started": _start(pid)[0], "machine": _machine(), "host": platform.node()}


def is_running(record: Unchecked) -> bool | None:
    """Whether the process of a record runs; None if it belongs to another machine or container, or to an earlier start.

    A number that a new process got after the recorded one ended is told apart by when that process began.
    """
    pid, machine = record.get("pid"), record.get("machine")
    if type(pid) is not int or pid < 1 or not isinstance(machine, str):
        return False
    if machine != _machine():
        return None
    started, state = _start(pid)
    if started is not None:
        return started == record.get("started") and state not in GONE
    return _answers(pid)


def decode(data: bytes) -> Unchecked | None:
    """The record in the bytes of a file; None if there is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _start(pid: int) -> tuple[int | None, str]:
    """When a process began, and its state; (None, "") if it is not there or the system does not tell."""
    try:
        # the name of the program stands in brackets and may hold anything, spaces and brackets too
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[19]), fields[0].decode()
    except (OSError, ValueError, IndexError):
        return None, ""


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return platform.node()


def _answers(pid: int) -> bool:
    """Whether there is a process of this number, on a system without /proc."""
    if os.name == "nt" or Path("/proc/self/stat").exists():
        return False
    try:
        os.kill(pid, 0)  # no signal is sent; only whether one could be is checked
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
