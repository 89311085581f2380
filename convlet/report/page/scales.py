"""Where a value lies on an axis, and which values are written beside it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Scale:
    """Values from low to high on pixels from start to end; logarithmic where `log` says so (low above 0)."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (log10(v) if self.log else v for v in (self.low, self.high, max(value, self._least)))
        share = (value - low) / (high - low) if high > low else 0.5
        return round(self.start + share * (self.end - self.start), 2)

    @property
    def _least(self) -> float:
        return self.low if self.log else float("-inf")

    def ticks(self, count: int = 5) -> list[float]:
        """About `count` round values between low and high."""
        return log_ticks(self.low, self.high, count) if self.log else even_ticks(self.low, self.high, count)


def even_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten, about `count` of them from low to high."""
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** floor(log10(rough))
    step = next(step for step in STEPS if step * power >= rough * 0.999) * power
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def log_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values on a logarithmic axis: powers of ten, with 2 and 5, or more, between where there is room."""
    for between in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        found = [
            factor * 10.0**power
            for power in range(floor(log10(low)), ceil(log10(high)) + 1)
            for factor in between
            if low * 0.999 <= factor * 10.0**power <= high * 1.001
        ]
        if len(found) >= min(count, 3):
            break
    else:
        return even_ticks(low, high, count)
    step = max(1, ceil(len(found) / (count + 2)))
    return found[::step]


def short(value: float) -> str:
    """A number for an axis: `0.05`, `1.5`, `20k`, `1.2M`."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def around(values: list[float], log: bool, room: float = 0.08) -> tuple[float, float]:
    """The ends of an axis that holds these values with some room on both sides."""
    low, high = min(values), max(values)
    if log:
        ratio = max((high / low) ** room, 1.15)
        return low / ratio, high * ratio
    margin = (high - low) * room or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def prefers_log(values: list[float], ratio: float = 12) -> bool:
    """Whether values are better seen on a logarithmic axis: all above 0, and further apart than `ratio`."""
    return min(values) > 0 and max(values) / min(values) > ratio
