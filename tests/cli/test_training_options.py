"""`convlet train` with recipes, with everything a training may be told, and the search for a learning rate."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from convlet import load_model
from convlet.cli import main
from convlet.learning.settings import Settings
from tests.data.files import write_idx

WRITING = ("--pictures", "writing")


@pytest.fixture
def tiny(tmp_path):
    return str(write_idx(tmp_path / "tiny", images=90, test_images=30, size=(8, 8)))


def trained(tmp_path, *arguments):
    folder = tmp_path / "run"
    assert main(["train", *arguments, "--output", str(folder), "--quiet"]) == 0
    return folder, json.loads((folder / "config.json").read_text()), load_model(folder / "model.safetensors")


def test_a_recipe_chooses_what_is_not_given(tiny, tmp_path):
    _, config, model = trained(tmp_path, tiny, "--recipe", "fast", "--epochs", "2", "--seed", "3", *WRITING)
    assert (config["recipe"], config["settings"]["epochs"], config["settings"]["seed"]) == ("fast", 2, 3)
    assert config["settings"]["augment"] == "shift1"
    assert model.architecture == config["architecture"] != ""


def test_an_architecture_may_go_with_a_recipe(tiny, tmp_path):
    _, config, model = trained(tmp_path, tiny, "--recipe", "fast", "-a", "pool-conv4-relu", "--epochs", "1", *WRITING)
    assert model.architecture == config["architecture"] == "pool-conv4-relu"
    assert config["settings"]["augment"] == "shift1"


def test_every_setting_can_be_given(tiny, tmp_path, capsys):
    given = {
        **{"epochs": 3, "batch": 16, "optimizer": "adamw", "learning_rate": 0.01, "schedule": "linear"},
        **{"weight_decay": 0.01, "warm_up": 0.1, "clip_norm": 2.0, "augment": "flip-shift1", "label_smoothing": 0.1},
        **{"ema_decay": 0.9, "patience": 2, "monitor": "error", "members": 2, "views": "shift1-flip", "seed": 4},
        **{"perfect_epochs": 7, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-7, "on_nonfinite": "rollback"},
    }
    typed = [text for name, value in given.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    typed += ["--class-weights", "1,1,2"]
    _, config, model = trained(tmp_path, tiny, "-a", "pool-conv4-relu", *typed)
    assert {name: config["settings"][name] for name in given} == given
    assert config["settings"]["class_weights"] == [1.0, 1.0, 2.0]
    assert model.members == 2
    assert main(["evaluate", str(tmp_path / "run/model.safetensors"), tiny]) == 0
    assert main(["inspect", str(tmp_path / "run/model.safetensors")]) == 0
    assert "expected calibration error" in capsys.readouterr().out


def test_settings_of_sgd_can_be_given(tiny, tmp_path):
    given = {"optimizer": "sgd", "momentum": 0.8, "schedule": "step", "step_epochs": 1, "step_factor": 0.5}
    typed = [text for name, value in given.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    _, config, model = trained(tmp_path, tiny, "-a", "pool-conv4-relu", *typed, "--nesterov", "--epochs", "2")
    assert {name: config["settings"][name] for name in given} == given
    assert config["settings"]["nesterov"] is model.settings["nesterov"] is True
    assert list(config["settings"]) == [field.name for field in fields(Settings)]


def test_steps_and_minutes(tiny, tmp_path):
    _, config, model = trained(tmp_path, tiny, "-a", "pool-conv4-relu", "--minutes", "0.005")
    assert config["settings"]["minutes"] == 0.005
    steps = model.settings["steps"]
    assert model.settings["minutes"] is None
    assert (
        main(["train", tiny, "-a", "pool-conv4-relu", "--steps", str(steps), "--output", str(tmp_path / "again")]) == 0
    )
    assert load_model(tmp_path / "again/model.safetensors").settings == model.settings


def test_a_learning_rate_is_found_and_nothing_written(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["train", tiny, "-a", "pool-conv4-relu", "--find-lr"]) == 0
    lines = capsys.readouterr().out.splitlines()
    lines = lines[lines.index("pool-conv4-relu on tiny, adam") :]  # after the survey of the data
    assert lines[-1].startswith("suggestion, for the peak of a schedule: --learning-rate ")
    assert 1e-6 <= float(lines[-1].split()[-1]) <= 10
    assert sorted(tmp_path.iterdir()) == before
