"""When checkpoints are saved, what is kept, and what a failing disk costs."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.errors import CheckpointError
from convlet.model import model_file
from convlet.runs import checkpoint_file, checkpoints
from convlet.runs.checkpoints import BEST, NEWEST, PREVIOUS, Checkpoints, changes, differences
from convlet.system import atomic
from convlet.training.state import State
from tests.model_files import joined, make, split

ORIGIN = {"settings": {"epochs": 3}, "architecture": "bn-gap"}


def state(number=1.0, best=None, epochs=1):
    """A state that can be told apart."""
    model = make()
    arrays = {"parameters": np.full(6, number, np.float32), "state": np.zeros(2, np.float32)}
    if best is not None:
        arrays |= {"best.parameters": model.parameters, "best.state": model.state}
    history = {"epoch": list(range(1, epochs + 1)), "train_loss": [0.5] * epochs}
    return State(arrays, {"history": history, "best": None if best is None else {"epoch": best}})


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the test moves; saving takes `cost` of its seconds."""

    class Clock:
        now, cost, saved = 0.0, 0.0, 0

    def save(self, given):
        Clock.now += Clock.cost
        Clock.saved += 1

    monkeypatch.setattr(checkpoints, "monotonic", lambda: Clock.now)
    monkeypatch.setattr(Checkpoints, "save", save)
    return Clock


def keeper(folder, **more):
    return Checkpoints(folder, ORIGIN, lambda parameters, state: make(), **more)


def saves(clock, kept, steps, step_seconds, epoch_steps):
    """How often a training of so many steps is saved."""
    kept.begin()
    for step in range(1, steps + 1):
        clock.now += step_seconds
        kept.after_step(lambda: None, False)
        if step % epoch_steps == 0:
            kept.after_step(lambda: None, True)
    return clock.saved


@pytest.mark.parametrize(
    ("step_seconds", "epoch_steps", "cost", "expected"),
    [
        (0.01, 100_000, 0.01, 16),  # 1,000 s: every minute
        (0.01, 1_000, 0.01, 100),  # each epoch of 10 s
        (0.01, 1, 0.01, 800),  # epochs of 10 ms: as often as 0.8 % allows
        (0.01, 1, 4.0, 2),  # a very slow disk
        (2.0, 100_000, 0.01, 100_000),  # steps of 2 s: after each
    ],
)
def test_saves_come_when_they_are_due_and_take_under_one_percent(tmp_path, clock, step_seconds, epoch_steps, cost, expected):  # fmt: skip
    clock.cost = cost
    found = saves(clock, keeper(tmp_path), 100_000, step_seconds, epoch_steps)
    assert found == pytest.approx(expected, rel=0.07)
    assert found * cost <= 0.0101 * (100_000 * step_seconds) + cost


def test_zero_seconds_are_after_each_step(tmp_path, clock):
    assert saves(clock, keeper(tmp_path, seconds=0.0), 50, 1e-6, 10) == 55


def test_a_stop_saves_first(tmp_path):
    asked = [None, KeyboardInterrupt()]
    kept = keeper(tmp_path, stop=lambda: asked.pop(0))
    kept.after_step(state, False)
    assert not (tmp_path / NEWEST).exists()
    with pytest.raises(KeyboardInterrupt):
        kept.after_step(state, False)
    assert kept.begin() is not None


def test_the_last_two_and_the_best_are_kept(tmp_path):
    kept = keeper(tmp_path)
    for number, best in ((1, None), (2, 1), (3, 1)):
        kept.save(state(number, best, epochs=number))
    for name, number in ((NEWEST, 3), (PREVIOUS, 2)):
        assert checkpoint_file.load(tmp_path / name)[0].arrays["parameters"][0] == number
    assert model_file.load(tmp_path / BEST).sha256() == make().sha256()
    assert (tmp_path / "history.jsonl").read_text().count("\n") == 3
    assert {path.name for path in tmp_path.iterdir()} == {NEWEST, PREVIOUS, BEST, "history.jsonl"}


def test_where_files_have_no_second_name_two_are_kept_all_the_same(tmp_path, monkeypatch):
    def refuse(*names):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    test_the_last_two_and_the_best_are_kept(tmp_path)


