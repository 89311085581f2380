"""The processor's clock never runs backwards, and a clocked step takes no less time than lies within it."""

from __future__ import annotations

import numpy as np

from convlet.kernels.calling import clock, frame
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.compiler.machine_code import addresses, caller


def test_the_clock_never_runs_backwards():
    read, place = caller(Kernel("read_clock")), np.zeros(1, np.int64)
    seen = []
    for _ in range(100):
        read(place.ctypes.data, 0)
        seen.append(int(place[0]))
    assert seen == sorted(seen)
    assert seen[0] > 0


def test_a_clocked_step_ends_after_it_began_and_adds_to_what_it_took_before():
    code = addresses([Kernel("read_clock"), Kernel("clocked")])
    inner, middle = np.zeros(1, np.int64), np.zeros(clock.FIELDS, np.int64)
    outer, own = np.zeros(clock.FIELDS, np.int64), np.zeros(frame.FIELDS, np.int64)
    middle[[clock.KERNEL, clock.OPERANDS]] = code[Kernel("read_clock")], inner.ctypes.data
    outer[[clock.KERNEL, clock.OPERANDS]] = code[Kernel("clocked")], middle.ctypes.data
    own[frame.SELF] = own.ctypes.data
    taken = []
    for _ in range(5):
        caller(Kernel("clocked"))(outer.ctypes.data, own.ctypes.data)
        assert 0 <= middle[clock.TICKS] <= outer[clock.TICKS]
        taken.append(int(outer[clock.TICKS]))
    assert taken == sorted(taken)
    assert middle[clock.CALLS] == outer[clock.CALLS] == 5
