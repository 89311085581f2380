"""Batch normalisation: each channel brought to mean 0 and variance 1, then scaled and shifted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from convlet.errors import ArchitectureError
from convlet.layers.base import Array, Arrays, Draws, Layer, Pass, Shape
from convlet.layers.checks import decimal, fraction, times


class Saved(NamedTuple):
    """What backward needs: normal (N, ..., C) is x normalised; the others are per channel (C,)."""

    training: bool
    mean: Array
    variance: Array
    inverse: Array
    normal: Array


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation over all axes but the last.

    y = scale (x - mean) / sqrt(variance + epsilon) + shift

    In training, mean and biased variance are those of the shard; at inference, running ones, which the
    training loop moves by state = momentum * state + (1 - momentum) * (mean of `observed` over the shards). A frozen
    layer uses the running ones in training too: what follows it must see what it will see at inference.

    Parameters
    ----------
    epsilon : added to the variance
    momentum : how much of the running statistics a step keeps

    Arrays: x and y (N, H, W, C) or (N, C); scale, shift and the state mean, variance (C,); all of one
    float type.

    Raises
    ------
    ArchitectureError : a number out of range, or an input without channels

    Source: Ioffe, Szegedy 2015, "Batch normalization", algorithm 1 and section 3.
    """

    epsilon: float = 1e-5
    momentum: float = 0.9

    kind: ClassVar[str] = "batch_norm"

    def __post_init__(self) -> None:
        object.__setattr__(self, "epsilon", fraction("bn epsilon", self.epsilon, 1e-8, 1))
        object.__setattr__(self, "momentum", fraction("bn momentum", self.momentum, 0, 1, least=1e-6))

    def token(self) -> str:
        epsilon = f"e{decimal(self.epsilon)}" if self.epsilon != 1e-5 else ""
        momentum = f"m{decimal(self.momentum)}" if self.momentum != 0.9 else ""
        return f"bn{epsilon}{momentum}"

    def output_shape(self, input_shape: Shape) -> Shape:
        if not input_shape or min(input_shape) < 1:
            raise ArchitectureError(
                f"{self.token()} needs at least one value, but got shape {times(input_shape) or '()'}"
            )
        return input_shape

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return {"scale": input_shape[-1:], "shift": input_shape[-1:]}

    def state_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return {"mean": input_shape[-1:], "variance": input_shape[-1:]}

    def initial_parameters(self, input_shape: Shape, draws: Draws) -> dict[str, Array]:
        channels = input_shape[-1:]
        return {"scale": np.ones(channels, np.float32), "shift": np.zeros(channels, np.float32)}

    def initial_state(self, input_shape: Shape) -> dict[str, Array]:
        channels = input_shape[-1:]
        return {"mean": np.zeros(channels, np.float32), "variance": np.ones(channels, np.float32)}

    def forward(self, x: Array, parameters: Arrays, state: Arrays, run: Pass) -> tuple[Array, Any]:
        if run.observes:
            axes = tuple(range(x.ndim - 1))
            mean, variance = x.mean(axes), x.var(axes)
        else:
            mean, variance = state["mean"], state["variance"]
        inverse = 1 / np.sqrt(variance + self.epsilon)
        normal = (x - mean) * inverse
        y = parameters["scale"] * normal + parameters["shift"]
        return y, Saved(run.observes, mean, variance, inverse, normal)

    def backward(self, dy: Array, saved: Any, parameters: Arrays) -> tuple[Array, dict[str, Array]]:
        """In training, mean and variance depend on x too: dy loses its mean and its part along x.

        training:  dx = scale inverse (dy - mean of dy - normal * mean of (dy normal))
        inference: dx = scale inverse dy
        """
        axes = tuple(range(dy.ndim - 1))
        dscale = (dy * saved.normal).sum(axes)
        dshift = dy.sum(axes)
        dnormal = dy
        if saved.training:
            count = dy.size // dy.shape[-1]
            dnormal = dy - dshift / count - saved.normal * dscale / count
        dx = parameters["scale"] * saved.inverse * dnormal
        return dx, {"scale": dscale, "shift": dshift}

    def observed(self, saved: Any) -> dict[str, Array]:
        return {"mean": saved.mean, "variance": saved.variance}
