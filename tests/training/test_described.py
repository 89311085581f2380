"""What a training notes of its images: after the weights are made, and the same bytes however it came to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convlet.learning.settings import Settings
from convlet.model import model_file
from convlet.network.word import parse, with_head
from convlet.training import loop
from convlet.training.loop import train
from tests.cases import drawn

KEPT = Path(__file__).parent.parent / "kept"
CLASSES = tuple("0123456789")


def trained(held_out=True, **settings):
    network = with_head(parse("conv4-relu-pool"), 10)
    validation = drawn.digits(8, 1) if held_out else None
    return train(
        network, drawn.digits(20, 0), validation, classes=CLASSES, settings=Settings(epochs=2, **settings)
    ).model


@pytest.mark.parametrize("settings", [{}, {"keep": "best"}, {"ema_decay": 0.9}, {"members": 2}, {"views": "shift1"}])
def test_logits_kept_from_the_training_are_those_of_the_model(monkeypatch, settings):
    model = trained(**settings)
    assert model.training_images.scores.images == 80
    monkeypatch.setattr(
        loop, "_validation_logits", lambda model, members, held_out, threads: model.logits(held_out.images)
    )
    assert model_file.to_bytes(trained(**settings)) == model_file.to_bytes(model)


def test_the_bytes_do_not_depend_on_threads():
    first, *others = (model_file.to_bytes(trained(threads=threads)) for threads in (1, 2, 3))
    assert others == [first, first]


def test_without_validation_images_there_are_no_scores():
    like = trained(held_out=False).training_images
    assert like.scores is None
    assert like.drawn


def test_a_member_of_several_has_no_scores_and_a_copy_keeps_them():
    model = trained(members=2)
    assert model.member(1).training_images.scores is None
    assert model_file.from_bytes(model_file.to_bytes(model)).training_images == model.training_images


def test_a_model_says_what_is_unlike_and_an_older_one_nothing():
    model = drawn.model()
    image = drawn.digits(1, 3).images[:1]
    assert model.unlike(image) == [[]]
    assert model.unlike(255 - image)[0][0] == "dark on light, but the training images are light on dark"
    older = model_file.load(KEPT / "model-1-conv.safetensors")
    assert older.training_images is None
    assert older.unlike(np.zeros((2, *older.input_shape), np.uint8)) == [[], []]
    assert older.prepare(np.zeros((40, 30), np.uint8)).shape == older.input_shape
