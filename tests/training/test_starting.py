"""Trainings that start from a model: what is taken, what stays as it is, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.engine.compiled import CompiledEngine
from convlet.engine.reference import ReferenceEngine
from convlet.errors import ArchitectureError, DataError, SettingsError
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.training.loop import train
from convlet.training.starting import beginning
from convlet.trials.rate_finder import find_rate
from tests.training.examples import CLASSES, ImageSet, network, stripes

SHOWN, HELD_OUT = stripes(44), stripes(12, seed=1)
OTHERS = ("one", "two", "three", "four")
WORD = "bn-conv4-bn-relu-pool-dropout0.2-res8-dense6-relu"
GAP = "conv4-bn-relu-pool-conv8-relu-gap"
PLAIN = Preprocessing((100.0,), (60.0,))


@pytest.fixture(params=["reference", "compiled"])
def backend(request, monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", request.param)


def fitted(word=WORD, shown=SHOWN, classes=CLASSES, held_out=None, start=None, freeze=False, **settings):
    given = Settings(**{"batch": 16, "shard": 8, "threads": 1, "epochs": 2} | settings)
    form = {"classes": classes, "settings": given, "start": start, "freeze": freeze}
    return train(network(word, len(classes)), shown, held_out, **form).model


@pytest.fixture(scope="module")
def models():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVLET_BACKEND", "reference")
        return {word: fitted(word) for word in (WORD, GAP)} | {"two": fitted(GAP, members=2)}


def bits(array):
    return array.view(np.uint32).tolist()


def relabelled(classes, images=SHOWN):
    return ImageSet(images.images, np.arange(len(images.labels)) % len(classes))


def same(model, start, names):
    arrays, before = model.arrays(), start.arrays()
    return {name for name in names if bits(arrays[name]) == bits(before[name])}


def body(model):
    """The names of all arrays but those of the last layer."""
    last = model.layout.names[-1].partition(".")[0] + "."
    return {name for name in model.arrays() if not name.startswith(last)}


def taken(model, word, shape=(8, 8, 1), classes=CLASSES, freeze=True):
    return beginning(model, network(word, len(classes)), shape, classes, freeze)


def test_the_whole_model_is_taken_with_the_same_classes(models):
    found = taken(models[WORD], WORD)
    assert (found.head, len(found.parameters)) == ("kept", found.count)
    assert bits(found.parameters) == bits(models[WORD].parameters)
    assert bits(found.state) == bits(models[WORD].state)
    assert found.preprocessing == models[WORD].preprocessing
    assert found.frozen == len(network(WORD).layers) - 2  # all to the last dense layer before the head


@pytest.mark.parametrize("classes", [OTHERS, CLASSES[::-1], CLASSES[:2]])
def test_the_head_is_new_with_other_classes(models, classes):
    found = taken(models[WORD], WORD, classes=classes)
    head = models[WORD].layout.offsets[-2]
    assert (found.head, len(found.parameters)) == ("new", head)
    assert bits(found.parameters) == bits(models[WORD].parameters[:head])
    assert bits(found.state) == bits(models[WORD].state)


@pytest.mark.parametrize(
    ("word", "parameters", "state", "frozen"),
    [
        ("conv4-bn-relu-pool-conv8-relu-gap", 40 + 8 + 296 + 27, 8, 5),
        ("conv4-tanh-dropout0.5-bn-conv8-gap", 40 + 8 + 296 + 27, 8, 5),  # layers without parameters do not count
        ("conv4-bn-relu-pool-conv8-conv8-gap", 40 + 8 + 296, 8, 5),
        ("conv4-bn-relu-pool-conv9-relu-gap", 40 + 8, 8, 2),
        ("conv4-bnm0.5-relu-pool-conv8-relu-gap", 40, 0, 1),
        ("conv4", 40, 0, 1),
    ],
)
def test_layers_are_taken_from_the_front_while_they_fit(models, word, parameters, state, frozen):
    found = taken(models[GAP], word)
    assert (len(found.parameters), len(found.state), found.frozen) == (parameters, state, frozen)
    assert bits(found.parameters) == bits(models[GAP].parameters[:parameters])
    assert taken(models[GAP], word, freeze=False).frozen == 0


def test_global_average_pooling_takes_images_of_any_size(models):
    found = taken(models[GAP], GAP, (12, 9, 1))
    assert (found.head, len(found.parameters)) == ("kept", found.count)


def test_of_several_members_the_first_is_taken(models):
    two = models["two"]
    assert bits(taken(two, GAP).parameters) == bits(two.member(0).parameters)
    assert bits(taken(two, GAP).parameters) != bits(two.member(1).parameters)


def test_images_and_networks_that_do_not_fit_are_refused(models):
    is_for = "the model to start from is for images of 8x8x1, but the training images are "
    with pytest.raises(DataError) as caught:
        taken(models[GAP], GAP, (8, 8, 3))
    assert str(caught.value) == is_for + "8x8x3; give images of 1 channel, or a model of 3 channels"
    with pytest.raises(DataError) as caught:
        taken(models[GAP], "conv4-bn-relu", (8, 9, 1))
    assert str(caught.value) == is_for + (
        "8x9x1; give images of 8x8, as with --size for pictures, or an architecture that ends in gap, which takes any "
        "size"
    )
    with pytest.raises(ArchitectureError) as caught:
        taken(models[GAP], "conv5-relu-pool")
    assert str(caught.value) == (
        f"no layer of the model to start from fits: it is {GAP} on 8x8x1 images, but the network is conv5-relu-pool "
        "on 8x8x1; use a word that begins as the model's"
    )


def test_what_cannot_be_a_start_is_refused(models):
    with pytest.raises(SettingsError) as caught:
        fitted(GAP, freeze=True)
    assert str(caught.value) == "freeze keeps the filters of a model, but there is none; give one as start"
    with pytest.raises(SettingsError) as caught:
        fitted(GAP, start=models[GAP], freeze=1)
    assert str(caught.value) == "freeze must be True or False, but got 1"
    with pytest.raises(SettingsError) as caught:
        fitted(GAP, start="model.safetensors")
    assert str(caught.value) == "start must be a convlet.Model or a Snapshot, but got 'model.safetensors'"


WAYS = [
    {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01, "learning_rate": 0.1},
    {"optimizer": "adam", "weight_decay": 0.01, "ema_decay": 0.5, "clip_norm": 0.1},
    {"optimizer": "adamw", "weight_decay": 0.1, "keep": "best", "held_out": HELD_OUT, "members": 2},
    {"optimizer": "adagrad", "augment": "shift1-flip", "label_smoothing": 0.1},
    {"optimizer": "rmsprop", "weight_decay": 0.01, "steps": 3, "on_nonfinite": "rollback"},
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way["optimizer"])
@pytest.mark.parametrize("classes", [CLASSES, OTHERS])
def test_frozen_layers_keep_every_bit_and_the_head_learns(backend, models, way, classes):
    start = models[WORD]
    made = fitted(WORD, relabelled(classes), classes, start=start, freeze=True, **way)
    assert made.preprocessing == start.preprocessing
    for number in range(made.members):
        one = made.member(number)
        assert same(one, start, body(one)) == body(one)
        head = set(one.arrays()) - body(one)
        if classes == CLASSES:
            assert same(one, start, head) == set()
    if made.members == 2:
        assert bits(made.member(0).parameters) != bits(made.member(1).parameters)


def test_what_was_not_taken_learns_beside_what_is_frozen(backend, models):
    start, word = models[GAP], "conv4-bn-relu-pool-conv9-bn-relu-gap"
    made, fresh = (fitted(word, start=start, freeze=True, steps=steps) for steps in (6, 1))
    frozen = {name for name in made.arrays() if int(name.partition(".")[0]) < 2}
    assert same(made, start, frozen) == frozen
    moved = {name for name in made.arrays() if bits(made.arrays()[name]) != bits(fresh.arrays()[name])}
    assert moved == set(made.arrays()) - frozen


def test_without_freeze_all_that_was_taken_learns(backend, models):
    start = models[WORD]
    made = fitted(WORD, start=start)
    assert same(made, start, start.arrays()) == set()
    assert fitted(WORD, start=start, threads=2).sha256() == made.sha256()
    assert fitted(WORD, start=start, seed=1).sha256() != made.sha256()


def test_training_begins_where_the_model_ended(backend, models):
    """A first step so small that it changes nothing leaves the model's own predictions."""
    start = models[WORD]
    made = fitted(WORD, start=start, freeze=True, steps=1, learning_rate=1e-30, schedule="constant")
    assert bits(made.parameters) == bits(start.parameters)
    assert bits(made.state) == bits(start.state)


