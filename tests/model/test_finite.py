"""Telling finite vectors from others, also where their sum overflows."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.errors import TrainingError
from convlet.model.finite import check_outputs, finite


@pytest.mark.parametrize("values", [[], [0, 1], [3e38, 3e38], [-3e38, -3e38, 1]])
def test_finite_vectors_pass(values):
    assert finite(np.array(values, np.float32))


@pytest.mark.parametrize("values", [[np.nan], [1, np.inf], [np.inf, -np.inf], [3e38, 3e38, np.nan]])
def test_others_do_not(values):
    assert not finite(np.array(values, np.float32))


@pytest.mark.parametrize(
    ("logits", "loss", "layer", "text"),
    [
        ([0, np.nan], np.nan, "layer 1 (tanh) x", "the loss is nan after step 1: layer 1 (tanh) x"),
        ([3e38, -3e38], np.inf, None, "the loss is inf after step 1"),
        ([0, -np.inf], 0.5, None, "the network's output is not finite after step 1"),
    ],
)
def test_outputs_after_an_update_and_their_loss_must_be_finite(logits, loss, layer, text):
    with pytest.raises(TrainingError) as caught:
        check_outputs(np.array([logits], np.float32), loss, "loss", "step 1", 0.5, lambda: layer)
    assert str(caught.value) == f"{text} (learning rate 0.5); lower --learning-rate"


def test_finite_outputs_name_no_layer():
    check_outputs(np.zeros((2, 3), np.float32), 0.5, "loss", "step 1", 0.5, lambda: pytest.fail("not to be asked"))
