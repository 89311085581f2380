"""The measured peak of this machine: float32 multiply-adds that wait for no memory."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from convlet.engine.program import WALK_NUMBERS, Task
from convlet.engine.workers import Workers
from convlet.kernels.calling import frame
from convlet.kernels.calling import task as task_fields
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.shapes import PeakShape
from convlet.kernels.target import Target, host

CHAINS = (12, 24)
"""Chains side by side: 12 keep two units of a latency of four cycles busy, 24 four units; tried where registers do."""

ALONE, TOGETHER = (0.002, 60), (0.01, 20)
"""Seconds that a measurement takes at least, and how many there are: the best counts. Those of one thread are short, so
that some meet no other program; those of several are long beside the time that threads take to wake."""

PIECES = 50
"""Pieces of a measurement for each thread, so that all threads are busy until the end."""


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
    chains = Chains(shape, threads)
    least, repeats = ALONE if threads == 1 else TOGETHER
    try:
        turns, seconds = 1000 // PIECES, 0.0
        while seconds < least:
            turns *= 2
            seconds = chains.seconds(turns)
        best = min(chains.seconds(turns) for _ in range(repeats))
    finally:
        chains.workers.close()
    return 2e-9 * shape.multiply_adds * turns * PIECES * threads / best


class Chains:
    """The kernel's chains on several threads; each thread has numbers of its own."""

    def __init__(self, shape: PeakShape, threads: int) -> None:
        places = [(frame.WORKSPACE, 4 * shape.lanes * number) for number in range(3)]
        floats = shape.lanes * (2 + shape.chains)
        self.task = Task([(Kernel("peak", shape), places)], WALK_NUMBERS, threads, 4 * floats)
        self.sums = [room.view(np.float32)[2 * shape.lanes :] for room in self.task.workspaces]
        for room in self.task.workspaces:
            room.view(np.float32)[: 2 * shape.lanes] = 1
        self.workers, self.pieces = Workers(threads), PIECES * threads

    def seconds(self, turns: int) -> float:
        """The seconds of `turns` turns in each of the pieces; threads that are done take pieces of others."""
        self.task.fields[task_fields.SHARD], self.task.fields[task_fields.BATCH] = turns, turns * self.pieces
        began = perf_counter()
        self.task.run(self.workers, self.pieces)
        return perf_counter() - began
