"""Early stopping: what is kept, and when waiting ends."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from convlet.learning.settings import Settings
from convlet.training.loop import train
from convlet.training.stopping import ENOUGH, Best, stays_perfect, stopped_perfect
from tests.training.examples import CLASSES, network, stripes


def test_the_best_is_kept_and_waiting_ends_after_so_many_epochs_without_a_better_one():
    best, values = Best(patience=2), np.zeros(1, np.float32)
    waited = []
    for epoch, score in enumerate([0.5, 0.4, 0.4, 0.3, 0.6, 0.3], start=1):
        values[0] = epoch
        best.see(score, epoch, values, values)
        waited.append(best.waited_enough)
    assert waited == [False, False, False, False, False, True]
    assert (best.epoch, best.score) == (4, 0.3)
    assert best.parameters.tolist() == best.state.tolist() == [4]


@pytest.mark.parametrize(
    ("errors", "epochs", "images", "stops"),
    [
        ([0.5, 0, 0], 2, 50, True),
        ([0.5, 0, 0], 3, 50, False),
        ([0, 0, 0.1], 2, 50, False),
        ([0], 2, 50, False),
        ([0, 0], 2, 49, False),
        ([0, 0], 0, 50, False),
        ([None, None], 2, 0, False),
        ([], 1, 50, False),
    ],
)
def test_when_validation_stays_perfect(errors, epochs, images, stops):
    assert stays_perfect(errors, epochs, images) == stops


def history(errors, **more):
    return {"epoch": list(range(1, len(errors) + 1)), "validation_error": errors} | more


@pytest.mark.parametrize(
    ("found", "settings", "text"),
    [
        (
            history([0.5, 0, 0]),
            {"epochs": 1000, "perfect_epochs": 2},
            "stopped after 3 of 1,000 epochs: no validation image was wrong in 2 epochs in a row",
        ),
        (history([0.5, 0, 0]), {"epochs": 3, "perfect_epochs": 2}, ""),
        (history([0.5, 0.5, 0]), {"epochs": 9, "perfect_epochs": 2}, ""),
        (
            history([0.5, 0]),
            {"epochs": 1, "steps": 70, "perfect_epochs": 1},
            "stopped after 2 epochs: no validation image was wrong in 1 epoch in a row",
        ),
        (
            history([0, 0.5, 0, 0.5, 0.5], member=[1, 2, 2, 3, 3]),
            {"epochs": 3, "perfect_epochs": 1},
            "stopped after 1 (member 1), 2 (member 2) of 3 epochs: no validation image was wrong in 1 epoch in a row",
        ),
    ],
)
def test_what_is_said_of_it(found, settings, text):
    assert stopped_perfect(found, settings, 50) == text
    assert stopped_perfect(found, settings, 49) == ""


@pytest.fixture(params=["reference", "compiled"])
def engine(request, monkeypatch):
    """Each engine in turn."""
    monkeypatch.setenv("CONVLET_BACKEND", request.param)


@pytest.mark.parametrize("members", [1, 2])
def test_a_training_ends_when_validation_stays_perfect(engine, members):
    def run(images=ENOUGH, **more):
        settings = Settings(batch=16, threads=1, epochs=30, learning_rate=0.02, members=members, **more)
        given = network("conv4-relu-pool"), stripes(120), stripes(images, seed=1)
        return train(*given, classes=CLASSES, settings=settings)

    found = run(perfect_epochs=2, keep="best")
    epochs, errors = found.history["epoch"], found.history["validation_error"]
    for first in [place for place, epoch in enumerate(epochs) if epoch == 1]:
        own = errors[first : first + 1 + next((k for k, e in enumerate(epochs[first + 1 :]) if e == 1), len(epochs))]
        assert own[-2:] == [0, 0]
        assert len(own) < 30
        assert all(map(any, pairwise(own[:-1])))
    said = stopped_perfect(found.history, found.model.settings, ENOUGH)
    assert said.endswith("of 30 epochs: no validation image was wrong in 2 epochs in a row")
    for whole in (run(), run(ENOUGH - 1, perfect_epochs=2)):
        assert len(whole.history["epoch"]) == 30 * members
