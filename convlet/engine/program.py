"""A plan made runnable: machine code addresses, operand tables, and one frame and workspace a thread."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from convlet.engine.aligned import aligned_zeros
from convlet.engine.plan import Part, Plan, Step
from convlet.engine.workers import Workers
from convlet.kernels.calling import frame
from convlet.kernels.calling import task as task_fields
from convlet.kernels.compiler import machine_code
from convlet.kernels.compiler.kernel import Kernel

WALK, WALK_NUMBERS = Kernel("walk"), Kernel("walk_numbers")

WALK_SECONDS = 0.25
"""About how long a walk may take: no signal, such as Ctrl-C, is handled meanwhile."""

FIRST_UNITS = 16
"""Units of work that each thread has in a task's first walk, while it is not known how long a unit takes."""


class Program:
    """Steps in the form `walk` reads: a table of (kernel address, operands address), int64 (steps, 2)."""

    def __init__(self, steps: list[Step], addresses: dict[Kernel, int]) -> None:
        self.length = len(steps)
        self.kernels = [kernel for kernel, _ in steps]
        self._operands = [np.array(operands, np.int64).reshape(-1) for _, operands in steps]
        rows = [
            (addresses[kernel], operands.ctypes.data)
            for (kernel, _), operands in zip(steps, self._operands, strict=True)
        ]
        self.table = np.array(rows, np.int64).reshape(-1, 2)


class Task:
    """One kind of work that threads share: a program, its task fields and each thread's frame.

    parts : what each step of the program is there for, where a plan says so
    walk_alone : the walk on the calling thread
    """

    def __init__(self, steps: list[Step], walker: Kernel, threads: int, workspace_bytes: int) -> None:
        kernels = [walker, *(kernel for kernel, _ in steps)]
        self.program = Program(steps, machine_code.addresses(kernels, processes=threads))
        self.parts: list[Part] = []
        self.fields = np.zeros(task_fields.FIELDS, np.int64)
        self.counter = np.zeros(8, np.int64)
        self.fields[task_fields.PROGRAM] = self.program.table.ctypes.data
        self.fields[task_fields.LENGTH] = self.program.length
        self.fields[task_fields.COUNTER] = self.counter.ctypes.data
        self.workspaces = [aligned_zeros(workspace_bytes) for _ in range(threads)]
        self.frames = [aligned_zeros(frame.FIELDS, np.int64) for _ in range(threads)]
        for own, workspace in zip(self.frames, self.workspaces, strict=True):
            own[frame.WORKSPACE] = workspace.ctypes.data
            own[frame.SELF] = own.ctypes.data
        # addresses do not change, so they are looked up once, not at each step
        places = np.array([own.ctypes.data for own in self.frames], np.int64)
        fields, first = self.fields.ctypes.data, self.frames[0].ctypes.data
        self._frame_addresses = places
        self._shared = machine_code.addresses([walker])[walker], fields, places.ctypes.data
        walk = machine_code.caller(walker)
        self.walk_alone = lambda: walk(fields, first)
        self.prepare: Callable[[], None] = lambda: None
        self._units_a_walk = FIRST_UNITS * threads

    def pack(self, plan: Plan, values: dict[int, int]) -> int:
        """Make room for parameters in the kernels' own order, which `prepare` writes; returns its address.

        values : the frame's fields that the steps of packing read
        """
        self._packed = aligned_zeros(plan.packed_floats, np.float32)
        address: int = self._packed.ctypes.data
        if plan.packs:
            packing = Task(plan.packs, WALK_NUMBERS, 1, 0)
            packing.set_frames(values | {frame.PACKED: address})
            for field in (task_fields.END, task_fields.SHARD, task_fields.BATCH):
                packing.fields[field] = 1  # each step once

            def prepare() -> None:
                packing.counter[0] = 0
                packing.walk_alone()

            self.prepare = prepare
        return address

    def set_frames(self, values: dict[int, int]) -> None:
        for own in self.frames:
            for field, value in values.items():
                own[field] = value

    def run(self, workers: Workers, units: int, **fields: int) -> None:
        """Let up to `units` threads fetch the units of work; between two walks, signals are handled."""
        for name, value in fields.items():
            self.fields[getattr(task_fields, name.upper())] = value
        self.fields[task_fields.ROWS] = units
        done = 0
        while done < units:
            own = min(units - done, self._units_a_walk)
            self.counter[0], self.fields[task_fields.END] = done, done + own
            began = perf_counter()
            workers.run(*self._shared, own, self.walk_alone)
            seconds = perf_counter() - began
            self._units_a_walk = max(len(self.frames), int(own * WALK_SECONDS / max(seconds, 1e-9)))
            done += own
