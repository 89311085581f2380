"""What a kernel's Python function becomes without Numba's inference: the same values, or a refusal that names the place."""

from __future__ import annotations

import ctypes
import math

import numpy as np
import pytest
from numba.extending import register_jitable

from convlet.kernels.compiler import compile as compiler
from convlet.kernels.compiler import machine_code
from convlet.kernels.compiler.arithmetic import Untranslatable
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.registry import Row
from convlet.kernels.vectors.intrinsics import float32_at, int64_at, uint8_at

ONE, HALF = np.float32(1), np.float32(0.5)


def ran(monkeypatch, function, integers=(), floats=(), by_numba=False):
    """The kernel on one array of int64 and, at the address in number 0, one of float32; the numbers and the bits afterwards."""
    monkeypatch.setitem(compiler.BY_NAME, "read_clock", Row("read_clock", "clocked", by_numba))
    monkeypatch.setattr(Row, "build", lambda row, shape, target: function)
    code = compiler.compile_kernel(Kernel("read_clock", function.__qualname__))
    second = np.array([*floats, 0], np.float32)
    first = np.array([second.ctypes.data, *integers], np.int64)
    room = (ctypes.c_void_p * 2)()
    place = ctypes.addressof(room)
    machine_code._CALL(machine_code._link(*code))(place, place + 8, first.ctypes.data, first.ctypes.data)
    return first[1:].tolist(), second[:-1].view(np.int32).tolist()


@register_jitable
def early(a, b):
    if a < b:
        return a - b
    return b * 2


def whole_numbers(n, frame):
    n[7] = n[1] // n[2] + 100 * (n[1] % n[2])
    n[8] = ((n[1] << 3) | 1) + ((n[1] >> 1) & 255)
    n[9] = min(n[1], n[2]) - -n[3]
    total, seen = 0, 0
    for i in range(n[3]):
        if i == 3:
            continue
        for j in range(0, i, 2):
            total += i * j
            if total > 40:
                break
        seen = i if (i > 2 and total != 4) or i == 1 else seen
    n[10], n[11] = total, seen
    n[12] = early(n[1], n[2]) + early(n[2], n[1])
    while True:
        n[3] -= 1
        if not n[3] > 1:
            break
    n[1], n[2] = n[2], n[1]


def floats(n, frame):
    x = float32_at(n[0])
    x[0] = math.sqrt(x[0]) * HALF + (ONE if x[1] > x[2] else x[2])
    x[3] = np.float32(np.float64(x[1]) * 0.1 + n[1])
    x[4] = -x[1] / x[2] - np.float32(n[1])
    x[5] = np.float32(uint8_at(n[0] + 4)[2]) if x[1] != x[1] or n[1] else ONE
    n[1] = np.int64(x[1] * np.float32(100))
    int64_at(frame[0] + 24)[0] = n[1]


@pytest.mark.parametrize("numbers", [(7, 3, 6), (-7, 3, 9), (7, -3, 1), (-7, -3, 0), (6, 6, 12)])
def test_whole_numbers_are_as_numba_computes_them(numbers, monkeypatch):
    given = (*numbers, *[0] * 12)
    assert ran(monkeypatch, whole_numbers, given) == ran(monkeypatch, whole_numbers, given, by_numba=True)


@pytest.mark.parametrize(
    "numbers", [(2.0, 3.5, 0.3, 0, 0, 0, 0), (0.7, -1.1, 0.3, 0, 0, 0, 0), (9, 0.1, -7, 1, 1, 1, 1)]
)
def test_floats_are_as_numba_computes_them(numbers, monkeypatch):
    one, other = (ran(monkeypatch, floats, (5, 0, 0), numbers, by_numba=by_numba) for by_numba in (False, True))
    assert one == other


def of_a_list(n, frame):
    n[1] = [1, 2][0]


def with_text(n, frame):
    n[1] = n[2] + "a"


def over_a_tuple(n, frame):
    for one in (1, 2):
        n[1] = one


def calling_print(n, frame):
    print(n[1])


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (of_a_list, r"line \d+: List$"),
        (with_text, "^'a' is not a number$"),
        (over_a_tuple, r"line \d+: a loop over anything but a range$"),
        (calling_print, r"line \d+: a call of <built-in function print>$"),
    ],
)
def test_what_has_no_translation_is_refused(function, reason, monkeypatch):
    with pytest.raises(Untranslatable, match=reason):
        ran(monkeypatch, function, (1, 2, 3))


def test_without_sources_numba_compiles_the_same(monkeypatch):
    """A program that was frozen into one file has no sources to translate."""
    translated = ran(monkeypatch, whole_numbers, [9, 2, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    monkeypatch.setattr("convlet.kernels.compiler.translate.source", lambda module: "")
    assert ran(monkeypatch, whole_numbers, [9, 2, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == translated
