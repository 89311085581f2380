"""An exception at any moment of a call: nothing is at work afterwards, and the next call is right."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from convlet.engine.choice import make_engine
from convlet.learning.optimizers import Adam
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.network.layout import Layout
from convlet.training.loop import train
from convlet.trials.rate_finder import find_rate
from tests.interrupted import at_each_moment, only
from tests.training.examples import CLASSES, SHAPE, network, stripes

WORD = "conv4-bn-relu-pool"
IMAGES = stripes(200)
PREPROCESSING = Preprocessing.from_images(IMAGES.images)


def untrained(members=1):
    layout = Layout(network(WORD), SHAPE)
    parameters = [layout.initial_parameters(network(WORD), SHAPE, seed) for seed in range(members)]
    state = np.tile(layout.initial_state(network(WORD), SHAPE), members)
    settings = Settings(shard=8, members=members).as_dict()
    return Model(WORD, SHAPE, CLASSES, PREPROCESSING, np.concatenate(parameters), state, settings)


@pytest.mark.parametrize("backend", ["compiled", "reference"])
@pytest.mark.parametrize(("threads", "members"), [(2, 1), (4, 2), (8, 1)])
def test_predicting_is_right_after_an_interruption(threads, members, backend, monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", backend)
    gc.collect()
    model = untrained(members)
    wanted = model.logits(IMAGES.images, threads)
    moments = 0
    for moment in at_each_moment(lambda: model.logits(IMAGES.images, threads), step=3 if backend == "compiled" else 97):
        np.testing.assert_array_equal(model.logits(IMAGES.images, threads), wanted, str(moment))
        moments += 1
    assert moments > 5
    vars(model).clear()  # its engines end with it
    gc.collect()
    assert only(0)


@pytest.mark.parametrize("threads", [1, 3])
def test_an_engine_is_right_after_an_interruption(threads):
    """Its own caller may go on with it: a step after an interrupted one, with fewer images or more, is a whole step."""

    def made():
        engine = make_engine(network(WORD), SHAPE, PREPROCESSING, shard=8, threads=threads, seed=0)
        engine.load(start)
        return engine

    def step(engine, count):
        slots = Adam().new_slots(len(start))
        engine.load(start, state)
        engine.gradients(IMAGES.images, IMAGES.labels, np.arange(count), epoch=0, position=0)
        engine.update(Adam(), slots, 0.01, 1)
        return engine.parameters.tobytes() + engine.state.tobytes() + engine.logits(IMAGES.images[:40]).tobytes()

    layout = Layout(network(WORD), SHAPE)
    start, state = layout.initial_parameters(network(WORD), SHAPE, 0), layout.initial_state(network(WORD), SHAPE)
    engines = [made()]
    wanted = step(engines[0], 150)

    def grown():
        engines[0].close()
        engines[0] = made()
        step(engines[0], 20)

    def larger():
        step(engines[0], 150)

    grown()
    for moment in at_each_moment(larger, step=7):
        assert step(engines[0], 150) == wanted, moment
        grown()
    engines[0].close()


def test_an_interrupted_update_is_no_update_or_a_whole_one():
    """Nothing that was made of the old parameters outlives them."""
    engine = make_engine(network(WORD), SHAPE, PREPROCESSING, shard=8, threads=2, seed=0)
    other = make_engine(network(WORD), SHAPE, PREPROCESSING, shard=8, threads=2, seed=0)
    start = engine.layout.initial_parameters(network(WORD), SHAPE, 0)
    slots = Adam().new_slots(len(start))

    def update():
        engine.update(Adam(), slots, 0.01, 1)

    engine.load(start)
    engine.gradients(IMAGES.images, IMAGES.labels, np.arange(100), epoch=0, position=0)
    engine.logits(IMAGES.images[:9])
    for moment in at_each_moment(update):
        other.load(engine.parameters, engine.state)
        np.testing.assert_array_equal(engine.logits(IMAGES.images[:9]), other.logits(IMAGES.images[:9]), str(moment))
    engine.close()
    other.close()


def sha(threads):
    settings = Settings(epochs=2, batch=64, shard=8, threads=threads)
    return train(network(WORD), IMAGES, IMAGES, classes=CLASSES, settings=settings).model.sha256()


def losses(threads):
    settings = Settings(batch=64, shard=8, threads=threads)
    return find_rate(network(WORD), IMAGES, classes=CLASSES, settings=settings, steps=8).losses


@pytest.mark.parametrize("act", [sha, losses])
@pytest.mark.parametrize("threads", [2, 4])
def test_the_next_training_is_right_after_an_interruption(act, threads):
    gc.collect()
    wanted, moments = act(threads), 0
    for moment in at_each_moment(lambda: act(threads), step=997):
        assert act(threads) == wanted, moment
        assert only(0), moment
        moments += 1
    assert moments > 5
