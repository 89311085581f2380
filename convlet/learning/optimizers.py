"""Optimizers as frozen descriptions: what one step changes, given the gradient.

Everything here is elementwise float32, so an update of the whole flat vector and updates of its slices give
the same bits. P is the number of parameters. The formulas equal PyTorch's. In them p are the parameters, g is
the gradient, t the step (from 1), and w = weight_decay * decay: `decay` is 1 for weights and 0 for biases and
normalisation, which weight decay leaves out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from convlet.layers.base import Array


@dataclass(frozen=True)
class Optimizer(ABC):
    """The contract of every optimizer.

    Parameters
    ----------
    weight_decay : how strongly weights are pulled towards 0; added to the gradient as w p
    """

    name: ClassVar[str]
    slots: ClassVar[tuple[str, ...]] = ()
    """The names of the flat vectors that live from step to step."""

    weight_decay: float = 0.0

    def new_slots(self, count: int) -> dict[str, Array]:
        """The slots before the first step: float32 zeros (P,) under each name."""
        return {name: np.zeros(count, np.float32) for name in self.slots}

    @abstractmethod
    def update(
        self,
        parameters: Array,
        gradient: Array,
        slots: dict[str, Array],
        learning_rate: float,
        step: int,
        decay: Array,
    ) -> None:
        """Change `parameters` and `slots` in place by one step.

        Parameters
        ----------
        parameters : float32 (P,), changed
        gradient : float32 (P,), mean over the batch, read only
        slots : float32 (P,) under each name of `slots`, changed
        learning_rate : of this step
        step : which step this is, from 1
        decay : float32 (P,), 1 where weight decay applies and 0 elsewhere, read only
        """

    def _decayed(self, parameters: Array, gradient: Array, decay: Array) -> Array:
        """g + w p, or g itself without weight decay; never to be written to."""
        if self.weight_decay == 0:
            return gradient
        return gradient + np.float32(self.weight_decay) * decay * parameters


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

    g = g + w p,   v = momentum v + g,   p = p - learning_rate v
    with Nesterov:                       p = p - learning_rate (g + momentum v)

    Source: Sutskever et al. 2013, "On the importance of initialization and momentum", in the form that keeps
    the learning rate out of v.
    """

    name: ClassVar[str] = "sgd"
    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    momentum: float = 0.9
    nesterov: bool = False

    def update(
        self,
        parameters: Array,
        gradient: Array,
        slots: dict[str, Array],
        learning_rate: float,
        step: int,
        decay: Array,
    ) -> None:
        """See the class and `Optimizer.update`."""
        gradient = self._decayed(parameters, gradient, decay)
        velocity, momentum = slots["velocity"], np.float32(self.momentum)
        velocity *= momentum
        velocity += gradient
        direction = gradient + momentum * velocity if self.nesterov else velocity
        parameters -= np.float32(learning_rate) * direction


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Steps that shrink by the root of all squared gradients so far.

    g = g + w p,   s = s + g**2,   p = p - learning_rate g / (sqrt(s) + epsilon)

    Source: Duchi, Hazan and Singer 2011, "Adaptive subgradient methods", section 1.1, diagonal form.
    """

    name: ClassVar[str] = "adagrad"
    slots: ClassVar[tuple[str, ...]] = ("squares",)

    epsilon: float = 1e-3
    initial_accumulator: float = 0.0

    def new_slots(self, count: int) -> dict[str, Array]:
        """The sum of squares before the first step: `initial_accumulator` everywhere."""
        return {"squares": np.full(count, self.initial_accumulator, np.float32)}

    def update(
        self,
        parameters: Array,
        gradient: Array,
        slots: dict[str, Array],
        learning_rate: float,
        step: int,
        decay: Array,
    ) -> None:
        """See the class and `Optimizer.update`."""
        gradient = self._decayed(parameters, gradient, decay)
        squares = slots["squares"]
        squares += gradient * gradient
        parameters -= np.float32(learning_rate) * (gradient / (np.sqrt(squares) + np.float32(self.epsilon)))


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Steps divided by a running root mean square of the gradient.

    g = g + w p,   s = smoothing s + (1 - smoothing) g**2,   p = p - learning_rate g / (sqrt(s) + epsilon)

    Source: Tieleman and Hinton 2012, "Lecture 6.5: rmsprop".
    """

    name: ClassVar[str] = "rmsprop"
    slots: ClassVar[tuple[str, ...]] = ("squares",)

    smoothing: float = 0.99
    epsilon: float = 1e-8

    def update(
        self,
        parameters: Array,
        gradient: Array,
        slots: dict[str, Array],
        learning_rate: float,
        step: int,
        decay: Array,
    ) -> None:
        """See the class and `Optimizer.update`."""
        gradient = self._decayed(parameters, gradient, decay)
        squares = slots["squares"]
        squares *= np.float32(self.smoothing)
        squares += np.float32(1 - self.smoothing) * (gradient * gradient)
        parameters -= np.float32(learning_rate) * (gradient / (np.sqrt(squares) + np.float32(self.epsilon)))


@dataclass(frozen=True)
class Adam(Optimizer):
    """Running means of the gradient and of its square, both corrected for their start at 0.

    g = g + w p
    m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g**2
    p = p - learning_rate / (1 - beta1**t)  m / (sqrt(v) / sqrt(1 - beta2**t) + epsilon)

    Source: Kingma and Ba 2015, "Adam", algorithm 1.
    """

    name: ClassVar[str] = "adam"
    slots: ClassVar[tuple[str, ...]] = ("mean", "squares")

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def update(
        self,
        parameters: Array,
        gradient: Array,
        slots: dict[str, Array],
        learning_rate: float,
        step: int,
        decay: Array,
    ) -> None:
        """See the class and `Optimizer.update`."""
        self._step(parameters, self._decayed(parameters, gradient, decay), slots, learning_rate, step)

    def _step(
        self, parameters: Array, gradient: Array, slots: dict[str, Array], learning_rate: float, step: int
    ) -> None:
        mean, squares = slots["mean"], slots["squares"]
        mean *= np.float32(self.beta1)
        mean += np.float32(1 - self.beta1) * gradient
        squares *= np.float32(self.beta2)
        squares += np.float32(1 - self.beta2) * (gradient * gradient)
        size = np.float32(learning_rate / (1 - self.beta1**step))
        root = np.float32(sqrt(1 - self.beta2**step))
        parameters -= size * (mean / (np.sqrt(squares) / root + np.float32(self.epsilon)))


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weight decay beside the gradient instead of in it.

    p = p (1 - learning_rate w), then Adam's step without weight decay

    Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization", algorithm 2.
    """

    name: ClassVar[str] = "adamw"

    def update(
        self,
        parameters: Array,
        gradient: Array,
        slots: dict[str, Array],
        learning_rate: float,
        step: int,
        decay: Array,
    ) -> None:
        """See the class and `Optimizer.update`."""
        if self.weight_decay:
            parameters *= 1 - np.float32(learning_rate * self.weight_decay) * decay
        self._step(parameters, gradient, slots, learning_rate, step)


OPTIMIZERS: dict[str, type[Optimizer]] = {kind.name: kind for kind in (SGD, Adagrad, RMSprop, Adam, AdamW)}
"""Every optimizer by its name."""