def test_odd_numbers_stay_as_they_are_in_frozen_layers(backend, models):
    """Minus zero, and numbers so small that processors flush them to zero."""
    start = models[GAP]
    parameters = start.parameters.copy()
    parameters[:4] = -0.0, 1e-42, -1e-42, 0.0
    state = start.state.copy()
    state[0] = -0.0
    start = type(start)(start.architecture, start.input_shape, CLASSES, start.preprocessing, parameters, state, {})
    made = fitted(GAP, start=start, freeze=True, optimizer="adamw", weight_decay=0.1, ema_decay=0.5)
    assert same(made, start, body(made)) == body(made)


@pytest.mark.parametrize(
    ("word", "frozen"), [(WORD, 3), (GAP, 5), ("conv8-bn-relu-conv8-bn-pool-res8-res16s2-bn-gap", 7), (GAP, 1)]
)
def test_both_engines_train_frozen_networks_alike(word, frozen):
    """Gradients of what learns are equal, those of what is frozen are 0, and frozen statistics are used."""
    rng = np.random.default_rng(3)
    net = network(word)
    pixels, labels = SHOWN.images, SHOWN.labels
    made = []
    for kind in (ReferenceEngine, CompiledEngine):
        engine = kind(net, (8, 8, 1), PLAIN, shard=16, threads=2, seed=7, frozen=frozen)
        engine.load(engine.layout.initial_parameters(net, (8, 8, 1), 4), None)
        made.append(engine)
    reference, compiled = made
    state = reference.state + rng.random(len(reference.state)).astype(np.float32)
    fixed, fixed_state = reference.layout.front(frozen)
    assert fixed
    for engine in made:
        engine.load(engine.parameters.copy(), state)
        engine.gradients(pixels, labels, np.arange(40), epoch=0, position=0)
        assert not engine.gradient[:fixed].any()
        assert bits(engine.state[:fixed_state]) == bits(state[:fixed_state])
        assert (engine.decay_mask()[:fixed] == 0).all()
    scale = np.abs(reference.gradient).max()
    np.testing.assert_allclose(compiled.gradient / scale, reference.gradient / scale, atol=3e-5)
    np.testing.assert_allclose(compiled.state, reference.state, rtol=1e-4, atol=1e-4)
    for engine in made:
        engine.close()
    observing = ReferenceEngine(net, (8, 8, 1), PLAIN, shard=16, threads=1, seed=7)
    observing.load(reference.parameters, state)
    observing.gradients(pixels, labels, np.arange(40), epoch=0, position=0)
    same = np.allclose(observing.gradient[fixed:] / scale, reference.gradient[fixed:] / scale, atol=1e-3)
    assert same == (fixed_state == 0)


def test_a_rate_is_found_for_a_training_that_starts_from_a_model(backend, models):
    given = {"classes": CLASSES, "settings": Settings(batch=16, shard=8, threads=1), "steps": 3}
    first = [
        find_rate(network(WORD), SHOWN, **given, start=start, freeze=freeze).losses[0]
        for start, freeze in ((None, False), (models[WORD], False), (models[WORD], True))
    ]
    assert len(set(first)) == 3
