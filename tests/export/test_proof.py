"""The proof: which images, what is compared, and what is let through."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.errors import DataError, RunError
from convlet.export.graph import graph_of
from convlet.export.proof import Proof, agreement, check_agreement, made_up_images, proof_of, short
from tests.export.made import described, images_of, model_of

pytestmark = pytest.mark.usefixtures("reference")


def test_up_to_twenty_images_are_taken_evenly():
    model = model_of()
    images = images_of(model, 58)
    proof = proof_of(model, graph_of(model), images)
    np.testing.assert_array_equal(proof.images, images[::3])
    np.testing.assert_array_equal(proof.logits, model.logits(images[::3]))
    assert not proof.made_up
    assert len(proof_of(model, graph_of(model), images[:3]).images) == 3


def test_no_images_and_images_of_another_shape_are_refused():
    model = model_of()
    with pytest.raises(DataError) as caught:
        proof_of(model, graph_of(model), images_of(model, 0))
    assert str(caught.value) == "the images to check with are none; give at least one, or leave them out"
    with pytest.raises(DataError) as caught:
        proof_of(model, graph_of(model), np.zeros((2, 6, 7, 1), np.uint8))
    assert str(caught.value) == "the images to check with must be 6x7x2, but got 6x7x1"


def test_made_up_images_are_the_same_each_time_and_in_the_range_of_the_training_images():
    graph = graph_of(described(model_of(), 10, 40))
    images = made_up_images(graph)
    np.testing.assert_array_equal(images, made_up_images(graph))
    assert (images.shape, images.dtype) == ((20, 6, 7, 2), np.uint8)
    assert images.min() == 10
    assert images.max() == 40
    floats = made_up_images(graph_of(described(model_of(), -1.0, 1.0)))
    assert floats.dtype == np.float32
    assert -1 <= floats.min() < -0.9 < 0.9 < floats.max() <= 1
    assert (images[1, 0, 0] == images[1, 1, 1]).all(), "squares of two pixels"
    assert proof_of(model_of(), graph_of(model_of())).made_up


def test_a_file_holds_what_fits():
    logits = np.zeros((4, 3), np.float32)
    assert len(Proof(np.zeros((4, 8, 8, 1), np.uint8), logits, False).kept.images) == 4
    kept = Proof(np.zeros((4, 400, 500, 2), np.uint8), logits, False).kept
    assert len(kept.images) == len(kept.logits) == 2
    assert len(Proof(np.zeros((4, 1100, 1000, 1), np.uint8), logits, False).kept.images) == 1


def test_what_is_said():
    logits = np.array([[0, 1, 2], [5, 4, 3]], np.float32)
    proof = Proof(np.zeros((2, 1, 1, 1), np.uint8), logits, False)
    found = agreement(proof, logits + np.array([0, 0, 1e-6], np.float32))
    assert found.is_proof
    assert str(found) == "same class on 2 of 2 images, largest difference of a probability 2e-7"
    assert str(agreement(proof, logits)) == "same class on 2 of 2 images, largest difference of a probability 0"
    assert 1.8e-7 < found.logit < 2.1e-7
    check_agreement(found, "onnx")


@pytest.mark.parametrize("spoiled", [1e-3, 3.0, np.nan, np.inf])
def test_another_answer_is_no_proof(spoiled):
    logits = np.array([[0, 1, 2], [5, 4, 3]], np.float32)
    proof = Proof(np.zeros((2, 1, 1, 1), np.uint8), logits, False)
    theirs = logits.copy()
    theirs[1, 1] += spoiled
    found = agreement(proof, theirs)
    assert not found.is_proof
    if spoiled == 3.0:
        with pytest.raises(RunError) as caught:
            check_agreement(found, "onnx")
        assert str(caught.value) == (
            "the onnx export answers otherwise than the model: same class on 1 of 2 images, largest difference of a "
            "probability 6e-1 (at most 1e-4), of a logit 6e-1 of the spread (at most 1e-4); nothing was written, please "
            "report the architecture"
        )


def test_small_numbers_are_short():
    assert [short(value) for value in (0.0, 3.2e-7, 1e-4, 0.25, np.nan)] == ["0", "3e-7", "1e-4", "2e-1", "nan"]
