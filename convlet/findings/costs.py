"""What each layer of a network costs: shapes, parameters, memory, multiply-adds and measured time."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter

import numpy as np

from convlet.data.dataset import Array, Dataset
from convlet.engine.choice import backend_name
from convlet.findings.bounds import TIMED_BYTES, Timed, timed
from convlet.layers import Pass
from convlet.layers.sequential import under_prefix
from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.network.costs import describe
from convlet.network.trace_cost import trace_bytes
from convlet.records.findings import Costs

Seconds = list[tuple[tuple[int, ...], float | None, float | None]]
"""The layers of each group, and the seconds of an image forward and backward; None for what was not measured."""


def costs(model: Model, data: Dataset) -> Costs:
    """What each layer costs: "rows", and whether they are of the "compiled" engine.

    Rows have the tokens, output shape, parameters, bytes of activations and multiply-adds of a layer, or of several
    where one kernel does them together, and the seconds of one image of a training step on one thread, forward and
    backward; a flatten that nothing has to be done for has none.
    Without compiled kernels backward is None and forward that of the layer's own definition. Of a network or images so
    large that one image takes too much time or memory, both are None.
    """
    rows = describe(model.network, model.input_shape)
    step = timed(model, len(data.train))
    if step is None:
        groups: Seconds = [((number,), None, None) for number in range(len(rows))]
    elif backend_name() == "compiled":
        groups = _compiled_seconds(model, data, step)
    else:
        fit = max(1, TIMED_BYTES // trace_bytes(model.network, model.input_shape))
        groups = _definition_seconds(model, data.test.images[: min(step.batch, fit)])
    return {
        "compiled": step is not None and backend_name() == "compiled",
        "rows": [
            {
                "token": "-".join(rows[number]["token"] for number in numbers),
                "output_shape": rows[numbers[-1]]["output_shape"],
                "parameters": sum(rows[number]["parameters"] for number in numbers),
                "activation_bytes": sum(rows[number]["activation_bytes"] for number in numbers),
                "multiply_adds": sum(rows[number]["multiply_adds"] for number in numbers),
                "forward_seconds": forward,
                "backward_seconds": backward,
            }
            for numbers, forward, backward in groups
        ],
    }


def _compiled_seconds(model: Model, data: Dataset, step: Timed) -> Seconds:
    """Of a training step of the compiled engine on one thread."""
    from convlet.measure.profile import ProfiledEngine

    engine = ProfiledEngine(*(model.network, model.input_shape, model.preprocessing), shard=step.shard, seed=0)
    batch = np.arange(step.batch, dtype=np.int64)
    try:
        engine.load(model.parameters, model.state)
        optimizer = Settings.from_dict(model.settings).make_optimizer()
        profile = engine.profile(data.train.images[batch], data.train.labels[batch], batch, optimizer)
    finally:
        engine.close()

    def seconds(number: int, forward: bool) -> float:
        own = [item for item in profile.timed if item.layer == number and (item.part == "forward") == forward]
        return sum(item.seconds for item in own) / len(batch)

    return [(numbers, seconds(owner, True), seconds(owner, False)) for owner, numbers in profile.covered.items()]


def _definition_seconds(model: Model, images: Array) -> Seconds:
    """Each layer by itself, and the median seconds of an image in its NumPy definition."""
    network, arrays = model.network, model.arrays()
    times = np.zeros((5, len(network.layers)))
    for repeat in times:
        y = model.preprocessing.apply(images)
        marks = [perf_counter()]
        for prefix, layer in zip(network.prefixes(), network.layers, strict=True):
            own = under_prefix(prefix, arrays)
            with np.errstate(all="ignore"):
                y, _ = layer.forward(y, own, own, Pass())
            marks.append(perf_counter())
        repeat[:] = [end - begin for begin, end in pairwise(marks)]
    seconds = np.median(times, axis=0) / len(images)
    return [((number,), float(spent), None) for number, spent in enumerate(seconds)]
