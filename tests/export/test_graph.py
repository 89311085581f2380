"""A model as a list of operations: what each reads and gives, its arrays, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convlet import layers
from convlet.data.reading_rules import PLAIN, ReadingRules
from convlet.errors import ArchitectureError
from convlet.export import lowering
from convlet.export.channels_first import channel_order, channels_first
from convlet.export.graph import graph_of
from convlet.export.operations import (
    Activation,
    Convolution,
    Flattening,
    FullyConnected,
    GlobalMean,
    Normalisation,
    Operation,
    Pooling,
    Sum,
)
from convlet.layers.base import Pass
from convlet.learning.views import View
from convlet.likeness.measures import NAMES
from tests.export.made import described, images_of, model_of

EVERY = "conv3k4s2-bn-gelu-avgpool-res4s2-dropout0.5-leakyrelu0.2-silu-res4-flatten-bn-tanh-dense5-sigmoid"


def interpreted(graph, images):
    """Logits by walking the list with the layers' own definitions: what a target has to compute."""
    total = 0
    for member in graph.members:
        for view in graph.views:
            values = [view.show(images).astype(np.float32) * graph.scale + graph.offset]
            for one in graph.operations:
                values.append(step(one, [values[value] for value in one.reads], member))
            total = total + values[-1]
    return total / np.float32(len(graph.members) * len(graph.views))


def step(one, reads, member):
    arrays = {role: member[f"{one.name}.{role}"] for role in one.ROLES}
    x = reads[0]
    if isinstance(one, Sum):
        return x + reads[1]
    layer = {
        Convolution: lambda: layers.Conv(
            one.gives[2], one.size, one.stride, "same" if any(sum(one.pads, ())) else "valid"
        ),
        Pooling: lambda: (layers.MaxPool if one.how == "max" else layers.AvgPool)(one.size, one.stride),
        GlobalMean: layers.GlobalAvgPool,
        Flattening: layers.Flatten,
        FullyConnected: lambda: layers.Dense(one.gives[0]),
        Normalisation: lambda: layers.BatchNorm(one.epsilon),
        Activation: lambda: ACTIVATIONS[one.kind](one),
    }[type(one)]()
    assert x.shape[1:] == one.takes
    y = layer.forward(x, arrays, arrays, Pass())[0]
    assert y.shape[1:] == one.gives
    return y


ACTIVATIONS = {
    "relu": lambda one: layers.ReLU(),
    "leaky_relu": lambda one: layers.LeakyReLU(one.slope),
    "tanh": lambda one: layers.Tanh(),
    "sigmoid": lambda one: layers.Sigmoid(),
    "gelu": lambda one: layers.GELU(),
    "silu": lambda one: layers.SiLU(),
}


@pytest.mark.usefixtures("reference")
@pytest.mark.parametrize(
    ("word", "members", "views"), [(EVERY, 1, ""), ("conv3-gap", 3, "shift1-flip"), ("pool", 2, "")]
)
def test_walking_the_list_gives_the_logits_of_the_model(word, members, views):
    model = model_of(word, (13, 11, 3), members=members, views=views)
    images = images_of(model)
    np.testing.assert_allclose(interpreted(graph_of(model), images), model.logits(images), rtol=1e-5, atol=1e-6)


def test_every_layer_has_a_rule():
    kinds = {getattr(layers, name) for name in layers.__all__}
    kinds = {
        kind for kind in kinds if isinstance(kind, type) and issubclass(kind, layers.Layer) and kind is not layers.Layer
    }
    assert set(lowering.RULES) == kinds


def test_a_layer_without_a_rule_is_refused_by_name(monkeypatch):
    monkeypatch.delitem(lowering.RULES, layers.GELU)
    with pytest.raises(ArchitectureError) as caught:
        graph_of(model_of("conv3-gelu"))
    assert str(caught.value) == (
        "layer 1.gelu (gelu) cannot be exported: no operation is known for it; replace it by layers that the README lists"
    )


