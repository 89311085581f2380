"""The door of every training: what it refuses, in train and in the rate finder alike."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from convlet.errors import ArchitectureError, CheckpointError, DataError, SettingsError
from convlet.layers import Dense, Flatten, ReLU, Sequential
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.training.loop import train
from convlet.trials.rate_finder import find_rate
from tests.training.examples import CLASSES, ImageSet, network, stripes

pytestmark = pytest.mark.usefixtures("reference")

GOOD = stripes(12)
BAD = [
    (Sequential([Flatten(), Dense(2)]), GOOD, CLASSES, DataError,
     "the network puts out 2 numbers, but there are 3 classes; end it with Dense(3)"),
    (network("conv2"), GOOD, ("rows",), DataError, "training needs at least 2 classes, but got 1"),
    (network("conv2"), ImageSet(GOOD.images[:0], GOOD.labels[:0]), CLASSES, DataError,
     "training needs at least one image, but got none"),
    (network("conv2"), ImageSet(GOOD.images, GOOD.labels + 1), CLASSES, DataError,
     "the training labels must be from 0 to 2, but number 1 is 3; give as many class names as there are labels"),
    (network("conv2"), ImageSet(GOOD.images, GOOD.labels - 1), CLASSES, DataError,
     "the training labels must be from 0 to 2, but number 2 is -1; give as many class names as there are labels"),
    (network("conv2"), ImageSet(GOOD.images[..., 0], GOOD.labels), CLASSES, DataError,
     "the training images must be an array of shape (n, H, W, C), but got shape (12, 8, 8)"),
    (network("pool9"), GOOD, CLASSES, ArchitectureError,
     "layer 1 (pool9): needs at least 9x9 pixels, but got 8x8 of shape 8x8x1; pool less before it or use larger images"),
]  # fmt: skip


@pytest.mark.parametrize(("net", "images", "classes", "kind", "message"), BAD, ids=lambda value: str(value)[:30])
def test_train_and_find_rate_refuse_the_same(net, images, classes, kind, message):
    said = []
    for call in (train, find_rate):
        with pytest.raises(kind) as caught:
            call(net, images, classes=classes, settings=Settings(threads=1))
        said.append(str(caught.value))
    assert said == [message, message]


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"classes": ("rows", "plain", "rows")}, DataError, "each class needs a name of its own, but 'rows' is there 2 times"),
        ({"classes": (1, "1", 2)}, DataError, "each class needs a name of its own, but '1' is there 2 times"),
        ({"classes": "abc"}, DataError, "classes must be a tuple of names, but got 'abc'"),
        ({"classes": 3}, DataError, "classes must be a tuple of names, but got 3"),
        ({"settings": {"epochs": 1}}, SettingsError, "settings must be a convlet.Settings, but got {'epochs': 1}"),
        ({"settings": None}, SettingsError, "settings must be a convlet.Settings, but got None"),
        ({"network": "conv2"}, ArchitectureError, "the network must be a convlet.Sequential, but got 'conv2'"),
        ({"settings": Settings(class_weights=(1, 2))}, DataError,
         "class_weights must have one number for each of 3 classes, got 2"),
        ({"settings": Settings(batch=None, shard=1, threads=1, members=1), "network": network("dense65535-dense65535")},
         ArchitectureError, None),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
@pytest.mark.parametrize("call", [train, find_rate])
def test_names_settings_and_memory_pass_the_same_door(call, given, kind, message):
    whole = {"network": network("conv2"), "classes": CLASSES, "settings": Settings(threads=1)} | given
    with pytest.raises(kind) as caught:
        call(whole.pop("network"), GOOD, **whole)
    if message is None:
        assert str(caught.value).startswith("dense65535-dense65535: training with a batch of 12 on 1 thread needs ")
    else:
        assert str(caught.value) == message


@pytest.mark.parametrize("steps", [0, -1, 2.5, True, "3", 2**32])
def test_the_steps_of_the_rate_finder_are_checked(steps):
    with pytest.raises(SettingsError) as caught:
        find_rate(network("conv2"), GOOD, classes=CLASSES, settings=Settings(threads=1), steps=steps)
    assert str(caught.value) == f"steps must be a whole number from 1 to 2**32 - 1, but got {steps!r}"


def test_a_given_scale_must_be_of_the_images_channels():
    with pytest.raises(DataError) as caught:
        train(
            *(network("conv2"), GOOD),
            classes=CLASSES,
            settings=Settings(threads=1),
            preprocessing=Preprocessing((0.0,) * 3, (1.0,) * 3),
        )
    assert str(caught.value) == "the preprocessing is for 3 channels, but the training images are 8x8x1"


@pytest.mark.parametrize("part", ["train", "validation", "test"])
@pytest.mark.parametrize("label", [-1, 3, 255])
def test_a_data_set_by_hand_passes_the_door_before_a_comparison(part, label):
    """Labels outside the classes would be written outside an array when the time of a step is measured."""
    from convlet.data.dataset import Dataset
    from convlet.data.dataset import ImageSet as Part
    from convlet.recipes.presets import Entry
    from convlet.trials.comparison import Comparison

    parts = {name: Part(GOOD.images, GOOD.labels.copy()) for name in ("train", "validation", "test")}
    parts[part].labels[4] = label
    name = {"train": "training"}.get(part, part)
    with pytest.raises(DataError) as caught:
        Comparison(Dataset("by hand", "", CLASSES, **parts), (Entry("conv2", "conv2"),))
    assert str(caught.value) == (
        f"the {name} labels must be from 0 to 2, but number 4 is {label}; give as many class names as there are labels"
    )


def test_the_benchmark_checks_its_memory():
    from convlet.measure.benchmark import Benchmark

    with pytest.raises(
        ArchitectureError, match=r"^dense65535-dense65535: training with a batch of 16 on 1 thread needs "
    ):
        Benchmark("dense65535-dense65535", (32, 32, 3), 16, 1)


@pytest.mark.parametrize("other", ["dense4-relu", "conv2", "bn"])
def test_a_snapshot_of_another_network_is_refused(other):
    settings = Settings(threads=1, epochs=1)
    kept = train(network("dense5"), GOOD, classes=CLASSES, settings=settings).snapshot
    with pytest.raises(CheckpointError) as caught:
        train(network(other), GOOD, classes=CLASSES, settings=settings, start=kept)
    assert str(caught.value).startswith("the snapshot is of another network: expected ")
    assert str(caught.value).endswith("train from the beginning, or with the network it is of")


def test_the_message_of_a_snapshot_counts():
    settings = Settings(threads=1, epochs=1)
    kept = train(Sequential([Dense(3)]), GOOD, classes=CLASSES, settings=settings).snapshot
    unnamed = dataclasses.replace(kept, network=None)
    with pytest.raises(CheckpointError) as caught:
        train(Sequential([Dense(4), ReLU(), Dense(3)]), GOOD, classes=CLASSES, settings=settings, start=unnamed)
    assert str(caught.value) == (
        "the snapshot is of another network: expected 275 parameters and 0 running statistics, but got 195 and 0; "
        "train from the beginning, or with the network it is of"
    )


def test_a_snapshot_of_as_many_numbers_but_of_another_network_is_refused():
    settings = Settings(threads=1, epochs=1)
    kept = train(network("conv2-relu"), GOOD, classes=CLASSES, settings=settings).snapshot
    with pytest.raises(CheckpointError) as caught:
        train(network("conv2-tanh"), GOOD, classes=CLASSES, settings=settings, start=kept)
    assert str(caught.value) == (
        "the snapshot is of another network: expected conv2-tanh-flatten-dense3 on images of 8x8x1, but got "
        "conv2-relu-flatten-dense3 on 8x8x1; train from the beginning, or with the network it is of"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": np.zeros((1, 195), np.float32)},
        {"parameters": np.float32(0)},
        {"state": np.zeros(1, np.float32)},
        {"slots": {"mean": np.zeros(3, np.float32), "square": np.zeros(195, np.float32)}},
    ],
    ids=str,
)
def test_arrays_of_a_snapshot_of_another_size_are_refused(change):
    settings = Settings(threads=1, epochs=1)
    kept = train(Sequential([Dense(3)]), GOOD, classes=CLASSES, settings=settings).snapshot
    with pytest.raises(CheckpointError, match=r"^the snapshot is of another network: expected 195 parameters and 0 "):
        train(
            *(Sequential([Dense(3)]), GOOD),
            classes=CLASSES,
            settings=settings,
            start=dataclasses.replace(kept, **change),
        )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_snapshot_that_is_not_finite_is_refused(value):
    settings = Settings(threads=1, epochs=1)
    kept = train(Sequential([Dense(3)]), GOOD, classes=CLASSES, settings=settings).snapshot
    kept.parameters[5] = value
    with pytest.raises(CheckpointError) as caught:
        train(Sequential([Dense(3)]), GOOD, classes=CLASSES, settings=settings, start=kept)
    assert str(caught.value) == ("the snapshot has parameters or running statistics that are not finite; train again")


def test_another_optimizer_begins_anew_from_a_snapshot():
    kept = train(network("conv2"), GOOD, classes=CLASSES, settings=Settings(threads=1, optimizer="adam")).snapshot
    again = Settings(threads=1, optimizer="sgd", learning_rate=0.01)
    result = train(network("conv2"), GOOD, classes=CLASSES, settings=again, start=kept)
    assert np.isfinite(result.model.parameters).all()


def test_what_diverges_in_the_last_update_is_no_model():
    """Nothing follows the last update without validation images, so the network itself is looked at."""
    from convlet.errors import TrainingError

    settings = Settings(threads=1, steps=1, learning_rate=1e20, schedule="constant")
    with pytest.raises(TrainingError) as caught:
        train(network("conv4-relu-conv4-relu-conv4-relu"), stripes(64), classes=CLASSES, settings=settings)
    assert str(caught.value) == (
        "the loss of the first 64 training images is nan after epoch 1 of 1, step 1 of 1: layer 3 (conv4) puts out "
        "values that are not finite (learning rate 1e+20); lower --learning-rate"
    )


def test_large_finite_pixels_are_one_error_not_nan():
    from convlet.errors import PredictionError

    small = ImageSet(GOOD.images.astype(np.float32) * 1e-4, GOOD.labels)
    model = train(network("conv4-relu"), small, classes=CLASSES, settings=Settings(threads=1, epochs=1)).model
    images = small.images.copy()
    images[3] = 3e38
    for ask in (model.logits, model.predict, model.probabilities):
        with pytest.raises(PredictionError) as caught:
            ask(images)
        assert str(caught.value).startswith("image 3: the network's output is not finite: layer 1 (conv4) puts out ")
        assert str(caught.value).endswith(
            "values that are not finite; use pixels of the training images' range, or train the model again with a "
            "lower learning rate"
        )
