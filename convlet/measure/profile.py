"""Where a training step spends its time on one thread: every kernel by the processor's clock, in its place in the step.

The engine takes its ordinary steps; only each step of its program is wrapped in the kernel `clocked`. So a kernel finds
the numbers and the caches that it always finds, and what comes out is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from statistics import median
from time import perf_counter, sleep
from typing import Any, cast

import numpy as np

from convlet.engine.compiled import CompiledEngine
from convlet.engine.lowering import lower
from convlet.engine.plan import Step
from convlet.engine.program import Task
from convlet.kernels.calling import clock
from convlet.kernels.calling import task as task_fields
from convlet.kernels.compiler import machine_code
from convlet.kernels.compiler.kernel import Kernel
from convlet.layers.base import Array
from convlet.learning.optimizers import OPTIMIZERS, Optimizer

REPEATS, LEAST_REPEATS, SECONDS = 101, 3, 0.5
"""How many steps the medians are of, and after how many seconds fewer must do."""

CALIBRATION_SECONDS = 0.02
"""How long the clock's rate is measured: it is then known to about one in ten thousand."""

WALK = "walk"


@dataclass(frozen=True)
class Timed:
    """A kernel of the step and its seconds for a whole batch.

    part : gather, forward, loss, backward, pack, add_rows or update
    layer : the number of the network's layer, from 0; the first where several share the kernel, None for no layer's
    """

    part: str
    layer: int | None
    kernel: str
    seconds: float


@dataclass(frozen=True)
class StepProfile:
    """A step on one thread.

    timed : every kernel, in the order of the step
    covered : each layer that has kernels, and the layers that they do: itself, then those fused into it
    seconds_per_step : of the whole step, which is timed along with its kernels
    walk_seconds : what of it was spent between kernels, in the loop that calls them and clears the rows of gradients
    python_seconds : what of it was spent outside compiled code
    """

    timed: list[Timed]
    covered: dict[int, tuple[int, ...]]
    seconds_per_step: float
    walk_seconds: float
    python_seconds: float


class ProfiledEngine(CompiledEngine):
    """The compiled engine on one thread, with clocks on everything compiled that training runs."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **(options | {"threads": 1}))
        self._clocks: Clocks | None = None
        self._inside: dict[str, float] = {}

    def profile(self, images: Array, labels: Array, batch: Array, optimizer: Optimizer) -> StepProfile:
        """Time steps with this batch at a learning rate of 0, so that the parameters stay as they are.

        Parameters
        ----------
        images, labels, batch : as in `Engine.gradients`
        optimizer : whose update is timed
        """
        slots = optimizer.new_slots(self.layout.parameter_count)

        def step() -> float:
            began = perf_counter()
            self.gradients(images, labels, batch, epoch=0, position=0)
            self.update(optimizer, slots, 0.0, 1)
            return perf_counter() - began

        step()
        task, clocks = self._task(images, training=True), cast(Clocks, self._clocks)
        tick = seconds_of_a_tick()
        steps: list[tuple[float, dict[str, float], Array]] = []
        began = perf_counter()
        while len(steps) < LEAST_REPEATS or (len(steps) < REPEATS and perf_counter() - began < SECONDS):
            self._inside = {}
            clocks.reset()
            whole = step()
            steps.append((whole, self._inside, clocks.ticks * tick))
        seconds = np.median([own for _, _, own in steps], axis=0).tolist()
        labelled = zip(task.parts, task.program.kernels, seconds, strict=True)
        timed = [Timed(part.name, part.layer, kernel.name, own) for part, kernel, own in labelled]
        for name in (name for name in self._inside if name != WALK):
            part = "update" if name in OPTIMIZERS else name
            timed.append(Timed(part, None, name, median(inside[name] for _, inside, _ in steps)))
        return StepProfile(
            timed,
            self.covered(),
            seconds_per_step=median(whole for whole, _, _ in steps),
            walk_seconds=median(inside[WALK] - float(own.sum()) for _, inside, own in steps),
            python_seconds=median(whole - sum(inside.values()) for whole, inside, _ in steps),
        )

    def covered(self) -> dict[int, tuple[int, ...]]:
        """See `StepProfile`."""
        plan, _, _ = lower(self.network, self.input_shape, self.layout, True, self.frozen)
        begun = {path[0] for path, _ in plan.begun}
        owners = {plan.layer_of(number) for number in range(len(plan.nodes))}
        every = range(len(self.network.layers))
        return {
            owner: (owner, *takewhile(lambda number: number not in begun, every[owner + 1 :]))
            for owner in every
            if owner in owners
        }

    def _make_task(self, images: Array, training: bool) -> Task:
        task = super()._make_task(images, training)
        if training:
            self._clocks = Clocks(task)
            task.walk_alone = self._noted(WALK, task.walk_alone)
            task.prepare = self._noted("pack", task.prepare)
        return task

    def _pieces(self, steps: list[Step]) -> Task:
        task = super()._pieces(steps)
        task.walk_alone = self._noted(steps[0][0].name, task.walk_alone)
        return task

    def _noted(self, name: str, call: Callable[[], None]) -> Callable[[], None]:
        """The same call, its seconds noted under a name."""

        def run() -> None:
            began = perf_counter()
            call()
            self._inside[name] = self._inside.get(name, 0.0) + perf_counter() - began

        return run


class Clocks:
    """A clock around each step of a task's program, from now on."""

    def __init__(self, task: Task) -> None:
        clocked = Kernel("clocked")
        address = machine_code.addresses([clocked])[clocked]
        self.steps = np.zeros((task.program.length, clock.FIELDS), np.int64)
        self.steps[:, [clock.KERNEL, clock.OPERANDS]] = task.program.table
        rows = [(address, step.ctypes.data) for step in self.steps]
        self.table = np.array(rows, np.int64)
        task.fields[task_fields.PROGRAM] = self.table.ctypes.data

    @property
    def ticks(self) -> Array:
        """What each step took since the last reset: int64 (steps,)."""
        return self.steps[:, clock.TICKS].copy()

    def reset(self) -> None:
        self.steps[:, [clock.TICKS, clock.CALLS]] = 0


def seconds_of_a_tick() -> float:
    """How long the processor's clock takes from one number to the next."""
    place = np.zeros(1, np.int64)
    read = machine_code.caller(Kernel("read_clock"))

    def now() -> tuple[float, int]:
        read(place.ctypes.data, 0)
        return perf_counter(), int(place[0])

    now()
    began, first = now()
    sleep(CALIBRATION_SECONDS)
    ended, last = now()
    return (ended - began) / (last - first)
