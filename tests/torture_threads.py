"""Threads and forks under force: forks that train while their parent predicts, and many threads predicting at once.

    python -m tests.torture_threads

prints counts as JSON and ends with 1 where a result was wrong or a process hung. The test suite runs a short form.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.network.word import parse, with_head
from convlet.training.loop import train
from tests.training.examples import CLASSES, stripes

FORKS, THREADS, ROUNDS = 100, 16, 1000
PATIENCE_SECONDS = 120
"""A child that takes longer hangs."""

WORD = "conv4-relu-pool-dense5-tanh"
IMAGES = stripes(300)


def trained(threads: int = 3) -> Model:
    """A model from two epochs; its bits are the same each time."""
    network = with_head(parse(WORD), len(CLASSES))
    settings = Settings(epochs=2, batch=64, threads=threads, shard=8)
    return train(network, IMAGES, IMAGES, classes=CLASSES, settings=settings).model


def forks(count: int) -> dict[str, int]:
    """Fork while threads of this process predict; each child predicts with the parent's model, trains, predicts."""
    model = trained()
    wanted, sha = model.logits(IMAGES.images, threads=3), model.sha256()
    stop = threading.Event()

    def predict() -> None:
        while not stop.is_set():
            model.logits(IMAGES.images, threads=2)

    def child() -> bool:
        same = np.array_equal(model.logits(IMAGES.images, threads=3), wanted)
        return same and trained().sha256() == sha and trained(1).sha256() == sha

    busy = [threading.Thread(target=predict) for _ in range(2)]
    for thread in busy:
        thread.start()
    counts = {"forks": count, "hung": 0, "wrong in the child": 0, "wrong in the parent": 0}
    for _ in range(count):
        status = forked(child)
        counts["hung"] += status is None
        counts["wrong in the child"] += status not in (None, 0)
        counts["wrong in the parent"] += not np.array_equal(model.logits(IMAGES.images, threads=3), wanted)
    stop.set()
    for thread in busy:
        thread.join()
    return counts


def forked(act: Callable[[], bool]) -> int | None:
    """The exit status of a fork that does something: 0 where that was true; None where it hung and was killed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of any fork beside threads
        child = os.fork()
    if child == 0:
        status = 2
        try:
            status = 0 if act() else 1
        finally:
            os._exit(status)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def predicting(threads: int, rounds: int) -> dict[str, int]:
    """Threads that predict with one model at once, all, some or one image, on one to three threads of their own."""
    model = trained()
    wanted = model.logits(IMAGES.images, threads=1)
    counts = {"predictions": threads * rounds, "other bits": 0, "errors": 0}
    gate, lock = threading.Barrier(threads), threading.Lock()

    def predict(number: int) -> None:
        rng = np.random.default_rng(number)
        for _ in range(rounds):
            gate.wait()
            first, many = int(rng.integers(299)), (1, 7, 300)[rng.integers(3)]
            chosen = slice(first, first + many)
            try:
                came = model.logits(IMAGES.images[chosen], threads=1 + int(rng.integers(3)))
                wrong = not np.array_equal(came, wanted[chosen])
            except Exception:
                wrong = False
                with lock:
                    counts["errors"] += 1
            with lock:
                counts["other bits"] += wrong

    running = [threading.Thread(target=predict, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return counts


def main() -> dict[str, Any]:
    """Everything, in force."""
    return {"forks": forks(FORKS), "threads": predicting(THREADS, ROUNDS)}


def wrong(counts: dict[str, Any]) -> int:
    """How many of the counts tell of something that must not happen."""
    forked, predicted = counts["forks"], counts["threads"]
    bad = [forked[key] for key in ("hung", "wrong in the child", "wrong in the parent")]
    return sum(bad) + predicted["other bits"] + predicted["errors"]


if __name__ == "__main__":
    found = main()
    print(json.dumps(found, indent=1))
    sys.exit(1 if wrong(found) else 0)
