"""How many steps a training takes, and where in its schedule a step stands; a time budget moves both."""

from __future__ import annotations

SHARE_BETWEEN_LOOKS = 0.02
"""Of the budget: how often the clock is compared with the plan."""

FEWEST_STEPS = 1


class Pace:
    """Steps done, steps in all, and the place in the schedule.

    Without a budget place and step are the same. With one, the steps that are left follow the seconds that are
    left; the place still goes evenly from where it is to the end of the schedule, so the learning rate never jumps.

    Attributes
    ----------
    step, steps : steps done, and steps in all
    place, length : the place in the schedule, and its length, for `Schedule.rate`
    """

    def __init__(self, steps: int, budget: float | None = None) -> None:
        self.step, self.steps = 0, max(FEWEST_STEPS, steps)
        self.place, self.length = 0.0, float(self.steps)
        self.budget = budget
        self._next_look = 0.0

    @property
    def done(self) -> bool:
        return self.step >= self.steps

    def advance(self) -> None:
        """One step more."""
        self.place += (self.length - self.place) / (self.steps - self.step)
        self.step += 1

    def look(self, seconds: float) -> None:
        """Fit the steps that are left to the budget, after so many seconds of training."""
        if self.budget is None or seconds < self._next_look:
            return
        self._next_look = seconds + SHARE_BETWEEN_LOOKS * self.budget
        left = int((self.budget - seconds) / (seconds / self.step))
        self.steps = self.step + max(0, left)
