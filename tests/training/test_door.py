"""The door of every training: what it refuses, in train and in the rate finder alike."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from convlet.errors import ArchitectureError, CheckpointError, DataError
from convlet.layers import Dense, Flatten, ReLU, Sequential
from convlet.training import Settings, train
from convlet.training.rate_finder import find_rate
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
