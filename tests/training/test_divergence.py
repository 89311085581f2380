"""A training that diverges, at whatever moment: where it stops, what it goes back to, and what it never keeps."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.engine.compiled import CompiledEngine
from convlet.engine.reference import ReferenceEngine
from convlet.errors import TrainingError
from convlet.learning.settings import Settings
from convlet.runs import checkpoint_file
from convlet.runs.checkpoints import Checkpoints
from convlet.training.loop import train
from tests.training.examples import CLASSES, network, stripes

SHOWN, HELD_OUT = stripes(44), stripes(12, seed=1)
ENGINES = {"reference": ReferenceEngine, "compiled": CompiledEngine}


@pytest.fixture(params=ENGINES)
def engine(request, monkeypatch):
    """Each engine in turn."""
    monkeypatch.setenv("CONVLET_BACKEND", request.param)
    return ENGINES[request.param]


def run(keeper=None, word="conv3-bn-relu-pool", held_out=HELD_OUT, on_epoch=None, **settings):
    given = {"batch": 16, "shard": 8, "threads": 1, "epochs": 3, "on_nonfinite": "rollback"}
    return train(
        *(network(word), SHOWN, held_out),
        classes=CLASSES,
        settings=Settings(**given | settings),
        keeper=keeper,
        on_epoch=on_epoch,
    )


def break_updates(monkeypatch, engine, numbers, vector="parameters"):
    """The updates with these numbers, from 1, leave NaN in a vector."""
    real, done = engine.update, []

    def update(self, *arguments):
        real(self, *arguments)
        done.append(1)
        if len(done) in numbers:
            getattr(self, vector)[0] = np.nan

    monkeypatch.setattr(engine, "update", update)
    return done


class Due:
    """A keeper whose checkpoint is due after every step; it saves each to a file. Ends the training after `last`."""

    def __init__(self, path, last=None):
        self.path, self.last, self.moments = path, last, 0

    def begin(self):
        return checkpoint_file.load(self.path)[0] if self.path.exists() else None

    def after_step(self, state, epoch_ended):
        checkpoint_file.save(self.path, state(), {})
        self.moments += 1
        if self.moments == self.last:
            raise KeyboardInterrupt

    def end(self, state):
        checkpoint_file.save(self.path, state, {})


def told(result):
    history = {name: column for name, column in result.history.items() if name != "seconds"}
    return result.model.sha256(), history, result.rollbacks, result.best_epoch


WAYS = [
    {},
    {"held_out": None},
    {"patience": 1, "optimizer": "sgd", "learning_rate": 0.1},
    {"ema_decay": 0.5, "steps": 8},
    {"members": 2, "epochs": 2},
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way)) or "plain")
def test_a_checkpoint_that_is_due_changes_nothing(tmp_path, monkeypatch, engine, way):
    """A divergence in the middle of an epoch and at its end; in the parameters, and in the running statistics."""
    for step, vector in ((2, "parameters"), (3, "state"), (5, "state"), (6, "parameters")):
        found = []
        for keeper in (None, Due(tmp_path / f"{step}")):
            with monkeypatch.context() as planted:
                break_updates(planted, engine, {step}, vector)
                found.append(told(run(keeper, **way)))
        assert found[0] == found[1]
        assert len(found[0][2]) == 1, step


@pytest.mark.parametrize("last", [1, 4, 5, 6, 9, 12])
def test_interrupted_before_or_after_a_divergence_it_ends_in_the_same_model(tmp_path, monkeypatch, engine, last):
    """The fifth update diverges, in the process that is interrupted or in the one that resumes."""
    found = []
    for keepers in ([None], [Due(tmp_path / "kept", last), Due(tmp_path / "kept")]):
        with monkeypatch.context() as planted:
            break_updates(planted, engine, {5})
            for keeper in keepers[:-1]:
                with pytest.raises(KeyboardInterrupt):
                    run(keeper)
            found.append(told(run(keepers[-1])))
    assert found[0] == found[1]
    assert len(found[0][2]) == 1


def test_with_stop_a_due_checkpoint_keeps_the_last_whole_state(tmp_path, monkeypatch, engine):
    path = tmp_path / "kept"
    break_updates(monkeypatch, engine, {5})
    with pytest.raises(TrainingError) as caught:
        run(Due(path), on_nonfinite="stop")
    assert str(caught.value) == (
        "layer 1 (conv3) has parameters that are not finite at epoch 2 of 3, step 6 of 9 (learning rate 0.00278); "
        "lower --learning-rate"
    )
    state, _ = checkpoint_file.load(path)
    assert state.values["pace"]["step"] == 4
    assert all(np.isfinite(values).all() for values in state.arrays.values())


def test_the_folder_of_a_run_saves_every_step_and_goes_back(tmp_path, monkeypatch, engine):
    break_updates(monkeypatch, engine, {2, 7})
    keeper = Checkpoints(tmp_path, {}, lambda *vectors: None, seconds=0)
    result = run(keeper, held_out=None)
    assert len(result.rollbacks) == 2
    assert np.isfinite(result.model.parameters).all()


def test_a_time_budget_ends_although_every_epoch_diverges_once(monkeypatch, engine):
    break_updates(monkeypatch, engine, {3, 9})
    result = run(minutes=0.002)
    assert np.isfinite(result.model.parameters).all()


@pytest.mark.parametrize("held_out", [None, HELD_OUT], ids=["without-validation", "with-validation"])
@pytest.mark.parametrize("ema_decay", [0.0, 0.5])
def test_what_the_last_update_did_is_found(engine, held_out, ema_decay):
    """Parameters of 1e12 are finite; what the network puts out is not."""
    given = {"optimizer": "adam", "learning_rate": 1e16, "schedule": "constant", "steps": 1, "ema_decay": ema_decay}
    name = "validation loss" if held_out else "loss of the first 44 training images"
    with pytest.raises(TrainingError) as caught:
        run(held_out=held_out, word="conv3-relu-conv3-relu-conv3", on_nonfinite="stop", **given)
    text = str(caught.value)
    assert text.startswith((f"the {name} is nan after epoch 1 of 1, step 1 of 1: layer ", f"the {name} is inf"))
    assert text.endswith(" puts out values that are not finite (learning rate 1e+16); lower --learning-rate")


def test_rollback_mends_what_the_last_update_did(engine):
    given = {"optimizer": "adam", "learning_rate": 1e14, "schedule": "constant", "steps": 2}
    with pytest.raises(TrainingError, match="after going back 10 times with half the learning rate each"):
        run(held_out=None, word="conv3-relu-conv3-relu-conv3", **given)


def test_engines_are_closed_when_a_training_diverges(engine, monkeypatch):
    closed, real = [], engine.close
    monkeypatch.setattr(engine, "close", lambda self: (closed.append(1), real(self)))
    break_updates(monkeypatch, engine, {1})
    with pytest.raises(TrainingError):
        run(on_nonfinite="stop")
    assert closed
