"""The running mean of the parameters over the steps of a training: steadier than where the last step left them."""

from __future__ import annotations

import numpy as np

from convlet.layers.base import Array


class RunningMean:
    """mean = d mean + (1 - d) value after step t,  d = min(decay, (1 + t) / (10 + t))

    The first steps count less than the plain rule would let them, so the mean is not tied to where training began.

    Parameters
    ----------
    decay : from 0 to below 1
    vectors : float32 arrays to follow; their values are where the means begin

    Source: Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging", in the exponential
    form that is in common use.
    """

    def __init__(self, decay: float, *vectors: Array) -> None:
        self.decay = decay
        self.means = tuple(vector.copy() for vector in vectors)
        self._room = tuple(np.empty_like(vector) for vector in vectors)

    def follow(self, step: int, *vectors: Array) -> None:
        """Take in the vectors, float32, of the same lengths as before, after step `step` (from 1)."""
        share = np.float32(1 - min(self.decay, (1 + step) / (10 + step)))
        # a diverging training overflows; the loop finds that in the loss or the gradient
        with np.errstate(all="ignore"):
            for mean, room, vector in zip(self.means, self._room, vectors, strict=True):
                np.subtract(vector, mean, out=room)
                room *= share
                mean += room
