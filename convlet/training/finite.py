"""Whether a training still has finite numbers; where it has not, it stops before they are used or saved."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

import numpy as np

from convlet.errors import TrainingError
from convlet.layers.base import Array, Layer, Pass, Shape
from convlet.layers.sequential import Sequential, under_prefix
from convlet.training.engine import Engine


def check_step(engine: Engine, loss: float, where: str, rate: float, images: Array, batch: Array) -> None:
    """Raise TrainingError, before the update, if a parameter, the loss or the gradient of a step is not finite.

    Parameters come first: what they make of the loss, NaN, infinity or nothing, depends on the order of sums, and both
    engines must give the same reason.

    Parameters
    ----------
    where : the epoch and the step, for people
    rate : the learning rate of the step
    images, batch : images, and the numbers in them of those of the step
    """
    if not finite(engine.parameters):
        raise _diverged(f"{_first_with_parameters_not_finite(engine)} at {where}", rate)
    if not isfinite(loss):
        layer = first_layer_not_finite(engine, images, batch)
        raise _diverged(f"the loss is {loss} at {where}{f': {layer}' if layer else ''}", rate)
    if not finite(engine.gradient):
        name = _first_not_finite(engine.layout.views(engine.gradient))
        raise _diverged(f"the gradient of {name} is not finite at {where}", rate)


def check_vectors(engine: Engine, where: str, rate: float) -> None:
    """Raise TrainingError where an epoch left a parameter or a running statistic that is not finite."""
    layout = engine.layout
    for vector, views in ((engine.parameters, layout.views), (engine.state, layout.state_views)):
        if not finite(vector):
            raise _diverged(f"{_first_not_finite(views(vector))} is not finite after {where}", rate)


def check_validation(loss: float, where: str, rate: float) -> None:
    """Raise TrainingError where the validation loss is not finite."""
    if not isfinite(loss):
        raise _diverged(f"the validation loss is {loss} after {where}", rate)


def check_outputs(engine: Engine, logits: Array, where: str, rate: float, images: Array) -> None:
    """Raise TrainingError if what the network puts out for some training images (n, H, W, C) is not finite.

    Without validation images nothing else looks at the network after its last update.
    """
    if not finite(logits):
        layer = first_layer_not_finite(engine, images, np.arange(len(images)))
        raise _diverged(f"the network's output is not finite after {where}{f': {layer}' if layer else ''}", rate)


def first_layer_not_finite(engine: Engine, images: Array, batch: Array) -> str | None:
    """The first layer with parameters that are not finite, or that puts out such values for one of these images.

    None where there is none, as when only dropout's choice or a batch's own statistics made the values too large.
    """
    layout = engine.layout
    parameters, state = layout.views(engine.parameters), layout.state_views(engine.state)
    for start in range(0, len(batch), engine.shard):
        x = engine.preprocessing.apply(images[batch[start : start + engine.shard]])
        found = layer_not_finite(engine.network, engine.input_shape, parameters, state, x)
        if found is not None:
            return found
    return None


def layer_not_finite(
    network: Sequential, input_shape: Shape, parameters: Mapping[str, Array], state: Mapping[str, Array], x: Array
) -> str | None:
    """The same for inputs x (n, H, W, C) that have been preprocessed, in an inference pass of the reference."""
    run = Pass()
    for number, (prefix, layer, _) in enumerate(network.parts(input_shape)):
        own, running = under_prefix(prefix, parameters), under_prefix(prefix, state)
        name = _named(number, layer)
        if not all(finite(values) for values in own.values()):
            return f"{name} has parameters that are not finite"
        with np.errstate(all="ignore"):
            x, _ = layer.forward(x, own, running, run.at(number))
        if not finite(x):
            return f"{name} puts out values that are not finite"
    return None


def _first_with_parameters_not_finite(engine: Engine) -> str:
    """The first layer with a parameter that is not finite; there is one."""
    parameters = engine.layout.views(engine.parameters)
    for number, (prefix, layer, _) in enumerate(engine.network.parts(engine.input_shape)):
        if not all(finite(values) for values in under_prefix(prefix, parameters).values()):
            return f"{_named(number, layer)} has parameters that are not finite"
    raise AssertionError("every parameter belongs to a layer")


def _named(number: int, layer: Layer) -> str:
    """How an error names the layer of this number, from 0."""
    return f"layer {number + 1} ({layer.token()})"


def finite(vector: Array) -> bool:
    """Whether every value is finite; the sum tells it fast unless it overflows."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(vector.sum()) or np.isfinite(vector).all())


def _diverged(what: str, rate: float) -> TrainingError:
    return TrainingError(f"{what} (learning rate {rate:.3g}); lower --learning-rate")


def _first_not_finite(views: dict[str, Array]) -> str:
    """The name of the first array with a value that is not finite."""
    return next(name for name, values in views.items() if not np.isfinite(values).all())
