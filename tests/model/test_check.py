"""A model that is no model is refused where it is built, copied, unpickled, loaded and saved, in the same words."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest

from convlet.errors import InputError, ModelFileError
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.model import model_file
from convlet.model.model import Model
from convlet.network.layout import Layout
from tests.training.examples import network

WORD, SHAPE, CLASSES = "conv2-bn-relu-res2", (4, 4, 2), ("a", "b", "c")


def made() -> Model:
    layout = Layout(network(WORD), SHAPE)
    vectors = layout.initial_parameters(network(WORD), SHAPE, 0), layout.initial_state(network(WORD), SHAPE)
    return Model(WORD, SHAPE, CLASSES, Preprocessing((1.0, 2.0), (1.0, 3.0)), *vectors, Settings().as_dict())


MODEL = made()
VARIANCES = [name for name in MODEL.arrays() if name.endswith(".variance")]


def with_value(vector, place, value):
    values = vector.copy()
    values[place] = value
    return values


def with_variance(name):
    values = MODEL.state.copy()
    MODEL.layout.state_views(values)[name][-1] = -1e-9
    return values


FLAWS = [
    ("parameters", with_value(MODEL.parameters, 0, np.nan), "the model has parameters that are not finite; train it again"),
    ("parameters", with_value(MODEL.parameters, -1, np.inf), "the model has parameters that are not finite; train it again"),
    ("state", with_value(MODEL.state, 3, -np.inf), "the model has running statistics that are not finite; train it again"),
    *(("state", with_variance(name), f"the model has a variance below 0 in {name}; train it again") for name in VARIANCES),
    ("parameters", MODEL.parameters[1:], f"{WORD} has 225 parameters, but got shape (224,)"),
    ("parameters", MODEL.parameters[None], f"{WORD} has 225 parameters, but got shape (1, 225)"),
    ("state", MODEL.parameters, f"{WORD} has 12 state, but got shape (225,)"),
    ("parameters", MODEL.parameters.astype(complex), "the model's parameters must be float32, but got complex128"),
    ("parameters", MODEL.parameters.astype(str), "the model's parameters must be float32, but got <U32"),
    ("parameters", MODEL.parameters.astype(float) * 1e300, "the model has parameters that are not finite; train it again"),
    ("classes", ("a", "b", "a"), "the model has 2 classes of the name 'a'; each needs its own"),
    ("classes", ("a",), "the model needs at least 2 classes, but got 1"),
    ("classes", "abc", "the model's classes must be a tuple of names, but got 'abc'"),
    ("classes", 3, "the model's classes must be a tuple of names, but got 3"),
    ("input_shape", (4, 4), "the model's input_shape must be three whole numbers from 1 to 65536, but got (4, 4)"),
    ("input_shape", (4.0, 4, 2), "the model's input_shape must be three whole numbers from 1 to 65536, but got (4.0, 4, 2)"),
    ("input_shape", (4, 4, True), "the model's input_shape must be three whole numbers from 1 to 65536, but got (4, 4, True)"),
    ("input_shape", (4, 4, 0), "the model's input_shape must be three whole numbers from 1 to 65536, but got (4, 4, 0)"),
    ("input_shape", 4, "the model's input_shape must be three whole numbers from 1 to 65536, but got 4"),
    ("preprocessing", Preprocessing((0.0,), (1.0,)), "the model has preprocessing for 1 channels, but images of 2"),
    ("preprocessing", None, "the model's preprocessing must be a Preprocessing, but got None"),
    ("numerics", "99", "the model's numerics must be 1 or 2, but got '99'"),
    ("numerics", 2, "the model's numerics must be 1 or 2, but got 2"),
    ("settings", [1], "settings must be names with their values, but got [1]"),
    ("settings", None, "settings must be names with their values, but got None"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "text"), FLAWS, ids=lambda value: value[:40] if isinstance(value, str) else type(value).__name__
)
def test_a_model_that_is_none_is_refused_where_it_is_built_and_unpickled(field, value, text):
    with pytest.raises(InputError) as caught:
        dataclasses.replace(MODEL, **{field: value})
    assert str(caught.value) == text
    changed = made()
    object.__setattr__(changed, field, value)
    kept = pickle.dumps(changed)
    for again in (lambda: pickle.loads(kept), lambda: copy.deepcopy(changed)):
        with pytest.raises(InputError) as caught:
            again()
        assert str(caught.value) == text


@pytest.mark.parametrize("field", ["parameters", "state", "classes", "input_shape", "preprocessing", "numerics"])
def test_what_was_changed_after_the_check_is_not_saved(tmp_path, field):
    for name, value, _ in FLAWS:
        if name == field:
            changed, path = made(), tmp_path / "m.safetensors"
            object.__setattr__(changed, field, value)
            with pytest.raises(ModelFileError):
                model_file.save(changed, path)
            assert not path.exists()


def test_numbers_of_other_types_become_the_models_own():
    changed = dataclasses.replace(
        MODEL,
        parameters=MODEL.parameters.astype(np.float64),
        input_shape=np.array(SHAPE),
        classes=np.array(CLASSES),
        preprocessing=Preprocessing(np.float32([1, 2]), [np.float64(1), 3]),
    )
    assert model_file.to_bytes(changed) == model_file.to_bytes(MODEL)


def test_an_estimators_pickle_shares_the_check():
    from convlet import ConvNetClassifier

    images = np.arange(6 * 64, dtype=np.uint8).reshape(6, 8, 8)
    fitted = ConvNetClassifier("dense2-relu", epochs=1, batch=4, n_jobs=1).fit(images, [0, 1] * 3)
    object.__setattr__(fitted.model_, "parameters", with_value(fitted.model_.parameters, 0, np.nan))
    with pytest.raises(InputError, match="the model has parameters that are not finite; train it again"):
        pickle.loads(pickle.dumps(fitted))
