"""Other kernels by the processor's clock: a step of a program stays the step it is and is timed where it runs.

Reading the clock takes some ten nanoseconds, so that a program of clocked steps is hardly slower than the program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convlet.kernels.calling.clock import CALLS, KERNEL, OPERANDS, TICKS
from convlet.kernels.calling.frame import SELF
from convlet.kernels.target import Target
from convlet.kernels.vectors.processor import call, ticks


def clocked(shape: Any, target: Target) -> Callable[..., None]:
    """Instead of operands: the fields of `clock`. Runs the step and adds what it took; for one thread at a time."""

    def kernel(step, frame):
        began = ticks()
        call(step[KERNEL], step[OPERANDS], frame[SELF])
        step[TICKS] += ticks() - began
        step[CALLS] += 1

    return kernel


def read_clock(shape: Any, target: Target) -> Callable[..., None]:
    """Instead of operands: one int64, set to the time in ticks."""

    def kernel(place, frame):
        place[0] = ticks()

    return kernel
