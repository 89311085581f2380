"""A model: what it predicts, what it refuses, and its fingerprint."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from convlet.errors import ArchitectureError, DataError, SettingsError
from convlet.learning.losses import softmax
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.learning.views import parse_views
from convlet.model.model import Model
from convlet.network.layout import Layout
from convlet.random import MEMBER, derived_seed
from tests.training.examples import CLASSES, SHAPE, engine, network, stripes

pytestmark = pytest.mark.usefixtures("reference")

WORD = "conv3-bn-relu-pool-dropout0.5"


def make(**changes):
    """A model with initial parameters."""
    net = network(WORD)
    layout = Layout(net, SHAPE)
    given = {
        "architecture": WORD,
        "input_shape": SHAPE,
        "classes": CLASSES,
        "preprocessing": Preprocessing((100.0,), (50.0,)),
        "parameters": layout.initial_parameters(net, SHAPE, 3),
        "state": layout.initial_state(net, SHAPE) + np.float32(0.25),
        "settings": Settings(shard=8, threads=3).as_dict(),
    }
    return Model(**(given | changes))


def test_a_model_predicts_what_its_engine_predicts():
    model, images = make(), stripes(20).images
    made = engine(WORD, images, shard=8)
    made.preprocessing = model.preprocessing
    made.parameters[:], made.state[:] = model.parameters, model.state
    logits = model.logits(images)
    assert np.array_equal(logits, made.logits(images))
    assert np.array_equal(model.probabilities(images), softmax(logits))
    assert np.array_equal(model.predict(images), logits.argmax(1))
    assert model.predict(images).dtype == np.int64
    np.testing.assert_allclose(model.probabilities(images).sum(1), 1, rtol=1e-6)


def test_members_and_views_are_averaged():
    one, images = make(), stripes(20).images
    rng = np.random.default_rng(0)
    others = [one.parameters + rng.standard_normal(len(one.parameters)).astype(np.float32) for _ in range(2)]
    models = [one, *(make(parameters=other) for other in others)]
    settings = Settings(shard=8, members=3, views="shift1-flip").as_dict()
    parameters, states = (np.concatenate([getattr(m, name) for m in models]) for name in ("parameters", "state"))
    many = make(parameters=parameters, state=states, settings=settings)
    assert (many.members, many.parameter_count) == (3, 3 * one.parameter_count)
    shown = [m.logits(view.show(images)) for m in models for view in parse_views("shift1-flip")]
    np.testing.assert_allclose(many.logits(images), np.mean(shown, axis=0), rtol=1e-5, atol=1e-6)
    assert len(shown) == 30
    names = list(one.arrays())
    arrays = many.arrays()
    assert list(arrays) == [f"member{m}.{name}" for part in (names[:6], names[6:]) for m in (1, 2, 3) for name in part]
    np.testing.assert_array_equal(arrays["member2.0.conv.weights"], models[1].arrays()["0.conv.weights"])
    assert [many.member(number).sha256() for number in range(3)] == [m.sha256() for m in models]
    assert (many.member(2).settings["seed"], many.member(2).settings["views"]) == (
        derived_seed(0, MEMBER, 2),
        "shift1-flip",
    )
    counted_up = replace(many, numerics="1")
    assert [counted_up.member(number).settings["seed"] for number in range(3)] == [0, 1, 2]
    assert one.member(0) is one


def test_float_and_uint8_images_of_the_same_pixels_give_the_same_logits():
    model, images = make(), stripes(5).images
    for dtype in (np.float32, np.float64, np.int64):
        assert np.array_equal(model.logits(images.astype(dtype)), model.logits(images))


def test_threads_and_neighbours_change_nothing():
    model, images = make(), stripes(40).images
    expected = model.logits(images, threads=1).tobytes()
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda n: model.logits(images, threads=n % 3 + 1).tobytes(), range(16)))
    assert set(results) == {expected}


def test_no_images_give_no_rows():
    assert make().logits(stripes(0).images).shape == (0, 3)
    assert make().predict(stripes(0).images).shape == (0,)


def test_the_fingerprint_is_over_the_bytes_of_all_arrays():
    model = make()
    joined = model.parameters.tobytes() + model.state.tobytes()
    assert model.sha256() == hashlib.sha256(joined).hexdigest()
    changed = model.state.copy()
    changed[-1] = np.nextafter(changed[-1], np.float32(9))
    assert make(state=changed).sha256() != model.sha256()


def test_arrays_have_names_and_cannot_be_written_to():
    model = make()
    assert list(model.arrays()) == [
        "0.conv.weights",
        "0.conv.biases",
        "1.batch_norm.scale",
        "1.batch_norm.shift",
        "6.dense.weights",
        "6.dense.biases",
        "1.batch_norm.mean",
        "1.batch_norm.variance",
    ]
    assert sum(values.size for values in model.arrays().values()) == model.parameter_count + len(model.state)
    with pytest.raises(ValueError, match="read-only"):
        model.arrays()["0.conv.biases"][0] = 1


def test_a_model_keeps_its_own_copy_of_arrays_others_may_write_to():
    parameters = make().parameters.copy()
    model = make(parameters=parameters)
    before = model.sha256()
    parameters[:] = 0
    assert model.sha256() == before


def test_the_threads_are_no_part_of_a_model():
    assert "threads" not in make().settings
    assert make().settings["shard"] == 8
    assert make(settings={}).settings["shard"] == 16


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"state": np.zeros(3, np.float32)}, ValueError, f"{WORD} has 6 state, but got shape (3,)"),
        ({"settings": {"members": 2}}, ValueError, f"{WORD} has 366 parameters, but got shape (183,)"),
        (
            {"settings": {"epochs": 0}},
            SettingsError,
            "epochs must be a whole number from 1 to 2**32 - 1, but got 0",
        ),
        (
            {"input_shape": (1, 1, 1)},
            ArchitectureError,
            "layer 4 (pool): needs at least 2x2 pixels, but got 1x1 of shape 1x1x3; "
            "pool less before it or use larger images",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, kind, text):
    with pytest.raises(kind) as caught:
        make(**changes)
    assert str(caught.value) == text


def test_images_and_threads_that_cannot_be_used_are_refused():
    with pytest.raises(DataError) as caught:
        make().predict(np.zeros((2, 9, 8, 1), np.uint8))
    assert str(caught.value) == "the images must be 8x8x1, but got 9x8x1"
    with pytest.raises(SettingsError) as refused:
        make().predict(stripes(2).images, threads=0)
    assert str(refused.value) == "threads must be a whole number from 1 to 1024 or None, but got 0"
