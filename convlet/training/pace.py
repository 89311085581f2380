"""How many steps a training takes, and where in its schedule a step stands; a time budget moves both."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from convlet.data.inputs import Labelled
from convlet.engine.engine import Engine
from convlet.layers.base import Array
from convlet.learning.optimizers import Optimizer
from convlet.records.checkpoint import PaceValues

SHARE_BETWEEN_LOOKS = 0.02
"""Of the budget: how often the clock is compared with the plan."""

FEWEST_STEPS = 1

PROBE_SHARE, PROBE_SECONDS = 0.02, 2.0
"""Measuring how long a step takes may cost this fraction of a time budget, and this many seconds."""


class Pace:
    """Steps done, steps in all, and the place in the schedule.

    Without a budget place and step are the same. With one, the steps that are left follow the seconds that are
    left; the place still goes evenly from where it is to the end of the schedule, so the learning rate never jumps.

    Attributes
    ----------
    step, steps : steps done, and steps in all
    place, length : the place in the schedule, and its length, for `Schedule.rate`
    budget : seconds of training; None without a time budget
    next_look : the seconds of training after which the clock is read again
    """

    def __init__(self, steps: int, budget: float | None = None) -> None:
        self.step, self.steps = 0, max(FEWEST_STEPS, steps)
        self.place, self.length = 0.0, float(self.steps)
        self.budget = budget
        self.next_look = 0.0

    @property
    def done(self) -> bool:
        return self.step >= self.steps

    def advance(self) -> None:
        """One step more."""
        self.place += (self.length - self.place) / (self.steps - self.step)
        self.step += 1

    def look(self, seconds: float) -> None:
        """Fit the steps that are left to the budget, after so many seconds of training."""
        if self.budget is None or seconds < self.next_look:
            return
        self.next_look = seconds + SHARE_BETWEEN_LOOKS * self.budget
        left = int((self.budget - seconds) / (seconds / self.step))
        self.steps = self.step + max(0, left)

    def values(self) -> PaceValues:
        """All of it, in values that JSON knows, under the names that checkpoints have."""
        return {
            "step": self.step,
            "steps": self.steps,
            "place": self.place,
            "length": self.length,
            "budget": self.budget,
            "_next_look": self.next_look,
        }

    def restore(self, values: PaceValues) -> None:
        """Continue from what `values` gave."""
        self.step, self.steps = values["step"], values["steps"]
        self.place, self.length, self.budget = values["place"], values["length"], values["budget"]
        self.next_look = values["_next_look"]


def steps_within(
    budget: float, engine: Engine, optimizer: Optimizer, slots: dict[str, Array], shown: Labelled, batch: int
) -> int:
    """How many steps fit into a budget of seconds: some are taken, timed and undone."""
    slots = {name: values.copy() for name, values in slots.items()}
    parameters, state = engine.parameters.copy(), engine.state.copy()
    numbers = np.arange(batch, dtype=np.int64)
    began, steps, seconds = perf_counter(), 0, 0.0
    while seconds < min(PROBE_SHARE * budget, PROBE_SECONDS) or not steps:
        engine.gradients(*shown.batch(numbers)[:3], epoch=0, position=0)
        engine.update(optimizer, slots, 0.0, 1)
        steps, seconds = steps + 1, perf_counter() - began
    engine.load(parameters, state)
    return int((budget - seconds) / (seconds / steps))
