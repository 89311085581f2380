"""Forks and many threads: a short form of `tests.torture_threads`."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest

from convlet.engine.workers import Workers
from convlet.kernels.compiler import machine_code
from convlet.kernels.compiler.kernel import Kernel
from tests import torture_threads
from tests.engine.test_workers import doubling

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@forking
def test_forks_train_and_predict_while_their_parent_predicts():
    counts = torture_threads.forks(3)
    assert counts == {"forks": 3, "hung": 0, "wrong in the child": 0, "wrong in the parent": 0}


@forking
@pytest.mark.parametrize("asleep", [False, True])
def test_workers_are_new_in_a_fork(asleep, monkeypatch):
    if asleep:
        monkeypatch.setattr("convlet.engine.workers.LOOKS", 0)
    task, numbers, doubled, _kept = doubling(40, 3)
    workers = Workers(3)
    task.run(workers, 40)

    def child():
        for _ in range(5):
            doubled[:] = 0
            task.run(workers, 40)
            if not np.array_equal(doubled, 2 * numbers):
                return False
        workers.close()
        return True

    assert torture_threads.forked(child) == 0
    assert torture_threads.forked(lambda: workers.close() is None) == 0  # none was ever started there
    doubled[:] = 0
    task.run(workers, 40)
    np.testing.assert_array_equal(doubled, 2 * numbers)
    workers.close()


@forking
def test_a_fork_waits_for_kernels_that_are_being_compiled():
    begun = threading.Event()

    def compile_slowly():
        with machine_code.lock:
            begun.set()
            time.sleep(0.3)

    thread = threading.Thread(target=compile_slowly)
    thread.start()
    begun.wait()
    assert torture_threads.forked(lambda: bool(machine_code.addresses([Kernel("walk")]))) == 0
    thread.join()


@forking
def test_the_watchdog_sees_what_hangs_and_what_is_wrong(monkeypatch):
    monkeypatch.setattr(torture_threads, "PATIENCE_SECONDS", 0.2)
    assert torture_threads.forked(lambda: bool(time.sleep(60))) is None
    assert torture_threads.forked(lambda: False) not in (None, 0)
    assert torture_threads.forked(lambda: 1 / 0) not in (None, 0)


def test_sixteen_threads_predicting_at_once_get_the_same_bits():
    assert torture_threads.predicting(16, 4) == {"predictions": 64, "other bits": 0, "errors": 0}


def test_the_counts_of_the_torture_tell_what_went_wrong():
    forks = {"forks": 1, "hung": 0, "wrong in the child": 0, "wrong in the parent": 0}
    right = {"forks": forks, "threads": {"predictions": 1, "other bits": 0, "errors": 0}}
    assert torture_threads.wrong(right) == 0
    assert torture_threads.wrong(right | {"forks": forks | {"hung": 2}}) == 2
    assert torture_threads.wrong(right | {"threads": {"predictions": 1, "other bits": 1, "errors": 1}}) == 2
