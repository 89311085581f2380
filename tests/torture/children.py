"""Runs of the command line in forked children: after `warm`, no import is paid for twice, so hundreds fit into minutes.

Only a process with one thread may use this.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from tests.data.files import write_idx

WORD = "conv2-bn-relu-pool-dropout0.2"
SETTINGS = ("--epochs", "12", "--batch", "16", "--threads", "1", "--quiet")


def make_data(folder: Path) -> Path:
    """A small folder of images."""
    return write_idx(folder / "data", images=100, test_images=20, size=(8, 8))


def warm(data: Path, folder: Path) -> None:
    """Train once in this process, in silence, so that its children find what they import and compile done."""
    from convlet.cli import main

    with open(os.devnull, "w") as silent, redirect_stdout(silent), redirect_stderr(silent):
        if main(train(data, folder)):
            raise RuntimeError("a run without a fault failed")


def child(arguments: list[str], prepare: Callable[[], None] = lambda: None) -> int:
    """Start `convlet ARGUMENTS` in a child that is silent; its process number."""
    number = os.fork()
    if number:
        return number
    code = 99
    try:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        from convlet.cli import main

        prepare()
        code = main(arguments)
    finally:
        os._exit(code)


def wait(number: int) -> int:
    """The exit code of a child; negative where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def killed_after(number: int, seconds: float) -> int:
    """Kill a child after so many seconds, unless it has ended; its exit code."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(number, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(min(0.002, max(0.0, end - time.monotonic())))
    os.kill(number, signal.SIGKILL)
    return wait(number)


def train(data: Path, folder: Path, *more: str) -> list[str]:
    """The command that begins a run, or goes on with it where it was begun."""
    if (folder / "config.json").exists():
        return ["train", "--resume", str(folder), "--quiet", *more]
    return ["train", str(data), "-a", WORD, *SETTINGS, "--output", str(folder), *more]


def results(folder: Path) -> tuple[bytes, bytes, list[str]]:
    """What must be the same, however often a run was interrupted: model, best model, history without the clock."""
    import json

    rows = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    history = [json.dumps({**row, "seconds": 0}) for row in rows]
    return (folder / "model.safetensors").read_bytes(), (folder / "checkpoint-best.safetensors").read_bytes(), history


def between(rng: random.Random, low: float, high: float) -> float:
    return low + (high - low) * rng.random()
