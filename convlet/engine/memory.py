"""What a network takes of memory and of compilation: refused before anything is allocated or compiled.

NumPy's zeros take memory only when something is written over them. So a network that does not fit could be made, would
train for a while, and would then be ended by the system without a word. What compilation may take is in `first_use`.
"""

from __future__ import annotations

from math import prod
from typing import Any

from convlet.engine.choice import backend_name
from convlet.engine.first_use import check_first_use
from convlet.errors import ArchitectureError
from convlet.layers.base import Shape
from convlet.layers.sequential import Sequential
from convlet.learning.settings import Settings
from convlet.network.layout import Layout, leaves
from convlet.network.word import format_word, without_head
from convlet.system.limits import available_bytes

FLOAT = 4
"""Bytes."""

ENGINE_VECTORS = 3
"""An engine's own vectors as long as the parameters: they, their mean gradient, where weight decay applies."""


def check_training(network: Sequential, input_shape: Shape, settings: Settings, images: int, threads: int) -> None:
    """Refuse a training that does not fit in the memory that is free, or would be compiled for too long.

    Parameters
    ----------
    network : with its head
    images : how many training images there are

    Raises
    ------
    ArchitectureError : the network does not fit the images, its training does not fit the memory, or its kernels take
        too long to compile
    """
    _check_kernels(network, input_shape, (True, False))
    batch = min(settings.batch or images, images)
    slots = len(settings.make_optimizer().new_slots(0))
    kept = (settings.ema_decay > 0) + (settings.patience is not None)  # a running mean, the best epoch
    given = 2 + slots  # the model, and where training could go on: parameters and slots
    vectors = ENGINE_VECTORS + slots + kept + given + _rows(-(-batch // settings.shard), threads)
    training, packed = _workspace(network, input_shape, settings.shard, True)
    inference, _ = _workspace(network, input_shape, settings.shard, False)
    parameters = FLOAT * vectors * Layout(network, input_shape).parameter_count + packed
    what = f"training with a batch of {batch:,} on {_count(threads)}"
    remedy = "use a smaller network, smaller images, a smaller --batch or fewer --threads"
    _check(network, what, parameters, threads * (training + inference), remedy)


def check_prediction(network: Sequential, input_shape: Shape, shard: int, threads: int) -> None:
    """The same for a model that only predicts."""
    _check_kernels(network, input_shape, (False,))
    inference, packed = _workspace(network, input_shape, shard, False)
    parameters = FLOAT * ENGINE_VECTORS * Layout(network, input_shape).parameter_count + packed
    _check(
        network,
        f"predicting on {_count(threads)}",
        parameters,
        threads * inference,
        "use fewer threads or a machine with more",
    )


def _check(network: Sequential, what: str, parameters: int, workspaces: int, remedy: str) -> None:
    free = available_bytes()
    if free is not None and parameters + workspaces > free:
        raise ArchitectureError(
            f"{format_word(without_head(network))}: {what} needs {_size(parameters + workspaces)} of memory "
            f"({_size(parameters)} for parameters and gradients, {_size(workspaces)} for workspaces), "
            f"but {_size(free)} are free; {remedy}"
        )


def _check_kernels(network: Sequential, input_shape: Shape, passes: tuple[bool, ...]) -> None:
    """Refuse a network whose kernels in these passes (True for training) would take too long to compile."""
    if backend_name() != "reference":
        plans = (_plan(network, input_shape, 1, training) for training in passes)
        check_first_use(network, [kernel for plan in plans for kernel in plan.kernels()])


def _plan(network: Sequential, input_shape: Shape, shard: int, training: bool) -> Any:
    """The plan of the compiled engine for shards of this many images."""
    from convlet.engine.lowering import lower

    plan, _, _ = lower(network, input_shape, Layout(network, input_shape), training)
    plan.lay_out(shard)
    plan.emit()
    return plan


def _workspace(network: Sequential, input_shape: Shape, shard: int, training: bool) -> tuple[int, int]:
    """Bytes of each thread's arrays, and of parameters in the kernels' own order."""
    if backend_name() == "reference":  # what its layers keep until the backward pass has read it, and its gradient
        floats = sum(prod(shape) for _, _, _, shape in leaves(network, input_shape))
        return FLOAT * floats * shard * (2 if training else 1), 0
    plan = _plan(network, input_shape, shard, training)
    return plan.workspace_bytes, FLOAT * plan.packed_floats


def _rows(shards: int, threads: int) -> int:
    """Rows of gradients that are there at one time."""
    if backend_name() == "reference":
        return min(shards, 2 * threads) + shards.bit_length()
    from convlet.engine.compiled import MOST_ROWS

    return min(shards, MOST_ROWS)


def _count(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"


def _size(number: int) -> str:
    value, units = number / 2**20, ["MiB", "GiB", "TiB", "PiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:,.1f} {units[0]}"
