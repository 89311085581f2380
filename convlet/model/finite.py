"""Whether a training still has finite numbers; where it has not, it stops before they are used or saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite

import numpy as np

from convlet.engine.engine import Engine
from convlet.errors import TrainingError
from convlet.layers.base import Array, Layer, Pass, Shape
from convlet.layers.sequential import Sequential, under_prefix


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


def layer_of_outputs(engine: Engine, vectors: tuple[Array, Array], images: Array, logits: Array) -> str | None:
    """The first layer that is not finite for the first image whose logits (n, K) are not; None if all are.

    Parameters
    ----------
    vectors : the parameters (P,) and the state (S,) that gave the logits
    images : (n, H, W, C)
    """
    if finite(logits):
        return None
    return first_layer_not_finite(engine, images, np.array([first_not_finite(logits)]), vectors)


def check_outputs(
    logits: Array, loss: float, name: str, where: str, rate: float, layer: Callable[[], str | None]
) -> None:
    """Raise TrainingError if logits (n, K) that were computed after an update, or their mean loss, are not finite.

    Parameters
    ----------
    name : what the loss is called
    layer : gives the layer to name
    """
    if isfinite(loss) and finite(logits):
        return
    what = "network's output is not finite" if isfinite(loss) else f"{name} is {loss}"
    found = layer()
    raise _diverged(f"the {what} after {where}{f': {found}' if found else ''}", rate)


def first_layer_not_finite(
    engine: Engine, images: Array, batch: Array, vectors: tuple[Array, Array] | None = None
) -> str | None:
    """The first layer with parameters that are not finite, or that puts out such values for one of these images.

    None where there is none, as when only dropout's choice or a batch's own statistics made the values too large.
    `vectors` are parameters (P,) and state (S,); None for the engine's.
    """
    layout = engine.layout
    own = vectors or (engine.parameters, engine.state)
    parameters, state = layout.views(own[0]), layout.state_views(own[1])
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


def first_not_finite(rows: Array) -> int:
    """The number of the first row of (n, K) with a value that is not finite; there must be one."""
    return int(np.argmin(np.isfinite(rows).all(axis=1)))


def _diverged(what: str, rate: float) -> TrainingError:
    return TrainingError(f"{what} (learning rate {rate:.3g}); lower --learning-rate")


def _first_not_finite(views: dict[str, Array]) -> str:
    """The name of the first array with a value that is not finite."""
    return next(name for name, values in views.items() if not np.isfinite(values).all())
