"""Batch normalisation folded into the weights before it, for inference.

    factor[f] = scale[f] / sqrt(variance[f] + epsilon)
    w'[k, f] = w[k, f] * factor[f],   b'[f] = (b[f] - mean[f]) * factor[f] + shift[f]

k counts taps and channels of a convolution, or inputs of a dense layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from convlet.kernels.calling.operands import operand
from convlet.kernels.shapes import FoldShape
from convlet.kernels.target import Target
from convlet.kernels.vectors.intrinsics import float32_at, fma_scalar


def fold(shape: FoldShape, target: Target) -> Callable[..., None]:
    """Operands: w (K, F), b, scale, shift, mean, variance (F,), folded w (K, F), folded b (F,), and K and F."""
    epsilon = np.float32(shape.epsilon)

    def kernel(operands, frame):
        w, b = float32_at(operand(operands, frame, 0)), float32_at(operand(operands, frame, 1))
        scale, shift = float32_at(operand(operands, frame, 2)), float32_at(operand(operands, frame, 3))
        mean, variance = float32_at(operand(operands, frame, 4)), float32_at(operand(operands, frame, 5))
        folded, biases = float32_at(operand(operands, frame, 6)), float32_at(operand(operands, frame, 7))
        inputs, filters = operand(operands, frame, 8), operand(operands, frame, 9)
        for f in range(filters):
            factor = scale[f] * (np.float32(1.0) / math.sqrt(variance[f] + epsilon))
            for k in range(inputs):
                folded[k * filters + f] = w[k * filters + f] * factor
            biases[f] = fma_scalar(b[f] - mean[f], factor, shift[f])

    return kernel
