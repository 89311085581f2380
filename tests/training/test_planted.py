"""NaN, infinity and overflow planted at every kind of layer: both engines stop at the same step, naming the same layer."""

from __future__ import annotations

import re

import numpy as np
import pytest

from convlet.engine.compiled import CompiledEngine
from convlet.engine.reference import ReferenceEngine
from convlet.errors import TrainingError
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.model.finite import check_step, check_vectors
from convlet.network.word import RULES, parse, with_head
from tests.training.examples import CLASSES, SHAPE, stripes

IMAGES = stripes(16)
BATCH = np.arange(16)
VALUES = (np.nan, np.inf, -np.inf)
TOKENS = [rule.examples[0] for rule in RULES]
ENGINES = (ReferenceEngine, CompiledEngine)


def made(kind, word):
    network = with_head(parse(word), len(CLASSES))
    return kind(network, SHAPE, Preprocessing.from_images(IMAGES.images), shard=8, threads=1, seed=0)


def places(engine):
    """The first number of each parameter array, where it stands in the vector."""
    names, start = {}, 0
    for name, values in engine.layout.views(engine.parameters).items():
        names[name] = start
        start += values.size
    return names


def stop_of_a_step(engine, parameters):
    """What stops a step with these parameters, without the value of the loss; None if it goes on."""
    engine.load(parameters.copy())
    loss, _ = engine.gradients(IMAGES.images, IMAGES.labels, BATCH, epoch=0, position=0)
    try:
        check_step(engine, loss, "step 1", 0.1, IMAGES.images, BATCH)
    except TrainingError as error:
        return re.sub(r"the loss is -?(nan|inf)", "the loss is not finite", str(error))
    return None


@pytest.mark.parametrize("token", TOKENS)
def test_both_engines_stop_at_the_same_layer(token):
    word = f"conv3-{token}"
    reference, compiled = (made(kind, word) for kind in ENGINES)
    start = reference.layout.initial_parameters(reference.network, SHAPE, 0)
    assert stop_of_a_step(reference, start) is None
    for name, place in places(reference).items():
        for value in VALUES:
            planted = start.copy()
            planted[place] = value
            expected = stop_of_a_step(reference, planted)
            assert expected is not None, (name, value)
            assert "layer" in expected
            assert stop_of_a_step(compiled, planted) == expected, (name, value)
    reference.close()
    compiled.close()


@pytest.mark.parametrize("token", TOKENS)
def test_no_layer_hides_that_the_one_before_it_overflows(token):
    """Infinite activations of both signs: relu would make 0 of them, tanh 1, max pooling would pass over one."""
    word = f"conv3-{token}"
    for kind in ENGINES:
        engine = made(kind, word)
        start = engine.layout.initial_parameters(engine.network, SHAPE, 0)
        for value in (3e38, -3e38):
            planted = start.copy()
            engine.layout.views(planted)["0.conv.weights"][..., 0] = value
            stop = stop_of_a_step(engine, planted)
            assert stop is not None
            assert "layer 1 (conv3) puts out values that are not finite" in stop
        engine.close()


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "rmsprop", "adam", "adamw"])
def test_what_an_optimizer_remembers_reaches_the_parameters_in_both(optimizer, value):
    stops = []
    for kind in ENGINES:
        engine = made(kind, "conv3-relu")
        engine.load(engine.layout.initial_parameters(engine.network, SHAPE, 0))
        rule = Settings(optimizer=optimizer).make_optimizer()
        slots = rule.new_slots(engine.layout.parameter_count)
        for values in slots.values():
            values[0] = value
        engine.gradients(IMAGES.images, IMAGES.labels, BATCH, epoch=0, position=0)
        with np.errstate(all="ignore"):
            engine.update(rule, slots, 0.1, 1)
        try:
            check_vectors(engine, "epoch 1", 0.1)
            stops.append(None)
        except TrainingError as error:
            stops.append(str(error))
        engine.close()
    assert stops[0] == stops[1]
    if np.isnan(value):
        assert stops[0] == "0.conv.weights is not finite after epoch 1 (learning rate 0.1); lower --learning-rate"


def test_a_saturated_network_does_not_train_on():
    """Products of 1e39 in the second convolution: a chain of fused multiply-adds gives infinity, of which tanh made 1."""
    from convlet.training.loop import train

    settings = Settings(
        epochs=2, optimizer="sgd", momentum=0.0, learning_rate=1e21, schedule="constant", threads=1, batch=8
    )
    network = with_head(parse("conv8-conv8-tanh-pool"), len(CLASSES))
    with pytest.raises(
        TrainingError, match=r"epoch 1 of 2, step 2 of 4: layer 2 \(conv8\) puts out values that are not"
    ):
        train(network, IMAGES, classes=CLASSES, settings=settings)