def test_what_does_nothing_is_no_operation():
    graph = graph_of(model_of("dropout0.5-flatten-flatten-dropout0.1"))
    assert [type(one) for one in graph.operations] == [Flattening, FullyConnected]
    assert [one.reads for one in graph.operations] == [(0,), (1,)]


def test_a_dense_layer_on_an_image_flattens_it_first():
    graph = graph_of(model_of("conv2-dense4"))
    assert [one.name for one in graph.operations] == ["0.conv", "1.dense.flatten", "1.dense", "2.dense"]
    assert graph.operations[2].takes == (6 * 7 * 2,)


def test_a_residual_block_is_a_sum_and_a_relu():
    plain, projected = graph_of(model_of("res2")), graph_of(model_of("res3s2"))
    names = [one.name.removeprefix("0.residual.") for one in plain.operations[:7]]
    assert names == [
        "main.0.conv",
        "main.1.batch_norm",
        "main.2.relu",
        "main.3.conv",
        "main.4.batch_norm",
        "sum",
        "relu",
    ]
    assert plain.operations[5].reads == (5, 0)
    assert projected.operations[7].reads == (5, 7)
    assert projected.operations[5].reads == (0,)


def test_a_graph_has_all_of_the_model():
    model = model_of(members=2, views="flip")
    graph = graph_of(model)
    assert (graph.architecture, graph.input_shape, graph.classes) == (model.architecture, (6, 7, 2), ("a", "b", "c"))
    assert graph.sha256 == model.sha256()
    assert graph.views == (View(0, 0, False), View(0, 0, True))
    for number, member in enumerate(graph.members):
        one = model.member(number).arrays()
        assert set(member) == set(one)
        assert all((member[name] == one[name]).all() for name in one)


def test_what_is_not_carried_is_one_line():
    model = model_of()
    assert graph_of(model).not_carried(frozenset()) is None
    measured = {name: (0.0,) * len(NAMES) for name in ("lows", "middles", "highs")}
    known = replace(described(model, drawn=True, **measured), rules=ReadingRules(ground="white"))
    graph = graph_of(known)
    assert graph.extras == ("prepare", "unlike", "rules")
    assert graph.not_carried(frozenset({"unlike"})) == "not carried: preparing pictures, how picture files are read"
    assert graph.not_carried(frozenset(graph.EXTRAS)) is None
    assert graph_of(replace(model, rules=PLAIN)).extras == ()


@pytest.mark.parametrize(
    ("low", "high", "fits"),
    [(0, 255, True), (3, 16, True), (0, 1, False), (-1, 8, False), (0, 256, False), (0, 0.5, False)],
)
def test_whether_bytes_hold_the_pixels(low, high, fits):
    assert graph_of(described(model_of(), low, high)).takes_bytes is fits
    assert graph_of(model_of()).takes_bytes


def test_channels_first_turns_every_array_that_meets_an_image():
    model = model_of("conv3-flatten-bn-dense5")
    graph = graph_of(model)
    (turned,), (own,) = channels_first(graph), graph.members
    assert turned["0.conv.weights"].shape == (3, 2, 3, 3)
    assert turned["0.conv.weights"][2, 1, 0, 2] == own["0.conv.weights"][0, 2, 1, 2]
    order = channel_order((6, 7, 3))
    np.testing.assert_array_equal(turned["2.batch_norm.scale"], own["2.batch_norm.scale"][order])
    np.testing.assert_array_equal(turned["3.dense.weights"], own["3.dense.weights"][order].T)
    np.testing.assert_array_equal(turned["4.dense.weights"], own["4.dense.weights"].T)


def test_channel_order_is_where_numpy_puts_each_value():
    image = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(image.reshape(-1)[channel_order((2, 3, 4))], image.transpose(2, 0, 1).reshape(-1))


def test_an_operation_names_its_arrays():
    assert Operation("0.relu", (0,), (1,), (1,)).array_names == ()
    assert FullyConnected("3.dense", (2,), (4,), (1,)).array_names == ("3.dense.weights", "3.dense.biases")
