"""Filters in the order the gradient of the input reads them.

    packed[kh, kw, f, c] = w[KH - 1 - kh, KW - 1 - kw, c, f]

With them the gradient of a convolution's input is itself a convolution; with size 1 this is the plain transpose
that dense layers need.
"""

from __future__ import annotations

from collections.abc import Callable

from convlet.kernels.operands import operand
from convlet.kernels.simd import float32_at
from convlet.kernels.target import Target

SIDE = 16  # a square of this side is read and written while it is in the first-level cache


def pack(shape: None, target: Target) -> Callable[..., None]:
    """Operands: w, packed, and the numbers KH * KW, C and F. Loops: taps, then squares of inputs and units.

    Sizes are operands, so that one kernel serves all layers; where the compiler knew them, it took up to 3 seconds.
    """

    def kernel(operands, frame):
        taps, inputs, units = operand(operands, frame, 2), operand(operands, frame, 3), operand(operands, frame, 4)
        area = inputs * units
        w, packed = operand(operands, frame, 0), operand(operands, frame, 1)
        for tap in range(taps):
            source = float32_at(w + 4 * (taps - 1 - tap) * area)
            goal = float32_at(packed + 4 * tap * area)
            for first_input in range(0, inputs, SIDE):
                last_input = min(first_input + SIDE, inputs)
                for first_unit in range(0, units, SIDE):
                    for unit in range(first_unit, min(first_unit + SIDE, units)):
                        for number in range(first_input, last_input):
                            goal[unit * inputs + number] = source[number * units + unit]

    return kernel
