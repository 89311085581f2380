"""Softmax cross-entropy from logits z, safe from overflow by taking the largest logit out first.

loss = log(sum over k of e^(z_k - m)) + m - z_label,   m = max z
dz_k = e^(z_k - m) / sum - [k = label]
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convlet.kernels.elementary import exp, log
from convlet.kernels.frame import COUNT, LABELS, LOGITS, LOSSES, NUMBERS, WRONG
from convlet.kernels.operands import operand
from convlet.kernels.shapes import MapShape
from convlet.kernels.simd import float32_at, int64_at, uint8_at
from convlet.kernels.target import Target


def softmax_cross_entropy(shape: MapShape, target: Target) -> Callable[..., None]:
    """Operands: z (n, classes), dz (n, classes); writes the frame's losses and mistakes."""
    classes, z_image, d_image = shape.channels, shape.x.image, shape.y.image
    one = np.float32(1)

    def kernel(operands, frame):
        numbers, labels = int64_at(frame[NUMBERS]), int64_at(frame[LABELS])
        losses, wrong = float32_at(frame[LOSSES]), uint8_at(frame[WRONG])
        for image in range(frame[COUNT]):
            z = float32_at(operand(operands, frame, 0) + 4 * image * z_image)
            dz = float32_at(operand(operands, frame, 1) + 4 * image * d_image)
            label = labels[numbers[image]]
            largest, best = z[0], 0
            for k in range(1, classes):
                if z[k] > largest:
                    largest, best = z[k], k
            for k in range(classes):
                dz[k] = exp(z[k] - largest)
            total = np.float32(0)
            for k in range(classes):
                total = total + dz[k]
            share = one / total
            for k in range(classes):
                dz[k] = dz[k] * share
            dz[label] = dz[label] - one
            losses[image] = np.float32(log(total) + (np.float64(largest) - np.float64(z[label])))
            wrong[image] = best != label

    return kernel


def store_logits(shape: MapShape, target: Target) -> Callable[..., None]:
    """Operands: z (n, classes), copied to the frame's logits."""
    classes, z_image = shape.channels, shape.x.image

    def kernel(operands, frame):
        for image in range(frame[COUNT]):
            z = float32_at(operand(operands, frame, 0) + 4 * image * z_image)
            logits = float32_at(frame[LOGITS] + 4 * image * classes)
            for k in range(classes):
                logits[k] = z[k]

    return kernel
