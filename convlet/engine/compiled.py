"""The compiled engine: a network's plan run by threads, each taking whole shards through all layers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from convlet.engine.engine import Engine
from convlet.engine.lowering import lower
from convlet.engine.plan import Operand, Part, Plan, Step, Value
from convlet.engine.program import WALK, WALK_NUMBERS, Task
from convlet.engine.workers import MEETING, Workers
from convlet.kernels import tuned
from convlet.kernels.calling import frame, update
from convlet.kernels.calling import task as task_fields
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.shapes import MIX_BYTES, AugmentShape, Grid, MapShape
from convlet.layers.base import Array
from convlet.learning.augmenting import CONTROL_POINTS, spline
from convlet.learning.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

MOST_ROWS = 64
"""Rows of gradients: where a batch has more shards, a row takes several, so memory stays bounded."""


class CompiledEngine(Engine):
    """See `Engine`; the same network through compiled kernels."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.workers = Workers(self.threads)
        self.decay = self.decay_mask()
        self._classes = int(np.prod(self.network.output_shape(self.input_shape)))
        self._momentum = self.layout.state_momentum(self.network, self.input_shape)
        width, _channels = self.input_shape[1:]
        self._scale = np.tile(np.asarray(self.preprocessing.scale, np.float32), width)
        self._offset = np.tile(np.asarray(self.preprocessing.offset, np.float32), width)
        self._splines = [spline(side) for side in self.input_shape[:2]]
        self._training: dict[str, Task] = {}
        self._inference: dict[str, Task] = {}
        self._ready: set[Task] = set()
        self._rows = np.zeros((0, self.layout.parameter_count), np.float32)
        self._reduce: tuple[Task, Array, Array] | None = None
        self._updates: dict[tuple[Any, ...], tuple[Task, Array]] = {}
        self._observed = np.zeros((0, self.layout.state_count), np.float32)
        self._losses, self._wrong = np.zeros(0, np.float32), np.zeros(0, np.uint8)
        self._ones = np.zeros(0, np.float32)

    def load(self, parameters: Array, state: Array | None = None) -> None:
        """See `Engine.load`."""
        self._ready.clear()
        super().load(parameters, state)

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
        task = self._task(images, training=True)
        count = len(batch)
        shards = -(-count // self.shard)
        rows = min(shards, MOST_ROWS)
        self._make_room(count, shards, rows)
        batch = np.ascontiguousarray(batch, np.int64)
        identities = batch if identities is None else np.ascontiguousarray(identities, np.int64)
        self._make_ready(task)
        if weights is None:
            weights = self._ones = self._ones if len(self._ones) == len(labels) else np.ones(len(labels), np.float32)
        task.set_frames(
            {
                frame.IMAGES: images.ctypes.data,
                frame.LABELS: labels.ctypes.data,
                frame.WEIGHTS: weights.ctypes.data,
                frame.BATCH: count,
                frame.BATCH_NUMBERS: batch.ctypes.data,
                frame.IDENTITIES: identities.ctypes.data,
                frame.BATCH_POSITION: position,
                frame.EPOCH: epoch,
                frame.SEED: int(np.uint64(self.seed).astype(np.int64)),
            }
        )
        task.run(
            self.workers,
            rows,
            shards=shards,
            batch=count,
            gradients=self._rows.ctypes.data,
            numbers=batch.ctypes.data,
            losses=self._losses.ctypes.data,
            wrong=self._wrong.ctypes.data,
            position=position,
            observed=self._observed.ctypes.data,
        )
        self._add_rows(rows, count)
        self._follow(shards)
        return float(self._losses[:count].sum(dtype=np.float64)), int(self._wrong[:count].sum())

    def update(self, optimizer: Optimizer, slots: dict[str, Array], learning_rate: float, step: int) -> None:
        """See `Engine.update`."""
        key = (optimizer.name, *(array.ctypes.data for array in slots.values()))
        if key not in self._updates:
            self._updates[key] = self._update_task(optimizer, slots)
        task, given = self._updates[key]
        given[:] = optimizer_settings(optimizer, learning_rate, step)
        self._ready.clear()
        with self.fixed():
            self._run_pieces(task)

    def logits(self, images: Array) -> Array:
        """See `Engine.logits`."""
        task = self._task(images, training=False)
        self._make_ready(task)
        count, classes = len(images), self._classes
        result = np.empty((count, classes), np.float32)
        numbers = np.arange(count, dtype=np.int64)
        images = np.ascontiguousarray(images)
        task.set_frames({frame.IMAGES: images.ctypes.data})
        shards = -(-count // self.shard)
        task.run(
            self.workers,
            shards,
            shards=shards,
            batch=count,
            numbers=numbers.ctypes.data,
            logits=result.ctypes.data,
            logit_floats=classes,
        )
        return result

    def kernels(self, images: Array, optimizer: Optimizer) -> list[Kernel]:
        """See `Engine.kernels`."""
        plans = [self._plan(images, training) for training in (True, False)]
        own = [kernel for plan, steps in plans for kernel, _ in [*steps, *plan.packs]]
        meeting = [Kernel(name) for name in MEETING]
        return [*own, Kernel("add_rows"), update_kernel(optimizer), WALK, WALK_NUMBERS, *meeting]

    def close(self) -> None:
        """See `Engine.close`."""
        self.workers.close()

    def _make_ready(self, task: Task) -> None:
        """Parameters in the kernels' own order, batch normalisation folded in at inference: once after each change."""
        if task not in self._ready:
            task.prepare()
            self._ready.add(task)

    def _task(self, images: Array, training: bool) -> Task:
        """The program for this kind of pixels, made when it is first needed."""
        kind = gather_kernel(images)
        tasks = self._training if training else self._inference
        if kind not in tasks:
            tasks[kind] = self._make_task(images, training)
        return tasks[kind]

    def _plan(self, images: Array, training: bool) -> tuple[Plan, list[Step]]:
        """The plan for this kind of pixels, and all steps of a walk through it."""
        plan, pixels, logits = lower(self.network, self.input_shape, self.layout, training, self.frozen)
        changed = self._augment_shape(pixels) if training and self.augmentation else None
        rooms = [plan.blob(0, 4 * changed.scratch_floats), plan.blob(MIX_BYTES)] if changed else []
        plan.lay_out(self.shard)
        h, w, c = pixels.shape
        grid = pixels.data.grid
        operands = [pixels.data.at(), (frame.ZERO, self._scale.ctypes.data), (frame.ZERO, self._offset.ctypes.data)]
        start = Kernel(gather_kernel(images), MapShape(h, w, c, Grid(w * c, h * w * c, c), grid)), operands
        if changed:
            operands += [(frame.ZERO, spline.ctypes.data) for spline in self._splines]
            start = Kernel(gather_kernel(images, "augment"), changed), operands + [room.at() for room in rooms]
        plan.emit()
        loss = self._loss(logits, training, [room.at() for room in rooms[1:] if self.augmentation.cutmix])
        return plan, [start, *plan.forward, loss, *plan.backward]

    def _make_task(self, images: Array, training: bool) -> Task:
        plan, steps = self._plan(images, training)
        task = Task(steps, WALK, self.threads, plan.workspace_bytes)
        task.parts = [Part("gather"), *plan.forward_parts, Part("loss"), *plan.backward_parts]
        values = {
            frame.PARAMETERS: self.parameters.ctypes.data,
            frame.STATE: self.state.ctypes.data,
        }
        task.set_frames(values | {frame.PACKED: task.pack(plan, values)})
        task.fields[task_fields.SHARD], task.fields[task_fields.GROUP] = self.shard, plan.group
        if training:
            task.fields[task_fields.GRADIENT_FLOATS] = self.layout.parameter_count
            task.fields[task_fields.OBSERVED_FLOATS] = self.layout.state_count
        return task

    def _augment_shape(self, pixels: Value) -> AugmentShape:
        return AugmentShape(*pixels.shape, pixels.data.grid, **asdict(self.augmentation), points=CONTROL_POINTS)

    def _loss(self, logits: Value, training: bool, mixes: list[Operand]) -> Step:
        classes = logits.numbers
        x, dx = Grid(classes, logits.data.floats, classes), Grid(classes, logits.gradient.floats, classes)
        if training:
            shape = MapShape(1, 1, classes, x, dx, function="mixed" if mixes else "", number=self.smoothing)
            return Kernel("softmax_cross_entropy", shape), [logits.data.at(), logits.gradient.at(), *mixes]
        return Kernel("store_logits", MapShape(1, 1, classes, x, dx)), [logits.data.at()]

    def _make_room(self, count: int, shards: int, rows: int) -> None:
        """Grow what a batch needs; only the first, or a larger, batch allocates.

        What is looked at here is set last, so an exception in between leaves nothing too small.
        """
        if len(self._losses) < count:
            self._wrong = np.zeros(count, np.uint8)
            self._losses = np.zeros(count, np.float32)
        if len(self._observed) < shards:
            self._observed = np.zeros((shards, self.layout.state_count), np.float32)
        if len(self._rows) < rows:
            self._reduce = None  # it holds the address of the old rows
            self._rows = np.zeros((rows, self.layout.parameter_count), np.float32)

    def _add_rows(self, rows: int, count: int) -> None:
        """The mean gradient from the rows, added in a fixed tree."""
        if self._reduce is None:
            sizes, scale = np.zeros(2, np.int64), np.zeros(1, np.float32)
            operands: list[Operand] = [
                (frame.ZERO, array.ctypes.data) for array in (self._rows, self.gradient, sizes, scale)
            ]
            task = self._pieces([(Kernel("add_rows"), operands)])
            self._reduce = (task, sizes, scale)
        task, sizes, scale = self._reduce
        sizes[:] = rows, self.layout.parameter_count
        scale[0] = np.float32(1.0 / count)
        self._run_pieces(task)

    def _follow(self, shards: int) -> None:
        """state = momentum * state + (1 - momentum) * mean over the shards of what they observed."""
        if not self.layout.state_count:
            return
        total = np.zeros_like(self.state)
        self._ready.clear()
        with np.errstate(all="ignore"):  # of a diverging training; the loop finds what is not finite after the epoch
            for row in self._observed[:shards]:
                total += row
            mean = total / np.float32(shards)
            followed = self._momentum * self.state + (1 - self._momentum) * mean
        self.state[self.fixed_state :] = followed[self.fixed_state :]

    def _update_task(self, optimizer: Optimizer, slots: dict[str, Array]) -> tuple[Task, Array]:
        given = np.zeros(update.SETTINGS, np.float32)
        arrays = [self.parameters, self.gradient, self.decay, given, *slots.values()]
        return self._pieces([(update_kernel(optimizer), [(frame.ZERO, array.ctypes.data) for array in arrays])]), given

    def _pieces(self, steps: list[Step]) -> Task:
        task = Task(steps, WALK_NUMBERS, self.threads, 0)
        task.fields[task_fields.SHARD] = tuned.PIECE_FLOATS
        task.fields[task_fields.BATCH] = self.layout.parameter_count
        return task

    def _run_pieces(self, task: Task) -> None:
        """Short vectors are not worth waking the other threads for."""
        pieces = -(-self.layout.parameter_count // tuned.PIECE_FLOATS)
        workers = self.workers if pieces >= tuned.PIECES_WORTH_SHARING else ALONE
        task.run(workers, pieces)


ALONE = Workers(1)


def gather_kernel(images: Array, name: str = "gather") -> str:
    """The name of the kernel that reads such pixels."""
    return f"{name}_bytes" if images.dtype == np.uint8 else f"{name}_floats"


def update_kernel(optimizer: Optimizer) -> Kernel:
    """The kernel that runs an optimizer's rule."""
    return Kernel("adam" if isinstance(optimizer, Adam) else optimizer.name)


def optimizer_settings(optimizer: Optimizer, learning_rate: float, step: int) -> Array:
    """The numbers an update kernel reads, in the order of `convlet.kernels.calling.update`."""
    values = np.zeros(update.SETTINGS, np.float64)
    values[update.RATE] = values[update.LEARNING_RATE] = learning_rate
    values[update.WEIGHT_DECAY] = optimizer.weight_decay
    match optimizer:
        case SGD():
            values[update.FIRST], values[update.NESTEROV] = optimizer.momentum, optimizer.nesterov
        case Adagrad():
            values[update.EPSILON] = optimizer.epsilon
        case RMSprop():
            values[update.SECOND], values[update.EPSILON] = optimizer.smoothing, optimizer.epsilon
        case Adam():
            values[update.FIRST], values[update.SECOND] = optimizer.beta1, optimizer.beta2
            values[update.EPSILON] = optimizer.epsilon
            values[update.RATE] = learning_rate / (1 - optimizer.beta1**step)
            values[update.CORRECTION] = np.sqrt(1 - optimizer.beta2**step)
            values[update.DECOUPLED] = isinstance(optimizer, AdamW)
    return values.astype(np.float32)