def test_a_full_disk_costs_a_warning_and_leaves_what_was_there(tmp_path, monkeypatch, caplog):
    kept = keeper(tmp_path, seconds=0.0)
    kept.after_step(state, False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as planted:
        planted.setattr(atomic.os, "write", full)
        kept.after_step(lambda: state(2.0), False)
        kept.end(state(3.0))
    path = tmp_path / NEWEST
    said = f"no checkpoint was saved: {path}: cannot be written: No space left on device; training goes on without"
    assert caplog.messages == [said]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".tmp"} == before
    kept.after_step(lambda: state(4.0), False)
    assert caplog.messages == [said, "checkpoints are saved again"]
    assert kept.begin().arrays["parameters"][0] == 4


def test_another_origin_is_refused(tmp_path):
    keeper(tmp_path).save(state())
    other = Checkpoints(tmp_path, ORIGIN | {"engine": "x" * 50}, lambda parameters, state: make())
    with pytest.raises(CheckpointError) as caught:
        other.begin()
    assert str(caught.value) == (
        f"{tmp_path}: cannot go on, because of what changed: engine (null before, {'x' * 37}... now); begin a new run"
    )


def test_differences_are_named():
    assert (
        differences({"a": 1, "b": {"c": [1], "d": 2}}, {"a": 1, "b": {"c": [2], "d": 2}}) == "b c ([1] before, [2] now)"
    )
    assert differences({"a": 1}, {"b": "x"}) == "a (1 before, null now), b (null before, x now)"
    assert differences({}, {}) == ""


def test_a_setting_that_did_not_exist_had_its_default():
    now = {"engine": "x", "settings": {"epochs": 3, "perfect_epochs": 0, "keep": "last"}}
    assert changes({"engine": "x", "settings": {"epochs": 3}}, now) == ""
    assert (
        changes({"engine": "x", "settings": {"epochs": 3, "keep": "best"}}, now)
        == "settings keep (best before, last now)"
    )
    now["settings"]["perfect_epochs"] = 5
    assert changes({"engine": "x", "settings": {"epochs": 3}}, now) == "settings perfect_epochs (0 before, 5 now)"
    assert changes({"given": {}}, {"given": {"epochs": 3}}) == "given epochs (null before, 3 now)"


@pytest.mark.parametrize("place", ["parameters", "state"])
def test_numbers_that_are_not_finite_are_never_saved(tmp_path, place):
    spoiled = state()
    spoiled.arrays[place][-1] = np.nan
    path = tmp_path / NEWEST
    with pytest.raises(CheckpointError) as caught:
        checkpoint_file.save(path, spoiled, {})
    assert str(caught.value) == f"{path}: the {place} are not finite, so they are not saved"
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "convlet-model"}, "is no convlet checkpoint: expected the format 'convlet-checkpoint' in its metadata"),
        ({"version": "2"}, "has a version this convlet does not know, expected 1; begin a new run"),
        ({"more": "x"}, "has metadata other than format, version, origin, values, sha256"),
        ({"values": "[]"}, "describes no training"),
        ({"origin": "3"}, "describes no training"),
        ({"values": "{"}, "is no checkpoint file: its header is not valid JSON"),
    ],
)  # fmt: skip
def test_metadata_that_is_no_checkpoint_s(tmp_path, change, reason):
    path = tmp_path / NEWEST
    checkpoint_file.save(path, state(), ORIGIN)
    header, payload = split(path.read_bytes())
    header["__metadata__"] |= change
    path.write_bytes(joined(header, payload))
    with pytest.raises(CheckpointError) as caught:
        checkpoint_file.load(path)
    assert str(caught.value) == f"{path}: {reason}"


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    path = tmp_path / NEWEST
    given = state(np.float32(1 / 3), best=2)
    checkpoint_file.save(path, given, ORIGIN)
    back, origin = checkpoint_file.load(path)
    assert (back.values, origin) == (given.values, ORIGIN)
    assert list(back.arrays) == list(given.arrays)
    for name, values in given.arrays.items():
        assert np.array_equal(back.arrays[name], values)
    data = bytearray(path.read_bytes())
    for bit in range(0, 8 * len(data), 7):
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        with pytest.raises(CheckpointError):
            checkpoint_file.load(path)
        data[bit // 8] ^= 1 << bit % 8
