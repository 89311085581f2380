"""exp, expm1, tanh, sigmoid and log of our own: the same bits on every processor, and loops over them vectorise.

    e^x = 2^n e^r,  n = round(x / ln 2),  r = x - n ln 2,  |r| <= ln(2) / 2

e^r - 1 is its Taylor polynomial of degree 7; what it leaves out is below 2^-26 of e^r, a quarter of a unit in the
last place. ln 2 is split in two so that n ln 2 loses nothing.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from convlet.kernels.vectors.intrinsics import bits_from_float, float_from_bits, fma_scalar

LOG2_E = np.float32(1.4426950408889634)
LN2_HIGH = np.float32(0.693359375)  # 355 / 512: nine bits, so n times it is exact
LN2_LOW = np.float32(-2.12194440054690581e-4)  # ln 2 - 355 / 512
ROUND = np.float32(12582912.0)  # 1.5 * 2^23: adding it leaves round(x) in the low bits
ROUND_BITS = np.int32(0x4B400000)  # its bits
C2, C3, C4, C5, C6, C7 = (np.float32(1 / factorial) for factorial in (2, 6, 24, 120, 720, 5040))
LARGEST = np.float32(3.4028234663852886e38)
ONE, TWO, HALF, ZERO = np.float32(1), np.float32(2), np.float32(0.5), np.float32(0)
MOST_TWICE = np.float32(40.0)  # e^2x - 1 and e^2x + 1 are the same float32 long before
LOWEST, HIGHEST = np.float32(-87.0), np.float32(88.0)  # beyond, e^x is no normal float32
CUBIC, SLOPE = np.float32(0.044715), np.float32(0.7978845608028654)  # gelu's: sqrt(2 / pi)


@register_jitable
def _parts(x):
    """2^n and e^r - 1, for x up to HIGHEST."""
    x = LOWEST if x < LOWEST else x  # in this order NaN stays NaN
    shifted = fma_scalar(x, LOG2_E, ROUND)
    n = shifted - ROUND
    r = fma_scalar(n, -LN2_LOW, fma_scalar(n, -LN2_HIGH, x))
    power = float_from_bits(np.int32((bits_from_float(shifted) - ROUND_BITS + np.int32(127)) << np.int32(23)))
    p = fma_scalar(fma_scalar(fma_scalar(fma_scalar(fma_scalar(C7, r, C6), r, C5), r, C4), r, C3), r, C2)
    return power, fma_scalar(p * r, r, r)


@register_jitable
def exp(x):
    power, rest = _parts(HIGHEST if x > HIGHEST else x)
    return fma_scalar(power, rest, power)


@register_jitable
def tanh(x):
    """(e^2x - 1) / (e^2x + 1), with e^2x - 1 kept accurate near zero."""
    twice = x + x
    twice = MOST_TWICE if twice > MOST_TWICE else twice
    power, rest = _parts(twice)
    less_one = fma_scalar(power, rest, power - ONE)
    return less_one / (less_one + TWO)


@register_jitable
def sigmoid(x):
    return ONE / (ONE + exp(-x))


@register_jitable
def log(x):
    """ln x of a positive normal float32, in float64: x = 2^n m with m near 1, ln m = 2 artanh((m - 1) / (m + 1)).

    Infinity and NaN stay what they are.
    """
    if not x <= LARGEST:
        return np.float64(x)
    bits = np.int64(bits_from_float(x))
    n = (bits >> 23) - 127
    m = np.float64(float_from_bits(np.int32((bits & 0x7FFFFF) | 0x3F800000)))
    if m > 1.4142135623730951:
        m, n = m * 0.5, n + 1
    z = (m - 1.0) / (m + 1.0)
    square, term, total = z * z, z, z
    for k in range(1, 9):
        term = term * square
        total = total + term / (2.0 * k + 1.0)
    return n * 0.6931471805599453 + 2.0 * total
