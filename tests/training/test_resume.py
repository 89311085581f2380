"""A training taken apart after any step and put together again ends where it would have ended."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.errors import CheckpointError, TrainingError
from convlet.learning.settings import Settings
from convlet.runs import checkpoint_file
from convlet.training.loop import train
from convlet.training.run import MOST_ROLLBACKS
from convlet.training.state import State
from tests.training.examples import CLASSES, network, stripes

pytestmark = pytest.mark.usefixtures("reference")

SHOWN, HELD_OUT = stripes(44), stripes(12, seed=1)


class Interrupted(Exception):
    pass


class Keeper:
    """Keeps the state in a file after the moment numbered `at`, and ends the training there."""

    def __init__(self, path, at=None):
        self.path, self.at, self.moments = path, at, 0

    def begin(self):
        return checkpoint_file.load(self.path)[0] if self.path.exists() else None

    def after_step(self, state, epoch_ended):
        if self.moments == self.at:
            checkpoint_file.save(self.path, state(), {})
            raise Interrupted
        self.moments += 1

    def end(self, state):
        self.ended = state.copy()


def run(keeper=None, word="conv3-bn-relu-pool-dropout0.3", held_out=HELD_OUT, **settings):
    given = Settings(**{"batch": 16, "shard": 8, "threads": 1, "epochs": 3} | settings)
    return train(network(word), SHOWN, held_out, classes=CLASSES, settings=given, keeper=keeper)


def without_clock(history):
    return {name: column for name, column in history.items() if name != "seconds"}


WAYS = [
    {"optimizer": "adamw", "weight_decay": 0.01, "ema_decay": 0.9, "clip_norm": 1.0},
    {"optimizer": "sgd", "schedule": "cosine", "patience": 1, "learning_rate": 0.1, "epochs": 4},
    {"optimizer": "rmsprop", "steps": 7, "on_nonfinite": "rollback", "label_smoothing": 0.1},
    {"held_out": stripes(50, seed=1), "learning_rate": 0.02, "epochs": 9, "perfect_epochs": 2, "keep": "best"},
    {"held_out": None, "batch": None, "optimizer": "adagrad"},
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way)))
def test_interrupted_after_any_step_it_ends_as_if_nothing_had_been(tmp_path, way):
    whole = Keeper(tmp_path / "none")
    expected = run(whole, **way)
    assert without_clock(expected.history) == without_clock(run(**way).history)
    assert whole.moments >= 6
    for at in range(whole.moments):
        path = tmp_path / f"{at}.safetensors"
        with pytest.raises(Interrupted):
            run(Keeper(path, at), **way)
        again = Keeper(path)
        result = run(again, **way)
        assert at + 1 + again.moments == whole.moments
        assert result.model.sha256() == expected.model.sha256()
        assert without_clock(result.history) == without_clock(expected.history)
        assert result.best_epoch == expected.best_epoch
        for name, values in whole.ended.arrays.items():
            assert np.array_equal(values, again.ended.arrays[name])


def test_interrupted_again_and_again(tmp_path):
    path, moments = tmp_path / "checkpoint", 0
    for _ in range(100):
        try:
            result = run(Keeper(path, 0))
            break
        except Interrupted:
            moments += 1
    assert moments == 12
    assert result.model.sha256() == run().model.sha256()


def spoil(monkeypatch, steps):
    """Let the loss be NaN at these calls of the engine."""
    from convlet.engine.reference import ReferenceEngine

    real, calls = ReferenceEngine.gradients, []

    def gradients(self, *arguments, **keywords):
        loss, wrong = real(self, *arguments, **keywords)
        calls.append(keywords["position"])
        return (float("nan") if len(calls) in steps else loss), wrong

    monkeypatch.setattr(ReferenceEngine, "gradients", gradients)
    return calls


def test_rollback_goes_to_the_beginning_of_the_epoch_with_half_the_learning_rate(monkeypatch):
    calls = spoil(monkeypatch, {5})
    result = run(schedule="constant", learning_rate=0.01, on_nonfinite="rollback")
    assert calls == [0, 16, 32, 0, 16, 0, 16, 32, 0, 16, 32]
    assert result.history["learning_rate"] == [0.01, 0.005, 0.005]
    assert result.history["epoch"] == [1, 2, 3]
    reason = "the loss is nan at epoch 2 of 3, step 5 of 9 (learning rate 0.01); lower --learning-rate"
    assert result.rollbacks == (reason,)


def test_rollback_undoes_every_trace(monkeypatch):
    """Whether an epoch was tried in vain at its second or its third step, what follows is the same."""
    found = []
    for step in (5, 6):
        with monkeypatch.context() as planted:
            spoil(planted, {step})
            found.append(run(on_nonfinite="rollback", ema_decay=0.5, patience=5))
    assert found[0].model.sha256() == found[1].model.sha256()
    assert without_clock(found[0].history) == without_clock(found[1].history)


def test_a_training_that_always_diverges_is_given_up(monkeypatch):
    calls = spoil(monkeypatch, set(range(3, 1000)))
    with pytest.raises(TrainingError) as caught:
        run(schedule="constant", learning_rate=0.01, on_nonfinite="rollback")
    assert str(caught.value) == (
        "the loss is nan at epoch 1 of 3, step 1 of 9 (learning rate 9.77e-06); lower --learning-rate, "
        "after going back 10 times with half the learning rate each"
    )
    assert len(calls) == 3 + MOST_ROLLBACKS


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda arrays, values: arrays.pop("slot.mean"), "expected the arrays parameters, state, slot.mean, "),
        (lambda arrays, values: arrays.update(parameters=np.zeros(3, np.float32)), "expected the arrays parameters, "),
        (lambda arrays, values: values.pop("place"), "'place'"),
        (lambda arrays, values: values["place"].update(more=1), "Place.__init__() got an unexpected keyword argument"),
        (lambda arrays, values: values.update(pace=None), "'NoneType' object is not subscriptable"),
    ],
)
def test_a_state_of_another_training_is_refused(tmp_path, change, text):
    path = tmp_path / "checkpoint"
    with pytest.raises(Interrupted):
        run(Keeper(path, 3))
    state, _ = checkpoint_file.load(path)
    arrays, values = dict(state.arrays), dict(state.values)
    change(arrays, values)
    checkpoint_file.save(path, State(arrays, values), {})
    with pytest.raises(CheckpointError) as caught:
        run(Keeper(path))
    assert str(caught.value).startswith(f"the checkpoint does not fit this training ({text}")
    assert str(caught.value).endswith("); begin a new run")


def test_a_due_checkpoint_passes_over_a_diverged_state(tmp_path):
    """With a checkpoint after each step or with none, a training that rolls back ends in the same model."""
    from convlet.learning.preprocessing import Preprocessing
    from convlet.model.model import Model
    from convlet.runs.checkpoints import Checkpoints

    settings = {"optimizer": "adam", "schedule": "constant", "learning_rate": 1e20, "on_nonfinite": "rollback"}
    word = "conv3-relu-conv3-relu"
    form = word, (8, 8, 1), CLASSES, Preprocessing.from_images(SHOWN.images)
    results = []
    for keeper in (None, Checkpoints(tmp_path, {}, lambda *vectors: Model(*form, *vectors, Settings().as_dict()), 0)):
        with pytest.raises(TrainingError) as caught:
            run(keeper, word, **settings)
        results.append(str(caught.value))
    assert results[0] == results[1]
    assert "after going back 10 times" in results[0]
    kept = tmp_path / "checkpoint.safetensors"
    state, _ = checkpoint_file.load(kept)
    assert all(np.isfinite(values).all() for values in state.arrays.values())
