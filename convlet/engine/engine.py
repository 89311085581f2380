"""What the training loop asks of an engine: the mean gradient of a batch, an update, and logits.

Two engines keep this contract: `reference` runs the layers' own NumPy definitions, `compiled` runs the
same network through compiled kernels. Both cut a batch into shards of a fixed size, give each shard its own
row of gradients and add the rows in a fixed tree, so the number of threads never changes a result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from convlet.layers.base import Array, Shape
from convlet.learning.augmentation import Augmentation
from convlet.network.layout import Layout

if TYPE_CHECKING:
    from convlet.kernels.compiler.kernel import Kernel
    from convlet.layers.sequential import Sequential
    from convlet.learning.optimizers import Optimizer
    from convlet.learning.preprocessing import Preprocessing


class Engine(ABC):
    """A network made ready to train and predict on one kind of images.

    Attributes
    ----------
    layout : where each named parameter and state array lies in the flat vectors
    parameters, gradient : float32 (P,); others write `parameters` through `load` only, and `gradient` at any time
    state : float32 (S,), running statistics; as `parameters`
    frozen : layers from the front that do not learn: no step changes a bit of their parameters or running statistics,
        and their batch normalisation uses the running statistics in training too
    fixed_parameters, fixed_state : how many numbers of `parameters` and of `state` those layers have
    """

    def __init__(
        self,
        network: Sequential,
        input_shape: Shape,
        preprocessing: Preprocessing,
        *,
        shard: int,
        threads: int,
        seed: int,
        smoothing: float = 0.0,
        augmentation: Augmentation = Augmentation(),  # noqa: B008 - frozen
        frozen: int = 0,
    ) -> None:
        self.network = network
        self.input_shape = input_shape
        self.preprocessing = preprocessing
        self.shard = shard
        self.threads = threads
        self.seed = seed
        self.smoothing = smoothing
        self.augmentation = augmentation
        self.frozen = frozen
        self.layout = Layout(network, input_shape)
        self.fixed_parameters, self.fixed_state = self.layout.front(frozen)
        self.parameters = np.zeros(self.layout.parameter_count, np.float32)
        self.gradient = np.zeros(self.layout.parameter_count, np.float32)
        self.state = self.layout.initial_state(network, input_shape)

    def load(self, parameters: Array, state: Array | None = None) -> None:
        """Let these be the parameters, float32 (P,), and the running statistics, float32 (S,), from here on."""
        self.parameters[:] = parameters
        if state is not None:
            self.state[:] = state

    @abstractmethod
    def gradients(
        self,
        images: Array,
        labels: Array,
        batch: Array,
        *,
        epoch: int,
        position: int,
        weights: Array | None = None,
        identities: Array | None = None,
    ) -> tuple[float, int]:
        """Forward and backward over one batch.

        Leaves the mean gradient over the batch in `gradient`, 0 for frozen layers, and lets `state` follow what the
        batch showed.

        Parameters
        ----------
        images : (n, H, W, C) uint8 or float32, the whole training set
        labels : (n,) int64
        batch : (b,) int64, numbers of this step's images, any b >= 1
        epoch, position : which epoch, and the place of the batch's first image in it; they key dropout and augmentation
        weights : (n,) float32, how much each image counts; None for 1 each
        identities : (b,) int64, numbers of this step's images in the whole training set, where `images` holds only a
            part of it; None for `batch`

        Returns
        -------
        The sum of the images' weighted losses and the number of images whose largest logit is not their label's.
        """

    def decay_mask(self) -> Array:
        """Float32 (P,): 1 where weight decay applies, so nowhere in frozen layers, and 0 elsewhere."""
        mask = self.layout.decay_mask()
        mask[: self.fixed_parameters] = 0
        return mask

    @contextmanager
    def fixed(self) -> Iterator[None]:
        """Give frozen parameters their bits back: no gradient moves them, but a denormal number may become zero."""
        before = self.parameters[: self.fixed_parameters].copy()
        yield
        self.parameters[: self.fixed_parameters] = before

    @abstractmethod
    def update(self, optimizer: Optimizer, slots: dict[str, Array], learning_rate: float, step: int) -> None:
        """Let `optimizer` change `parameters` by `gradient`; step counts from 1."""

    @abstractmethod
    def logits(self, images: Array) -> Array:
        """Float32 (n, classes) logits of images (n, H, W, C), uint8 or float32, in inference mode."""

    def kernels(self, images: Array, optimizer: Optimizer) -> list[Kernel]:
        """The compiled kernels that training on such images and predicting run; none for NumPy definitions."""
        return []

    @abstractmethod
    def close(self) -> None:
        """Let go of threads and workspaces."""
