"""Philox4x32-10: in vectors, one counter a lane, its four words compared with a threshold; and one counter at a time.

Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3. The same numbers as
`convlet.random`; written out here because a compiler left to itself does not see the vectors in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.extending import intrinsic
from numba.extending import register_jitable

from convlet.kernels.target import Target
from convlet.kernels.vectors.llvm import I32, I64, element, splat

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
LOW = 0xFFFFFFFF


def make_flags(target: Target) -> tuple[int, Any]:
    """How many counters a call takes, and the function.

    flags(address, block, position, epoch, purpose, seed, threshold) writes a byte for each of four words of each
    counter from number `block` on, in order: 1 where the word reaches the threshold, else 0.
    """
    lanes = max(2, target.lanes // 2)

    @intrinsic
    def flags(typing_context, address, block, position, epoch, purpose, seed, threshold):
        def code(context, builder, signature, arguments):
            address, block, *counters, seed, threshold = arguments
            first = ir.Constant(ir.VectorType(I64, lanes), list(range(lanes)))
            blocks = builder.add(splat(builder, block, lanes), first)
            fixed = [splat(builder, counter, lanes) for counter in counters]
            low = builder.and_(seed, ir.Constant(I64, LOW))
            high = builder.lshr(seed, ir.Constant(I64, 32))
            words = _rounds(builder, [blocks, *fixed], low, high, lanes)
            packed = _pack(builder, words, splat(builder, threshold, lanes), lanes)
            builder.store(packed, element(builder, address, block), align=1)

        return types.void(*[types.int64] * 7), code

    return lanes, flags


def _constant(value: int, lanes: int) -> Any:
    return ir.Constant(ir.VectorType(I64, lanes), [value] * lanes)


def _rounds(builder: Any, counter: list[Any], k0: Any, k1: Any, lanes: int) -> list[Any]:
    """Ten rounds on vectors of 64-bit lanes that hold 32-bit words."""
    c0, c1, c2, c3 = counter
    mask, half = _constant(LOW, lanes), _constant(32, lanes)
    for _ in range(ROUNDS):
        first = builder.mul(_constant(MULTIPLIERS[0], lanes), c0)
        second = builder.mul(_constant(MULTIPLIERS[1], lanes), c2)
        keys = splat(builder, k0, lanes), splat(builder, k1, lanes)
        c0 = builder.xor(builder.xor(builder.lshr(second, half), c1), keys[0])
        c2 = builder.xor(builder.xor(builder.lshr(first, half), c3), keys[1])
        c1, c3 = builder.and_(second, mask), builder.and_(first, mask)
        k0 = builder.and_(builder.add(k0, ir.Constant(I64, KEY_STEPS[0])), ir.Constant(I64, LOW))
        k1 = builder.and_(builder.add(k1, ir.Constant(I64, KEY_STEPS[1])), ir.Constant(I64, LOW))
    return [c0, c1, c2, c3]


def _pack(builder: Any, words: list[Any], threshold: Any, lanes: int) -> Any:
    """Four flags a lane, the first word's in the lowest byte."""
    wide = ir.VectorType(I32, lanes)
    total = None
    for number, word in enumerate(words):
        flag = builder.zext(builder.icmp_unsigned(">=", word, threshold), wide)
        flag = builder.shl(flag, ir.Constant(wide, [8 * number] * lanes))
        total = flag if total is None else builder.or_(total, flag)
    return total


M0, M1 = (np.uint64(multiplier) for multiplier in MULTIPLIERS)
K0, K1 = (np.uint64(step) for step in KEY_STEPS)
MASK, HALF = np.uint64(LOW), np.uint64(32)


@register_jitable
def four_words(block, position, epoch, purpose, seed):
    """The four words of one counter, each an int64 from 0 to 2^32 - 1."""
    c0, c1, c2, c3 = np.uint64(block), np.uint64(position), np.uint64(epoch), np.uint64(purpose)
    k0, k1 = np.uint64(seed) & MASK, np.uint64(seed) >> HALF
    for _ in range(ROUNDS):
        first, second = M0 * c0, M1 * c2
        c0, c1 = (second >> HALF) ^ c1 ^ k0, second & MASK
        c2, c3 = (first >> HALF) ^ c3 ^ k1, first & MASK
        k0, k1 = (k0 + K0) & MASK, (k1 + K1) & MASK
    return np.int64(c0), np.int64(c1), np.int64(c2), np.int64(c3)
