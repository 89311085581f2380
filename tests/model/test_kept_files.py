"""Files written by earlier versions are read as what they were, for ever."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from convlet.model import header, model_file

KEPT = Path(__file__).parents[1] / "kept"
MODELS = sorted(KEPT.glob("model-*.safetensors"))


def test_every_version_has_a_file():
    assert {path.name.split("-")[1] for path in MODELS} == set(header.KEYS)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_an_old_model_is_what_it_was(path, monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    model, facts = model_file.load(path), json.loads(path.with_suffix(".json").read_text())
    assert model.architecture == facts["architecture"]
    assert list(model.input_shape) == facts["input_shape"]
    assert list(model.classes) == facts["classes"]
    assert model.preprocessing.as_dict() == facts["preprocessing"]
    assert model.numerics == facts["numerics"]
    assert {name: model.settings[name] for name in facts["settings"]} == facts["settings"]
    assert model.sha256() == facts["sha256"]
    for name in ("training_images", "rules"):
        value = getattr(model, name)
        assert (value and value.as_dict()) == facts.get(name)
    height, width, channels = model.input_shape
    images = (np.arange(4 * height * width * channels) * 37 % 251).astype(np.uint8)
    logits = model.logits(images.reshape(4, height, width, channels), threads=1)
    np.testing.assert_allclose(logits, facts["logits"], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_an_old_model_keeps_its_numerics_when_it_is_saved_again(path, tmp_path):
    model = model_file.load(path)
    model_file.save(model, tmp_path / "again")
    assert model_file.load(tmp_path / "again").numerics == model.numerics
