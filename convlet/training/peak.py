"""The measured peak of this machine: float32 multiply-adds that wait for no memory."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from time import perf_counter

import numpy as np

from convlet.kernels import compile as compiler
from convlet.kernels import frame
from convlet.kernels.compile import Kernel
from convlet.kernels.shapes import PeakShape
from convlet.kernels.target import Target, host
from convlet.training.aligned import aligned_zeros

CHAINS = (12, 24)
"""Chains side by side: 12 keep two units of a latency of four cycles busy, 24 four units; tried where registers do."""

ALONE, TOGETHER = (0.002, 60), (0.01, 20)
"""Seconds that a measurement takes at least, and how many there are: the best counts. Those of one thread are short, so
that some meet no other program; those of several are long beside the time that threads take to start."""


def peak_shapes(target: Target) -> list[PeakShape]:
    """What is tried on this processor: its widest vectors and those half as wide."""
    widths = [lanes for lanes in (target.lanes, target.lanes // 2) if lanes >= 4]
    return [PeakShape(lanes, chains) for lanes in widths for chains in CHAINS if chains + 2 <= target.registers]


def peak_gflops(threads: int) -> float:
    """GFLOP/s of `threads` threads at once, all together; a multiply-add counts as two operations.

    The kernel that is fastest on one thread runs on all of them.
    """
    best, shape = max(((gflops(shape, 1), shape) for shape in peak_shapes(host())), key=lambda pair: pair[0])
    return best if threads == 1 else gflops(shape, threads)


def gflops(shape: PeakShape, threads: int) -> float:
    """GFLOP/s of one kernel on so many threads at once, all together."""
    call = compiler.caller(Kernel("peak", shape))
    runs = [_Chains(shape, call) for _ in range(threads)]
    least, repeats = ALONE if threads == 1 else TOGETHER
    turns, seconds = 1000, 0.0
    while seconds < least:
        turns *= 2
        seconds = _seconds(runs, turns)
    best = min(_seconds(runs, turns) for _ in range(repeats))
    return 2e-9 * shape.multiply_adds * turns * threads / best


class _Chains:
    """One thread's numbers for the kernel."""

    def __init__(self, shape: PeakShape, call: Callable[[int, int], None]) -> None:
        self.call = call
        self.arrays = [
            aligned_zeros(size, np.float32) for size in (shape.lanes, shape.lanes, shape.lanes * shape.chains)
        ]
        self.frame = np.zeros(frame.FIELDS, np.int64)
        for factor in self.arrays[:2]:
            factor[:] = 1
        places = [(frame.ZERO, array.ctypes.data) for array in self.arrays]
        self.operands = np.array(places, np.int64).reshape(-1)

    def run(self, turns: int) -> None:
        self.frame[frame.COUNT] = turns
        self.call(self.operands.ctypes.data, self.frame.ctypes.data)


def _seconds(runs: list[_Chains], turns: int) -> float:
    """From the moment when all threads are there until the last one is done."""
    first, *others = runs
    ready = Barrier(len(runs))

    def work(own: _Chains) -> None:
        ready.wait()
        own.run(turns)

    threads = [Thread(target=work, args=(own,), daemon=True) for own in others]
    for thread in threads:
        thread.start()
    ready.wait()
    began = perf_counter()
    first.run(turns)
    for thread in threads:
        thread.join()
    return perf_counter() - began
