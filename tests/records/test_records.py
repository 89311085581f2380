"""What is written and passed is what its record says: real results, key by key and type by type."""

from __future__ import annotations

import json

import numpy as np
import pytest

from convlet.cli.main import main
from convlet.data.dataset import Dataset, ImageSet
from convlet.findings.findings import findings
from convlet.recipes.presets import Entry
from convlet.records.checkpoint import StateValues
from convlet.records.comparison import ComparisonResult, NetworkResult
from convlet.records.evaluation import EvaluationResult
from convlet.records.findings import Findings
from convlet.records.layers import Inspection
from convlet.records.prediction import PredictionRow
from convlet.records.run import CompareConfig, RunFacts, TrainConfig, TrainOrigin
from convlet.records.training import (
    EpochRow,
    History,
    TrainingFigures,
    add_epoch,
    copied,
    epochs_of,
    joined,
    mean_of_members,
)
from convlet.runs import checkpoint_file
from convlet.trials.comparison import Comparison
from tests.records.conforms import faults, keys

SETTINGS = ("--epochs", "2", "--batch", "8", "--threads", "1", "--quiet")


@pytest.fixture(scope="module", autouse=True)
def _reference():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVLET_BACKEND", "reference")
        yield


def images(count, seed):
    labels = np.arange(count, dtype=np.int64) % 3
    pixels = labels[:, None, None, None] * 60 + np.random.default_rng(seed).integers(0, 40, (count, 6, 6, 1))
    return ImageSet(pixels.astype(np.uint8), labels)


def data(name="tiny"):
    return Dataset(name, "made", ("cat", "dog", "eel"), images(24, 0), images(9, 1), images(30, 2))


@pytest.fixture(scope="module")
def comparison():
    """Two networks, two repeats, one more data set: everything that a result can hold."""
    given = {"epochs": 2, "batch": 8, "threads": 1}
    return Comparison(data(), [Entry("small", "conv2-pool"), Entry("line", "pool", {"epochs": 1})], given, 2, data("x"))


@pytest.fixture(scope="module")
def result(comparison):
    return comparison.run()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Run folders of a training of two members and of a comparison, and JSON of other commands."""
    place = tmp_path_factory.mktemp("records")
    np.savez(
        place / "d.npz",
        **{f"{name}_{what}": getattr(part, what) for name, part in data().parts for what in ("images", "labels")},
    )
    known = str(place / "d.npz")

    def convlet(*words):
        assert main([str(word) for word in words]) == 0

    convlet("train", known, "-a", "conv2-pool", "--members", 2, *SETTINGS, "--output", place / "train")
    convlet("train", known, "--from", place / "train", "--freeze", *SETTINGS, "--output", place / "from")
    convlet("compare", known, "conv2-pool", "pool", *SETTINGS, "--output", place / "compare")
    convlet("evaluate", place / "train", known, "--reject", 0.5, "--json", place / "evaluate.json")
    convlet("inspect", place / "train", "--json", place / "inspect.json")
    convlet("inspect", "conv2-pool", "--json", place / "word.json")
    convlet("runs", place, "--json", place / "runs.json")
    return place


def read(path):
    return json.loads(path.read_text())


def test_a_comparison_is_its_record(result):
    assert faults(result, ComparisonResult) == []
    assert faults(json.loads(json.dumps(result)), ComparisonResult) == []


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("train/config.json", TrainConfig),
        ("from/config.json", TrainConfig),
        ("compare/config.json", CompareConfig),
        ("compare/compare.json", ComparisonResult),
        ("evaluate.json", EvaluationResult),
        ("inspect.json", Inspection),
        ("word.json", Inspection),
    ],
)
def test_a_file_is_its_record(folder, name, record):
    assert faults(read(folder / name), record) == []


@pytest.mark.parametrize("name", ["train", "from", "compare/parts/pool-1"])
def test_a_finished_training_is_its_record(folder, name):
    found = read(folder / name / "result.json")
    assert faults(found["result"], TrainingFigures) == []
    assert faults(found["origin"], TrainOrigin) == []
    lines = (folder / name / "history.jsonl").read_text().splitlines()
    assert lines
    assert [fault for line in lines for fault in faults(json.loads(line), EpochRow)] == []


def test_runs_are_their_records(folder):
    found = read(folder / "runs.json")
    assert [run["state"] for run in found] == ["finished"] * 3
    assert [fault for run in found for fault in faults(run, RunFacts)] == []


def test_a_checkpoint_is_its_record(folder):
    state, origin = checkpoint_file.load(folder / "train" / "checkpoint.safetensors")
    assert faults(state.values, StateValues) == []
    assert set(state.values) - keys(StateValues)[0] == {"history", "members", "own_history"}
    assert faults(origin, TrainOrigin) == []


def test_predictions_are_their_records(folder, tmp_path):
    from PIL import Image

    Image.fromarray(images(1, 0).images[0, :, :, 0]).save(tmp_path / "one.png")
    words = ["predict", str(folder / "train"), str(tmp_path / "one.png"), "--json", str(tmp_path / "p.json")]
    assert main(words) == 0
    (row,) = read(tmp_path / "p.json")
    assert faults(row, PredictionRow) == []


def test_findings_are_their_record(comparison, result):
    found = findings(result, comparison.data, comparison.models.values(), comparison.then, threads=1)
    assert [study["of_test"] is not None and study["inside"] is not None for study in found["studies"]] == [True, True]
    assert faults(found, Findings) == []


def test_findings_without_models_are_their_record(result):
    assert faults(findings(result), Findings) == []


# --- what is done with a history


def test_a_history_is_columns_and_rows():
    rows = [
        EpochRow(
            epoch=epoch,
            train_loss=1.0 / epoch,
            train_error=0.5,
            validation_loss=None,
            validation_error=None,
            learning_rate=0.1,
            seconds=2.0,
        )
        for epoch in (1, 2)
    ]
    history = History()
    for row in rows:
        add_epoch(history, row)
    assert list(history) == list(rows[0])
    assert history["train_loss"] == [1.0, 0.5]
    assert epochs_of(history) == rows
    other = copied(history)
    add_epoch(other, rows[0])
    assert len(history["epoch"]) == 2


def test_the_histories_of_members_are_joined_and_averaged():
    first, second = History(epoch=[1, 2], train_loss=[3.0, 1.0]), History(epoch=[1], train_loss=[5.0])
    whole = joined([first, second])
    assert whole == {"member": [1, 1, 2], "epoch": [1, 2, 1], "train_loss": [3.0, 1.0, 5.0]}
    assert mean_of_members(whole) == {"epoch": [1, 2], "train_loss": [4.0, 1.0]}
    assert joined([first]) is first
    assert mean_of_members(first) is first


# --- the test is tested


def test_a_key_too_many_one_too_few_and_a_wrong_type_are_noticed(result):
    changed = json.loads(json.dumps(result))
    del changed["results"][0]["sha256"]
    changed["results"][0]["sha"] = ""
    changed["results"][1]["history"]["epoch"][0] = 1.5
    changed["results"][1]["headline"]["baseline"]["error"] = "none"
    found = faults(changed, ComparisonResult)
    assert ".results[0].sha256: is missing" in found
    assert ".results[0].sha: is unknown to NetworkResult" in found
    assert ".results[1].history.epoch[0]: float is not int" in found
    assert ".results[1].headline.baseline.error: str is not float" in found


def test_which_keys_a_record_must_have():
    required, optional = keys(NetworkResult)
    assert {"label", "architecture", "sha256", "history"} <= required
    assert {"settings", "repeats", "seed", "from", "test_copies", "headline"} <= optional
