"""What happens to the flat vectors once a step: rows of gradients are added, then the optimizer moves the parameters.

Each kernel works on one piece of the vectors (the frame's START and COUNT), number by number, so pieces may go to any
thread. The formulas are those of `convlet.learning.optimizers`.

Operands of every optimizer: parameters, gradient, decay, settings (see `settings`), and one address for each slot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import register_jitable

from convlet.kernels.calling.frame import COUNT, START
from convlet.kernels.calling.operands import operand
from convlet.kernels.calling.update import (
    CORRECTION,
    DECOUPLED,
    EPSILON,
    FIRST,
    LEARNING_RATE,
    NESTEROV,
    RATE,
    SECOND,
    WEIGHT_DECAY,
)
from convlet.kernels.target import Target
from convlet.kernels.vectors.intrinsics import float32_at, int64_at

ZERO, ONE = np.float32(0), np.float32(1)


def add_rows(shape: Any, target: Target) -> Callable[..., None]:
    """Operands: rows (R, P), gradient (P,), sizes (R, P, both int64), scale (one float32).

    gradient = scale * (row 0 + row 1 + ...), added in pairs: first neighbours, then sums of two, of four, ...
    """

    def kernel(operands, frame):
        sizes, count = int64_at(operand(operands, frame, 2)), frame[COUNT]
        rows, stride = sizes[0], 4 * sizes[1]
        base = operand(operands, frame, 0) + 4 * frame[START]
        gradient = float32_at(operand(operands, frame, 1) + 4 * frame[START])
        scale = float32_at(operand(operands, frame, 3))[0]
        apart = 1
        while apart < rows:
            for row in range(0, rows - apart, 2 * apart):
                into, other = float32_at(base + row * stride), float32_at(base + (row + apart) * stride)
                for i in range(count):
                    into[i] = into[i] + other[i]
            apart = 2 * apart
        total = float32_at(base)
        for i in range(count):
            gradient[i] = total[i] * scale

    return kernel


def sgd(shape: Any, target: Target) -> Callable[..., None]:
    """Slot: velocity. FIRST is the momentum."""

    def rule(p, g, velocity, s):
        g = g + s[WEIGHT_DECAY] * p
        velocity = s[FIRST] * velocity + g
        return p - s[RATE] * (g + s[FIRST] * velocity if s[NESTEROV] != ZERO else velocity), velocity

    return _one_slot(rule)


def adagrad(shape: Any, target: Target) -> Callable[..., None]:
    """Slot: sum of squares."""

    def rule(p, g, squares, s):
        g = g + s[WEIGHT_DECAY] * p
        squares = squares + g * g
        return p - s[RATE] * (g / (np.sqrt(squares) + s[EPSILON])), squares

    return _one_slot(rule)


def rmsprop(shape: Any, target: Target) -> Callable[..., None]:
    """Slot: mean of squares. SECOND is how much of it stays."""

    def rule(p, g, squares, s):
        g = g + s[WEIGHT_DECAY] * p
        squares = s[SECOND] * squares + (ONE - s[SECOND]) * (g * g)
        return p - s[RATE] * (g / (np.sqrt(squares) + s[EPSILON])), squares

    return _one_slot(rule)


def _one_slot(rule: Any) -> Callable[..., None]:
    move = register_jitable(rule)

    def kernel(operands, frame):
        skip = 4 * frame[START]
        parameters = float32_at(operand(operands, frame, 0) + skip)
        gradient = float32_at(operand(operands, frame, 1) + skip)
        decay, given = float32_at(operand(operands, frame, 2) + skip), float32_at(operand(operands, frame, 3))
        slot = float32_at(operand(operands, frame, 4) + skip)
        rate, weight_decay, first, second, epsilon = given[0], given[1], given[2], given[3], given[4]
        nesterov = given[NESTEROV]
        for i in range(frame[COUNT]):
            settings = (rate, weight_decay * decay[i], first, second, epsilon, nesterov)
            parameters[i], slot[i] = move(parameters[i], gradient[i], slot[i], settings)

    return kernel


def adam(shape: Any, target: Target) -> Callable[..., None]:
    """Slots: mean, mean of squares. FIRST and SECOND are the betas; RATE is already divided by CORRECTION 1.

    DECOUPLED weight decay (AdamW) shrinks the parameters by LEARNING_RATE * WEIGHT_DECAY, else it joins the gradient.
    """

    def kernel(operands, frame):
        skip = 4 * frame[START]
        parameters = float32_at(operand(operands, frame, 0) + skip)
        gradient = float32_at(operand(operands, frame, 1) + skip)
        decay, given = float32_at(operand(operands, frame, 2) + skip), float32_at(operand(operands, frame, 3))
        means = float32_at(operand(operands, frame, 4) + skip)
        squares = float32_at(operand(operands, frame, 5) + skip)
        rate, weight_decay, beta1, beta2, epsilon = given[0], given[1], given[2], given[3], given[4]
        correction, learning_rate = given[CORRECTION], given[LEARNING_RATE]
        joined = ZERO if given[DECOUPLED] != ZERO else weight_decay
        shrink = learning_rate * weight_decay if given[DECOUPLED] != ZERO else ZERO
        for i in range(frame[COUNT]):
            p = parameters[i] - shrink * decay[i] * parameters[i]
            g = gradient[i] + joined * decay[i] * p
            mean = beta1 * means[i] + (ONE - beta1) * g
            square = beta2 * squares[i] + (ONE - beta2) * (g * g)
            means[i], squares[i] = mean, square
            parameters[i] = p - rate * (mean / (np.sqrt(square) / correction + epsilon))

    return kernel
