"""The state of a training is captured and restored as a whole."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest

from convlet.errors import CheckpointError
from convlet.learning.averaging import RunningMean
from convlet.training.pace import Pace
from convlet.training.standing import Place, Standing
from convlet.training.state import State
from convlet.training.stopping import Best


class OneVector:
    """The part of an engine that a Standing uses."""

    def __init__(self):
        self.parameters, self.state = np.zeros(3, np.float32), np.zeros(2, np.float32)

    def load(self, parameters, state):
        self.parameters[:], self.state[:] = parameters, state


def standing():
    engine = OneVector()
    mean = RunningMean(0.9, engine.parameters, engine.state)
    return Standing(engine, {"m": np.zeros(3, np.float32)}, Pace(10, 60.0), mean, Best(2))


def changed(now):
    """Every field in another state than at the beginning."""
    now.engine.parameters[:], now.engine.state[:], now.slots["m"][:] = 1, 2, 3
    now.mean.means[0][:], now.mean.means[1][:] = 4, 5
    now.best.see(0.25, 1, np.full(3, 6, np.float32), np.full(2, 7, np.float32))
    now.best.see(0.5, 2, now.engine.parameters, now.engine.state)
    for _ in range(3):
        now.pace.advance()
    now.pace.look(30.0)
    now.anchor = now.capture(history=False).copy()
    now.place, now.history = Place(2, 32, 32, 1.5, 3, 0.01, 0.2), {"epoch": [1, 2]}
    now.images, now.train_seconds, now.began = 96, 1.25, now.began - 100
    now.rate_scale, now.rollbacks = 0.5, ["a loss that is not finite"]
    return now


def as_values(state):
    values = {name: value for name, value in state.values.items() if name != "seconds"}
    if "anchor" in values:
        values["anchor"] = {name: value for name, value in values["anchor"].items() if name != "seconds"}
    return values, {name: array.tolist() for name, array in state.arrays.items()}


def test_what_was_captured_is_restored_whole():
    before = changed(standing()).capture().copy()
    after = standing()
    after.restore(State(before.arrays, json.loads(json.dumps(before.values))))
    assert as_values(after.capture()) == as_values(before)
    assert after.capture().values["seconds"] == pytest.approx(before.values["seconds"], abs=5)


@pytest.mark.parametrize("name", [field.name for field in fields(Standing) if field.name not in ("engine", "slots")])
def test_every_field_is_part_of_what_is_captured(name):
    """A field that is added to a Standing and not captured would be lost by a checkpoint."""
    now, other = standing(), changed(standing())
    before = now.capture().copy()
    setattr(now, name, getattr(other, name))
    after = now.capture()
    same = as_values(after) == as_values(before)
    assert not same or abs(after.values["seconds"] - before.values["seconds"]) > 50


@pytest.mark.parametrize("lacks", ["place", "pace", "best", "images", "rate_scale"])
def test_a_state_of_another_kind_is_refused(lacks):
    state = changed(standing()).capture().copy()
    values = {name: value for name, value in state.values.items() if name != lacks}
    with pytest.raises(CheckpointError, match=r"^the checkpoint does not fit this training "):
        standing().restore(State(state.arrays, values))
