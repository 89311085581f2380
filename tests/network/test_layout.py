"""The flat vectors: order, views, initial values, and the layers inside a residual block."""

from __future__ import annotations

import numpy as np

from convlet import random
from convlet.layers import BatchNorm, Conv, Dense, Dropout, MaxPool, ReLU, Residual, Sequential
from convlet.network.layout import Layout, dropout_streams, leaves
from tests.training.examples import network

PLAIN = Sequential([Conv(2), ReLU(), MaxPool(), BatchNorm(momentum=0.75), Dense(3)])
SHAPE = (4, 4, 1)


def test_arrays_follow_each_other_in_the_order_of_the_network():
    layout = Layout(PLAIN, SHAPE)
    assert dict(zip(layout.names, layout.offsets, strict=True)) == {
        "0.conv.weights": 0,
        "0.conv.biases": 18,
        "3.batch_norm.scale": 20,
        "3.batch_norm.shift": 22,
        "4.dense.weights": 24,
        "4.dense.biases": 48,
    }
    assert layout.shapes == ((3, 3, 1, 2), (2,), (2,), (2,), (8, 3), (3,))
    assert layout.parameter_count == 51
    assert layout.state_names == ("3.batch_norm.mean", "3.batch_norm.variance")
    assert layout.state_offsets == (0, 2)
    assert layout.state_count == 4


def test_views_share_the_memory_of_the_vector():
    layout = Layout(PLAIN, SHAPE)
    vector = np.arange(51, dtype=np.float32)
    views = layout.views(vector)
    assert views["4.dense.weights"].tolist() == np.arange(24, 48).reshape(8, 3).tolist()
    views["4.dense.biases"][:] = -1
    assert vector[48:].tolist() == [-1] * 3
    state = np.zeros(4, np.float32)
    layout.state_views(state)["3.batch_norm.variance"][:] = 1
    assert state.tolist() == [0, 0, 1, 1]


def test_views_keep_leading_axes():
    layout = Layout(PLAIN, SHAPE)
    rows = np.arange(102, dtype=np.float32).reshape(2, 51)
    weights = layout.views(rows)["0.conv.weights"]
    assert weights.shape == (2, 3, 3, 1, 2)
    assert np.shares_memory(weights, rows)
    assert weights[1].ravel().tolist() == list(range(51, 69))


def test_weight_decay_is_for_weights_only():
    mask = Layout(PLAIN, SHAPE).decay_mask()
    assert mask.dtype == np.float32
    assert np.flatnonzero(mask).tolist() == [*range(18), *range(24, 48)]


def test_initial_values_are_the_layers_own_from_one_stream_per_array_drawn():
    layout = Layout(PLAIN, SHAPE)
    views = layout.views(layout.initial_parameters(PLAIN, SHAPE, seed=5))
    drawn = [
        random.normal(shape, seed=5, purpose=random.INITIAL, stream=stream)
        for stream, shape in enumerate([(3, 3, 1, 2), (8, 3)])
    ]
    np.testing.assert_array_equal(views["0.conv.weights"], drawn[0] * np.float32((2 / 9) ** 0.5))
    np.testing.assert_array_equal(views["4.dense.weights"], drawn[1] * np.float32((2 / 8) ** 0.5))
    assert views["3.batch_norm.scale"].tolist() == [1, 1]
    assert views["0.conv.biases"].tolist() == [0, 0]
    assert layout.initial_state(PLAIN, SHAPE).tolist() == [0, 0, 1, 1]


def test_a_network_without_state_has_an_empty_one():
    plain = Sequential([Dense(3)])
    layout = Layout(plain, SHAPE)
    assert layout.initial_state(plain, SHAPE).shape == (0,)
    assert layout.state_views(np.zeros(0, np.float32)) == {}


def test_leaves_reach_into_residual_blocks_under_the_names_of_the_arrays():
    block = Sequential([Residual(2, 2), Dropout(0.5), Dense(3)])
    found = list(leaves(block, SHAPE))
    assert [path for _, path, _, _ in found] == [
        *[(0, 0, i) for i in range(5)],
        *[(0, 1, i) for i in range(2)],
        (1,),
        (2,),
    ]
    names = [prefix + name for prefix, _, layer, shape in found for name in layer.parameter_shapes(shape)]
    assert tuple(names) == Layout(block, SHAPE).names
    assert names[0] == "0.residual.main.0.conv.weights"
    assert names[-3] == "0.residual.shortcut.1.batch_norm.shift"


def test_each_state_array_has_the_momentum_of_its_layer():
    assert Layout(PLAIN, SHAPE).state_momentum(PLAIN, SHAPE).tolist() == [0.75] * 4
    block = network("res2-bnm0.5")
    momentum = Layout(block, SHAPE).state_momentum(block, SHAPE)
    assert momentum.tolist() == [np.float32(0.9)] * 12 + [0.5] * 4


def test_dropout_layers_are_numbered_in_order():
    net = network("conv2-dropout0.1-relu-res2-dropout0.2-dropout0.3")
    assert dropout_streams(net, SHAPE) == {(1,): 0, (4,): 1, (5,): 2}
