"""Threads that meet: all the work is done once a call, whoever comes, and no helper works after an exception."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from convlet.engine import program
from convlet.engine import workers as module
from convlet.engine.program import WALK_NUMBERS, Task
from convlet.engine.workers import Workers
from convlet.kernels.calling import frame
from convlet.kernels.calling import task as task_fields
from convlet.kernels.compiler.kernel import Kernel
from tests.interrupted import at_each_moment, only


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


@pytest.mark.parametrize("threads", [2, 4, 8])
def test_no_helper_works_when_an_exception_leaves(threads):
    task, numbers, doubled, _kept = doubling(200_000, threads)
    workers = Workers(threads)

    def run():
        doubled[:] = 0
        task.run(workers, 200_000)

    run()
    moments = 0
    for _ in at_each_moment(run):
        now = doubled.copy()
        time.sleep(0.002)
        np.testing.assert_array_equal(doubled, now)
        moments += 1
    np.testing.assert_array_equal(doubled, 2 * numbers)
    assert moments > 12
    workers.close()


def test_helpers_of_an_interrupted_start_end():
    task, numbers, doubled, _kept = doubling(40, 3)
    for moment in at_each_moment(lambda: task.run(Workers(3), 40)):
        doubled[:] = 0
        workers = Workers(3)
        task.run(workers, 40)
        np.testing.assert_array_equal(doubled, 2 * numbers)
        workers.close()
        assert only(0), moment


def test_helpers_end_with_their_workers():
    task, *_kept = doubling(40, 3)
    workers = Workers(3)
    task.run(workers, 40)
    assert only(2)
    del workers
    assert only(0)


@pytest.mark.parametrize("allowed", [0, 1, 2])
@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()], ids=["limit", "memory"])
def test_a_refused_thread_is_not_waited_for(allowed, error, monkeypatch, caplog):
    start, left = threading.Thread.start, allowed

    def refused(thread):
        nonlocal left
        if not left:
            raise error
        left -= 1
        start(thread)

    before = threading.active_count()
    module._say_refused.cache_clear()
    monkeypatch.setattr(threading.Thread, "start", refused)
    task, numbers, doubled, _kept = doubling(40, 4)
    workers = Workers(4)
    for _ in range(3):
        doubled[:] = 0
        task.run(workers, 40)
        np.testing.assert_array_equal(doubled, 2 * numbers)
    assert threading.active_count() == before + allowed
    workers.close()
    assert threading.active_count() == before
    reason = str(error) or "MemoryError"
    said = f"the system refuses more threads ({reason}): going on with fewer, which changes no result"
    assert caplog.messages == [said]


@pytest.mark.parametrize("looks", [0, 4000])
@pytest.mark.parametrize("threads", [2, 8])
def test_many_rounds_of_few_units(threads, looks, monkeypatch):
    """Helpers come late, do not come, fall asleep just now: each unit is done once all the same."""
    monkeypatch.setattr(module, "LOOKS", looks)
    task, numbers, doubled, _kept = doubling(9, threads)
    workers = Workers(threads)
    for number in range(3000):
        units = 1 + number % 9
        doubled[:] = 0
        task.run(workers, units)
        np.testing.assert_array_equal(doubled[:units], 2 * numbers[:units])
        assert not doubled[units:].any()
    workers.close()


@pytest.mark.parametrize("threads", [1, 3])
def test_long_work_is_cut_and_done_once(threads, monkeypatch):
    """A walk that takes long comes back, so that signals are handled, and the next one goes on."""
    monkeypatch.setattr(program, "WALK_SECONDS", 1e-6)
    task, numbers, doubled, _kept = doubling(1000, threads)
    walks, workers = [], Workers(threads)
    once = workers.run
    monkeypatch.setattr(workers, "run", lambda *given: walks.append(once(*given)))
    for _ in range(2):
        doubled[:] = 0
        task.run(workers, 1000)
        np.testing.assert_array_equal(doubled, 2 * numbers)
    assert len(walks) > 100
    workers.close()
