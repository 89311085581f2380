"""Learning rates over the steps of a training, as frozen descriptions."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import Protocol


class Schedule(Protocol):
    """A learning rate for every step of a training."""

    def rate(self, step: float, steps: float) -> float:
        """The learning rate of `step` (0 to steps - 1) in a training of `steps` steps.

        Both may lie between whole numbers, where a training follows the clock.
        """


@dataclass(frozen=True)
class Constant:
    """The same learning rate at every step."""

    learning_rate: float

    def rate(self, step: float, steps: float) -> float:
        """learning_rate"""
        return self.learning_rate


@dataclass(frozen=True)
class StepDecay:
    """The learning rate times `factor` after every `every` steps.

    rate = learning_rate * factor ** (step // every)
    """

    learning_rate: float
    factor: float
    every: int

    def rate(self, step: float, steps: float) -> float:
        """See the class."""
        return float(self.learning_rate * self.factor ** (step // self.every))


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from the learning rate towards 0, which step `steps` would reach.

    rate = learning_rate * (1 + cos(pi step / steps)) / 2

    Source: Loshchilov and Hutter 2017, "SGDR", equation 5 without restarts.
    """

    learning_rate: float

    def rate(self, step: float, steps: float) -> float:
        """See the class."""
        return _between(self.learning_rate, 0.0, step / steps)


@dataclass(frozen=True)
class Linear:
    """A straight line from the learning rate towards 0, which step `steps` would reach.

    rate = learning_rate * (1 - step / steps)
    """

    learning_rate: float

    def rate(self, step: float, steps: float) -> float:
        """See the class."""
        return self.learning_rate * (1 - step / steps)


@dataclass(frozen=True)
class WarmUp:
    """A straight climb over the first `share` of the steps, then another schedule over the rest.

    While climbing, rate = (step + 1) / (share * steps) of the rate that the other schedule begins with.

    Source: Goyal et al. 2017, "Accurate, large minibatch SGD", section 2.2.
    """

    then: Schedule
    share: float

    def rate(self, step: float, steps: float) -> float:
        """See the class."""
        climb = self.share * steps
        if step + 1 < climb:
            return self.then.rate(0, steps - climb) * (step + 1) / climb
        return self.then.rate(max(0.0, step - climb), steps - climb)


@dataclass(frozen=True)
class OneCycle:
    """Up to the peak over the first `warm_up` share of the steps, then down; each way half a cosine.

    It starts at peak / 25 and ends, at the last step, at peak / 10,000. The peak lies at step
    warm_up * steps - 1, between two steps if need be; a training of one step uses the peak.

    Source: Smith and Topin 2018, "Super-convergence"; the cosine form and the numbers are those in common
    use since.
    """

    peak: float
    warm_up: float = 0.3
    start_divisor: float = 25.0
    end_divisor: float = 1e4

    def rate(self, step: float, steps: float) -> float:
        """See the class."""
        top, last = max(self.warm_up * steps - 1, 0.0), steps - 1
        if step < top:
            return _between(self.peak / self.start_divisor, self.peak, step / top)
        if last <= top:
            return self.peak
        return _between(self.peak, self.peak / self.end_divisor, (step - top) / (last - top))


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine from start (share 0) to end (share 1)."""
    return end + (start - end) * (1 + cos(pi * share)) / 2
