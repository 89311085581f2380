"""Members: trained one after the other, kept while they train, and going on after any step to the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.errors import CheckpointError
from convlet.learning.settings import Settings
from convlet.random import MEMBER, derived_seed
from convlet.training.loop import train
from convlet.training.state import State
from tests.training.examples import CLASSES, network, set_clock, stripes

pytestmark = pytest.mark.usefixtures("reference")

GIVEN = {"batch": 16, "threads": 1, "epochs": 2, "members": 3, "seed": 5, "ema_decay": 0.5}


class Stop(Exception):
    """An interruption."""


class Memory:
    """A keeper that keeps the last state, and stops the training after so many tellings."""

    def __init__(self, stop_after=None, state=None):
        self.state, self.told, self.stop_after = state, 0, stop_after

    def begin(self):
        return self.state

    def after_step(self, state, epoch_ended):
        self.state = State({name: array.copy() for name, array in state().arrays.items()}, state().values)
        self.told += 1
        if self.told == self.stop_after:
            raise Stop

    def end(self, state):
        self.state = state.copy()


def run(keeper=None, **given):
    return train(
        network("conv2-bn-relu-dropout0.3-pool"),
        stripes(36),
        stripes(20, seed=1),
        classes=CLASSES,
        settings=Settings(**GIVEN | given),
        keeper=keeper,
    )


def test_a_stop_after_any_step_changes_nothing():
    whole, memory = run(), Memory()
    assert run(memory).model.sha256() == whole.model.sha256()
    assert memory.told == 3 * (6 + 2)
    for stop in range(1, memory.told + 1):
        keeper = Memory(stop_after=stop)
        with pytest.raises(Stop):
            run(keeper)
        again = run(Memory(state=keeper.state))
        assert again.model.sha256() == whole.model.sha256()
        for name in whole.history.keys() - {"seconds"}:
            assert again.history[name] == whole.history[name], name


def test_the_history_that_is_kept_is_the_whole_ones():
    keeper = Memory(stop_after=2 * 8 + 5)
    with pytest.raises(Stop):
        run(keeper)
    assert keeper.state.values["history"]["member"] == [1, 1, 2, 2, 3]
    assert keeper.state.values["history"]["epoch"] == [1, 2, 1, 2, 1]
    assert {f"member{m}.{name}" for m in (1, 2) for name in ("parameters", "state")} < keeper.state.arrays.keys()


def test_a_state_of_one_member_does_not_fit():
    keeper = Memory(stop_after=3)
    with pytest.raises(Stop):
        run(keeper, members=1)
    with pytest.raises(CheckpointError, match=r"^the checkpoint does not fit this training \('members'\); begin a new"):
        run(Memory(state=keeper.state))


def test_members_that_share_a_time_budget_take_as_many_steps(monkeypatch):
    ticks = iter(range(10**9))
    set_clock(monkeypatch, lambda: next(ticks) * 0.1)
    result = run(minutes=0.2)
    steps = result.model.settings["steps"]
    assert steps > 3
    alone = run(members=1, steps=steps, seed=derived_seed(5, MEMBER, 2))
    np.testing.assert_array_equal(result.model.member(2).parameters, alone.model.parameters)
