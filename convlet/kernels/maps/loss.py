"""Softmax cross-entropy from logits z, safe from overflow by taking the largest logit out first.

loss = w (log(sum over k of e^(z_k - m)) - sum over k of t_k (z_k - m)),   m = max z
dz_k = w (e^(z_k - m) / sum - t_k),   t_k = (1 - s) (a [k = label] + (1 - a) [k = other label]) + s / K

w is the image's weight, s the label smoothing. Where a part of another image was pasted in, a is the share that is its
own; else a is 1. The loss is NaN if a logit is not finite.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convlet.kernels.calling.frame import COUNT, LABELS, LOGITS, LOSSES, NUMBERS, WEIGHTS, WRONG
from convlet.kernels.calling.operands import operand
from convlet.kernels.shapes import MIX_BYTES, MapShape
from convlet.kernels.target import Target
from convlet.kernels.vectors.elementary import exp, log
from convlet.kernels.vectors.intrinsics import float32_at, int64_at, uint8_at


def softmax_cross_entropy(shape: MapShape, target: Target) -> Callable[..., None]:
    """Operands: z (n, classes), dz (n, classes), and with the function "mixed" how labels are mixed (n, MIX_BYTES).

    Writes the frame's losses and mistakes. The shape's number is s.
    """
    classes, z_image, d_image = shape.channels, shape.x.image, shape.y.image
    one, sure, spread = np.float32(1), np.float32(1 - shape.number), np.float32(shape.number / shape.channels)
    smooth, mixes = shape.number > 0, shape.function == "mixed"

    def kernel(operands, frame):
        numbers, labels = int64_at(frame[NUMBERS]), int64_at(frame[LABELS])
        weights = float32_at(frame[WEIGHTS])
        losses, wrong = float32_at(frame[LOSSES]), uint8_at(frame[WRONG])
        for image in range(frame[COUNT]):
            z = float32_at(operand(operands, frame, 0) + 4 * image * z_image)
            dz = float32_at(operand(operands, frame, 1) + 4 * image * d_image)
            label, weight = labels[numbers[image]], weights[numbers[image]]
            largest, best = z[0], 0
            for k in range(1, classes):
                if z[k] > largest:
                    largest, best = z[k], k
            for k in range(classes):
                dz[k] = exp(z[k] - largest)
            total, spoil = np.float32(0), np.float32(0)
            for k in range(classes):
                total = total + dz[k]
                spoil = spoil + z[k] * np.float32(0)
            share = one / total
            for k in range(classes):
                dz[k] = dz[k] * share - spread if smooth else dz[k] * share
            own, other = one, label
            if mixes:
                mix = operand(operands, frame, 2) + image * MIX_BYTES
                own, other = float32_at(mix + 8)[0], labels[int64_at(mix)[0]]
                dz[other] = dz[other] - (sure - sure * own)
            dz[label] = dz[label] - sure * own
            for k in range(classes):
                dz[k] = dz[k] * weight
            below = np.float64(largest) - np.float64(z[label])
            if mixes:
                below = np.float64(own) * below + np.float64(one - own) * (np.float64(largest) - np.float64(z[other]))
            if smooth:
                fall = 0.0
                for k in range(classes):
                    fall = fall + (np.float64(largest) - np.float64(z[k]))
                below = np.float64(sure) * below + np.float64(spread) * fall
            losses[image] = np.float32(weight * (log(total) + below)) + spoil
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
