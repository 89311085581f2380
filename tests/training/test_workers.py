"""Threads that meet: every thread walks once a call, awake or asleep, and closing ends them."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from convlet.kernels import frame
from convlet.kernels import task as task_fields
from convlet.kernels.compile import Kernel
from convlet.training import workers as module
from convlet.training.program import WALK_NUMBERS, Task
from convlet.training.workers import Workers


def doubling(count, threads):
    """A task that writes the doubled numbers of a vector, in pieces of one, and the two vectors."""
    numbers, doubled = np.arange(count, dtype=np.float32), np.zeros(count, np.float32)
    sizes, scale = np.array([1, count], np.int64), np.array([2.0], np.float32)
    operands = [(frame.ZERO, array.ctypes.data) for array in (numbers, doubled, sizes, scale)]
    task = Task([(Kernel("add_rows"), operands)], WALK_NUMBERS, threads, 0)
    task.fields[task_fields.SHARD], task.fields[task_fields.BATCH] = 1, count
    return task, numbers, doubled, (sizes, scale)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_all_the_work_is_done_at_each_call(threads, pause):
    task, numbers, doubled, kept = doubling(40, threads)
    workers = Workers(threads)
    for _ in range(3 if pause else 200):
        doubled[:] = 0
        task.run(workers, 40)
        np.testing.assert_array_equal(doubled, 2 * numbers)
        time.sleep(pause)  # long enough for the helpers to fall asleep
    workers.close()
    assert kept[1][0] == 2


def test_helpers_that_sleep_at_once_are_woken(monkeypatch):
    monkeypatch.setattr(module, "LOOKS", 0)
    task, numbers, doubled, _kept = doubling(40, 3)
    workers = Workers(3)
    for _ in range(300):
        doubled[:] = 0
        task.run(workers, 40)
        np.testing.assert_array_equal(doubled, 2 * numbers)
    workers.close()


def test_threads_start_with_the_first_shared_work_and_end_when_closed():
    before = threading.active_count()
    task, *_kept = doubling(9, 4)
    workers = Workers(4)
    task.run(workers, 1)
    assert threading.active_count() == before
    task.run(workers, 9)
    assert threading.active_count() == before + 3
    workers.close()
    assert threading.active_count() == before


def test_closed_workers_still_work_alone():
    task, numbers, doubled, _kept = doubling(9, 2)
    workers = Workers(2)
    workers.close()
    task.run(workers, 9)
    np.testing.assert_array_equal(doubled, 2 * numbers)
