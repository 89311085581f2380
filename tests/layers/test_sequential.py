"""Networks: names, shapes, errors that name the layer, and the residual block's two branches."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from convlet.errors import ArchitectureError
from convlet.layers import (
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    MaxPool,
    Pass,
    ReLU,
    Residual,
    Sequential,
    Tanh,
)
from convlet.layers.sequential import under_prefix
from tests.layers.table import INFERENCE, TRAINING, drawn_arrays

NETWORK = Sequential([Conv(2), ReLU(), MaxPool(), Residual(4, 2), Flatten(), Dense(3)])


def test_a_list_becomes_a_tuple():
    assert Sequential([ReLU(), Tanh()]) == Sequential((ReLU(), Tanh()))
    assert Sequential([ReLU()]).layers == (ReLU(),)
    with pytest.raises(FrozenInstanceError):
        NETWORK.layers = ()


def test_a_sequential_inside_is_replaced_by_its_layers():
    assert Sequential([Sequential([ReLU(), Tanh()]), Dense(2)]).layers == (ReLU(), Tanh(), Dense(2))


def test_repr_can_be_read():
    assert repr(Sequential([Conv(8), MaxPool(), Dense(10)])) == (
        "Sequential([\n"
        "    Conv(filters=8, size=3, stride=1, padding='same'),\n"
        "    MaxPool(size=2, stride=2),\n"
        "    Dense(units=10, gain=1.0),\n"
        "])"
    )


def test_names_carry_the_place_of_each_layer():
    shapes = NETWORK.parameter_shapes((8, 8, 1))
    assert list(shapes) == [
        "0.conv.weights",
        "0.conv.biases",
        "3.residual.main.0.conv.weights",
        "3.residual.main.0.conv.biases",
        "3.residual.main.1.batch_norm.scale",
        "3.residual.main.1.batch_norm.shift",
        "3.residual.main.3.conv.weights",
        "3.residual.main.3.conv.biases",
        "3.residual.main.4.batch_norm.scale",
        "3.residual.main.4.batch_norm.shift",
        "3.residual.shortcut.0.conv.weights",
        "3.residual.shortcut.0.conv.biases",
        "3.residual.shortcut.1.batch_norm.scale",
        "3.residual.shortcut.1.batch_norm.shift",
        "5.dense.weights",
        "5.dense.biases",
    ]
    assert shapes["3.residual.shortcut.0.conv.weights"] == (1, 1, 2, 4)
    assert list(NETWORK.state_shapes((8, 8, 1))) == [
        f"3.residual.{branch}.batch_norm.{name}"
        for branch in ("main.1", "main.4", "shortcut.1")
        for name in ("mean", "variance")
    ]


def test_layers_beyond_the_tenth_keep_their_own_arrays():
    """`1.` must not be taken for the beginning of `10.`."""
    network = Sequential([Dense(2)] * 12)
    parameters = {}
    for index in range(12):
        parameters[f"{index}.dense.weights"] = np.eye(2) * (2 if index in (1, 10, 11) else 1)
        parameters[f"{index}.dense.biases"] = np.zeros(2)
    y, saved = network.forward(np.ones((1, 2)), parameters, {}, Pass())
    assert y.tolist() == [[8, 8]]
    _, gradients = network.backward(np.ones((1, 2)), saved, parameters)
    assert list(gradients) == list(network.parameter_shapes((2,)))


def test_forward_and_backward_are_the_layers_one_after_the_other():
    first, second = Conv(2), Dense(3)
    network = Sequential([first, second])
    x, parameters, _ = drawn_arrays(network, (4, 4, 1), np.float64)
    own = [{name[7 + i :]: parameters[name] for name in parameters if name[0] == str(i)} for i in (0, 1)]
    middle, kept = first.forward(x, own[0], {}, Pass())
    expected, kept_too = second.forward(middle, own[1], {}, Pass())
    y, saved = network.forward(x, parameters, {}, Pass())
    assert isinstance(saved, list)
    assert y.tolist() == expected.tolist()

    dmiddle, dsecond = second.backward(np.ones_like(y), kept_too, own[1])
    dx, dfirst = first.backward(dmiddle, kept, own[0])
    got, gradients = network.backward(np.ones_like(y), saved, parameters)
    assert got.tolist() == dx.tolist()
    assert gradients["0.conv.weights"].tolist() == dfirst["weights"].tolist()
    assert gradients["1.dense.biases"].tolist() == dsecond["biases"].tolist()


def test_shapes_between_the_layers():
    assert NETWORK.shapes((8, 8, 1)) == [
        (8, 8, 1),
        (8, 8, 2),
        (8, 8, 2),
        (4, 4, 2),
        (2, 2, 4),
        (16,),
        (3,),
    ]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: Sequential([Conv(8), ReLU(), *[MaxPool()] * 4]).output_shape((8, 8, 1)),
            "layer 6 (pool): needs at least 2x2 pixels, but got 1x1 of shape 1x1x8; "
            "pool less before it or use larger images",
        ),
        (
            lambda: Sequential([Conv(8), Dense(4), Residual(8)]).output_shape((8, 8, 1)),
            "layer 3 (res8): needs images of shape HxWxC, but got shape 4; put it before any dense, gap or flatten",
        ),
        (lambda: Sequential([]), "Sequential needs at least one layer, but got none"),
        (lambda: Sequential("relu"), "Sequential needs a list or tuple of layers, but got 'relu'"),
        (lambda: Sequential(ReLU()), "Sequential needs a list or tuple of layers, but got ReLU()"),
        (
            lambda: Sequential([ReLU(), "conv8"]),
            "Sequential needs layers, but number 2 is 'conv8'; make it as in Conv(8)",
        ),
        (lambda: Residual(0), "res filters must be a whole number from 1 to 4096, but got 0"),
        (lambda: Residual(8, 99), "res stride must be a whole number from 1 to 63, but got 99"),
    ],
)
def test_what_is_refused(make, text):
    with pytest.raises(ArchitectureError) as caught:
        make()
    assert str(caught.value) == text


def test_a_residual_block_has_a_projection_only_where_shapes_change():
    assert Residual(4).shortcut((6, 6, 4)) is None
    assert Residual(4).shortcut((6, 6, 3)) == Sequential([Conv(4, 1), BatchNorm()])
    assert Residual(4, 2).shortcut((6, 6, 4)) == Sequential([Conv(4, 1, 2), BatchNorm()])
    assert Residual(4, 2).output_shape((7, 6, 4)) == (4, 3, 4)


@pytest.mark.parametrize("run", [TRAINING, INFERENCE], ids=["training", "inference"])
def test_a_residual_block_that_learned_nothing_is_relu(run):
    layer = Residual(3)
    x, parameters, state = drawn_arrays(layer, (4, 4, 3), np.float64)
    nothing = {name: np.zeros_like(array) for name, array in parameters.items()}
    y, saved = layer.forward(x, nothing, state, run)
    assert y.tolist() == np.maximum(x, 0).tolist()
    dx, _ = layer.backward(np.ones_like(y), saved, nothing)
    assert dx.tolist() == (x > 0).astype(float).tolist()


def test_paths_tell_the_branches_of_a_block_apart():
    seen = []

    class Probe(Flatten):
        def forward(self, x, parameters, state, run):
            seen.append(run.path)
            return x, x.shape

    class Block(Residual):
        @property
        def main(self):
            return Sequential([Tanh(), Probe()])

        def output_shape(self, input_shape):
            return input_shape

        def shortcut(self, input_shape):
            return Sequential([Probe()])

    Sequential([ReLU(), Block(1)]).forward(np.ones((1, 2, 2, 1)), {}, {}, Pass().at(3))
    assert seen == [(3, 1, 0, 1), (3, 1, 1, 0)]


def test_arrays_under_a_prefix_are_those_that_begin_with_it():
    arrays = {name: np.zeros(1) for name in ("1.conv.weights", "11.conv.weights", "0.residual.main.1.conv.weights")}
    assert list(under_prefix("1.conv.", arrays)) == ["weights"]
