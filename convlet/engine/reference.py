"""The engine that runs the layers' own NumPy definitions: what the compiled one is compared with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread
from typing import Any, NamedTuple, TypeVar

import numpy as np

from convlet import random
from convlet.engine.engine import Engine
from convlet.kernels.compiler.interrupts import interrupts_held
from convlet.layers.base import Array, Pass, Shape
from convlet.learning.augmenting import Shown, show
from convlet.learning.losses import softmax_cross_entropy
from convlet.learning.optimizers import Optimizer
from convlet.network.layout import dropout_streams

Result = TypeVar("Result")


class Share(NamedTuple):
    """What one shard adds to a step.

    gradient (P,) and observed (S,) are float32; loss is the sum over the shard's images, wrong the number of
    images whose largest logit is not their label's.
    """

    gradient: Array
    observed: Array
    loss: float
    wrong: int


class Goal(NamedTuple):
    """The targets of a shard's images: labels, weights and mixed labels, as in `softmax_cross_entropy`."""

    labels: Array
    weights: Array | None
    mixed: tuple[Array, Array] | None


class PairwiseSum:
    """Rows added in a tree that depends on their number and order alone.

    Neighbours of equal weight are added as soon as both are there: ((r0 + r1) + (r2 + r3)) + r4. At most
    log2(rows) + 1 rows are kept.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[int, Array]] = []

    def add(self, row: Array) -> None:
        """Take the next row, float32 (K,); it may be written to from now on."""
        weight = 1
        while self._kept and self._kept[-1][0] == weight:
            row, weight = self._join(self._kept.pop()[1], row), 2 * weight
        self._kept.append((weight, row))

    def total(self) -> Array:
        """The sum of all rows, float32 (K,); at least one must have been added."""
        _, row = self._kept.pop()
        while self._kept:
            row = self._join(self._kept.pop()[1], row)
        return row

    @staticmethod
    def _join(left: Array, right: Array) -> Array:
        left += right
        return left


class ReferenceEngine(Engine):
    """Runs each shard through the network's own forward and backward, shards side by side on threads.

    The parameters are those of `Engine`. Every shard has its own arrays, and what the shards give is added in
    a fixed tree, so the number of threads never changes a result.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._parameters = self.layout.views(self.parameters)
        self._state = self.layout.state_views(self.state)
        self._decay = self.decay_mask()
        self._momentum = self.layout.state_momentum(self.network, self.input_shape)
        self._streams = dropout_streams(self.network, self.input_shape)

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
        """See `Engine.gradients`."""
        starts = list(range(0, len(batch), self.shard))

        def work(start: int) -> Share:
            numbers = batch[start : start + self.shard]
            with np.errstate(all="ignore"):  # each thread has its own; the largest pixels overflow
                shown = self._show(images, batch, identities, slice(start, start + self.shard), epoch, position)
            own = None if weights is None else weights[numbers]
            mixed = (labels[shown.partners], shown.shares) if self.augmentation.cutmix else None
            return self._share(shown.images, Goal(labels[numbers], own, mixed), epoch, position + start)

        gradient, observed = PairwiseSum(), PairwiseSum()
        loss, wrong = 0.0, 0
        with np.errstate(all="ignore"):  # a diverging training overflows; the loop finds that afterwards
            for share in self._in_order(work, starts):
                gradient.add(share.gradient)
                observed.add(share.observed)
                loss += share.loss
                wrong += share.wrong
            np.divide(gradient.total(), np.float32(len(batch)), out=self.gradient)
            self._follow(observed.total() / np.float32(len(starts)))
        return loss, wrong

    def update(self, optimizer: Optimizer, slots: dict[str, Array], learning_rate: float, step: int) -> None:
        """See `Engine.update`."""
        with self.fixed():
            optimizer.update(self.parameters, self.gradient, slots, learning_rate, step, self._decay)

    def logits(self, images: Array) -> Array:
        """See `Engine.logits`."""

        def work(start: int) -> Array:
            with np.errstate(all="ignore"):
                x = self.preprocessing.apply(images[start : start + self.shard])
                return self.network.forward(x, self._parameters, self._state, Pass())[0]

        classes = self.network.output_shape(self.input_shape)[-1]
        logits = np.empty((len(images), classes), np.float32)
        starts = list(range(0, len(images), self.shard))
        for start, part in zip(starts, self._in_order(work, starts), strict=True):
            logits[start : start + self.shard] = part
        return logits

    def close(self) -> None:
        """See `Engine.close`; threads end with each call."""

    def _show(
        self, images: Array, batch: Array, identities: Array | None, shard: slice, epoch: int, position: int
    ) -> Shown:
        """A shard's images as the first layer gets them."""
        if self.augmentation:
            return show(
                *(self.augmentation, self.preprocessing, images, batch, shard),
                seed=self.seed,
                epoch=epoch,
                position=position,
                identities=identities,
            )
        numbers = batch[shard]
        return Shown(self.preprocessing.apply(images[numbers]), numbers, np.ones(len(numbers), np.float32))

    def _share(self, x: Array, goal: Goal, epoch: int, position: int) -> Share:
        """One shard forward and backward; position is the place of its first image in the epoch."""
        positions = position + np.arange(len(x))

        def uniform(path: tuple[int, ...], shape: Shape) -> Array:
            return random.uniform_images(
                positions,
                shape[1:],
                seed=self.seed,
                purpose=random.DROPOUT,
                stream=self._streams[path],
                epoch=epoch,
            )

        gradient = np.zeros(self.layout.parameter_count, np.float32)
        observed = np.zeros(self.layout.state_count, np.float32)
        with np.errstate(all="ignore"):
            run = Pass(training=True, uniform=uniform, frozen=self.frozen)
            logits, saved = self.network.forward(x, self._parameters, self._state, run)
            losses, dlogits = softmax_cross_entropy(logits, goal.labels, goal.weights, self.smoothing, goal.mixed)
            _, gradients = self.network.backward(dlogits, saved, self._parameters)
            for name, values in self.layout.views(gradient).items():
                values[...] = gradients[name]
            gradient[: self.fixed_parameters] = 0
            for name, values in self.layout.state_views(observed).items():
                values[...] = self.network.observed(saved)[name]
            loss = float(losses.sum(dtype=np.float64))
        return Share(gradient, observed, loss, int(np.count_nonzero(logits.argmax(axis=1) != goal.labels)))

    def _follow(self, seen: Array) -> None:
        """state = momentum state + (1 - momentum) seen, for seen (S,): the mean over the step's shards."""
        state, momentum = self.state[self.fixed_state :], self._momentum[self.fixed_state :]
        state *= momentum
        state += (1 - momentum) * seen[self.fixed_state :]

    def _in_order(self, work: Callable[[int], Result], starts: list[int]) -> Iterator[Result]:
        """The results of `work` in the order of `starts`, a few at a time so that few are kept."""
        group = 2 * self.threads
        for first in range(0, len(starts), group):
            own = starts[first : first + group]
            yield from map(work, own) if self.threads == 1 or len(own) == 1 else self._side_by_side(work, own)

    def _side_by_side(self, work: Callable[[int], Result], starts: list[int]) -> Iterator[Result]:
        """The results in order; whatever is raised, no thread is at work any more when it leaves."""
        left, found = deque(enumerate(starts)), dict[int, Result]()
        failed: list[BaseException] = []

        def take() -> None:
            while True:
                try:
                    number, start = left.popleft()
                except IndexError:
                    return
                found[number] = work(start)

        def help_out() -> None:
            try:
                take()
            except BaseException as error:
                failed.append(error)

        helpers: list[Thread] = []
        try:
            # where the system refuses a thread, those there are do the work
            with suppress(RuntimeError, MemoryError), interrupts_held():
                for number in range(1, min(self.threads, len(starts))):
                    helper = Thread(target=help_out, daemon=True, name=f"convlet-{number}")
                    helper.start()
                    helpers.append(helper)
            take()
        finally:
            left.clear()
            for helper in helpers:
                helper.join()
        if failed:
            raise failed[0]
        for number in range(len(starts)):
            yield found.pop(number)
