"""Every layer through the whole contract of convlet/layers/base.py."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from math import prod

import numpy as np
import pytest

import convlet.layers
from convlet.layers import Layer
from convlet.network.word import parse
from tests.layers.table import DRAWN, IDS, INFERENCE, ROWS, TRAINING, drawn_arrays

every_layer = pytest.mark.parametrize(("layer", "input_shape"), ROWS, ids=IDS)
every_pass = pytest.mark.parametrize("run", [TRAINING, INFERENCE], ids=["training", "inference"])
every_float = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])


class Draws:
    """Initial values that show how often they were asked for."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def uniform(self, shape):
        return self.rng.random(shape, np.float32)

    def normal(self, shape):
        return self.rng.standard_normal(shape, np.float32)


def bytes_of(*arrays):
    return [array.tobytes() for array in arrays]


def test_the_table_has_every_layer():
    public = {
        item
        for item in vars(convlet.layers).values()
        if inspect.isclass(item) and issubclass(item, Layer) and not inspect.isabstract(item)
    }
    assert {type(layer) for layer, _ in ROWS} == public
    assert len(DRAWN) == len(public)  # convolution twice, by its padding; a network of layers is not drawn


@every_layer
def test_it_is_frozen_and_equal_to_its_copies(layer, input_shape):
    field = dataclasses.fields(layer)[0].name if dataclasses.fields(layer) else "anything"
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(layer, field, 1)
    for same in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert same == layer
        assert hash(same) == hash(layer)


@every_layer
def test_its_token_gives_it_back(layer, input_shape):
    assert parse(layer.token()).token() == layer.token()
    assert layer in (*parse(layer.token()).layers, parse(layer.token()))


@every_layer
def test_its_repr_builds_it(layer, input_shape):
    assert eval(repr(layer), dict(vars(convlet.layers))) == layer


def test_kinds_are_the_closed_list():
    assert {layer.kind for layer, _ in ROWS} == {
        *("conv", "max_pool", "avg_pool", "global_avg_pool", "dense", "flatten", "residual", "sequential"),
        *("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "dropout", "batch_norm"),
    }


@every_layer
def test_initial_values_have_the_stated_names_and_shapes(layer, input_shape):
    parameters = layer.initial_parameters(input_shape, Draws())
    state = layer.initial_state(input_shape)
    for arrays, shapes in (
        (parameters, layer.parameter_shapes(input_shape)),
        (state, layer.state_shapes(input_shape)),
    ):
        assert [(name, array.shape) for name, array in arrays.items()] == list(shapes.items())
        assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays.values())


@every_layer
@every_pass
@every_float
def test_shapes_and_float_type_are_kept(layer, input_shape, run, dtype):
    x, parameters, state = drawn_arrays(layer, input_shape, dtype)
    y, saved = layer.forward(x, parameters, state, run)
    assert y.shape == (len(x), *layer.output_shape(input_shape))
    assert y.dtype == dtype
    dx, gradients = layer.backward(np.ones_like(y), saved, parameters)
    assert dx.shape == x.shape
    assert dx.dtype == dtype
    shapes = {name: gradient.shape for name, gradient in gradients.items()}
    assert list(shapes.items()) == list(layer.parameter_shapes(input_shape).items())
    assert all(gradient.dtype == dtype for gradient in gradients.values())


@every_layer
def test_what_training_observes_is_the_state(layer, input_shape):
    x, parameters, state = drawn_arrays(layer, input_shape, np.float32)
    _, saved = layer.forward(x, parameters, state, TRAINING)
    observed = layer.observed(saved)
    assert {name: array.shape for name, array in observed.items()} == layer.state_shapes(input_shape)
    assert all(array.dtype == np.float32 for array in observed.values())


@every_layer
@every_pass
def test_nothing_it_is_given_is_changed(layer, input_shape, run):
    """Two passes may share all of these, and arrays that cannot be written are enough."""
    x, parameters, state = drawn_arrays(layer, input_shape, np.float64)
    for array in (x, *parameters.values(), *state.values()):
        array.flags.writeable = False
    y, saved = layer.forward(x, parameters, state, run)
    before = bytes_of(y)
    dy = np.ones_like(y)
    dy.flags.writeable = False
    first = layer.backward(dy, saved, parameters)
    second = layer.backward(dy, saved, parameters)
    assert bytes_of(y) == before
    assert bytes_of(first[0], *first[1].values()) == bytes_of(second[0], *second[1].values())


@every_layer
def test_images_do_not_mix_at_inference(layer, input_shape):
    x, parameters, state = drawn_arrays(layer, input_shape, np.float64, images=4)
    together, _ = layer.forward(x, parameters, state, INFERENCE)
    alone = [layer.forward(x[n : n + 1], parameters, state, INFERENCE)[0] for n in range(4)]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-12, atol=1e-12)


@every_layer
def test_multiply_adds_are_at_least_one_per_weight(layer, input_shape):
    weights = sum(
        prod(shape) for name, shape in layer.parameter_shapes(input_shape).items() if name.endswith("weights")
    )
    assert layer.multiply_adds(input_shape) >= weights
    assert (layer.multiply_adds(input_shape) > 0) == (weights > 0)


@every_layer
@every_pass
def test_its_input_gradient_is_that_of_backward(layer, input_shape, run):
    x, parameters, state = drawn_arrays(layer, input_shape, np.float32)
    y, saved = layer.forward(x, parameters, state, run)
    dy = np.random.default_rng(1).standard_normal(y.shape).astype(np.float32)
    dx, _ = layer.backward(dy, saved, parameters)
    assert bytes_of(layer.input_gradient(dy, saved, parameters)) == bytes_of(dx)
