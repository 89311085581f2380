"""The comparison of exported networks with convlet: what it prints and keeps, and that it fails where it must."""

from __future__ import annotations

import json

import numpy as np
import pytest

import export_onnx
from convlet.data import load
from convlet.network.word import parse

pytestmark = pytest.mark.usefixtures("reference")


def test_random_networks(tmp_path, capsys):
    file = tmp_path / "out.json"
    assert export_onnx.main(["--networks", "3", "--json", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[:3] for line in lines[2:]] == [
        ["| ONNX Runtime", "3", "0"],
        ["| onnx.reference", "3", "0"],
    ]
    kept = json.loads(file.read_text())
    assert kept["random"]["ONNX Runtime"]["worst"]["architecture"] == lines[2].split(" | ")[-1].removesuffix(" |")


def test_trained_networks_see_every_test_image(monkeypatch, capsys, small_mnist):
    monkeypatch.setattr(export_onnx, "load", lambda place: load(small_mnist))
    monkeypatch.setattr(export_onnx, "SIX", export_onnx.SIX[1:2])
    assert export_onnx.main(["--networks", "0", "--trained"]) == 0
    count = len(load(small_mnist).test)
    assert f"| mnist, pool-conv8-relu, seed 0, {count} images |" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [(1, 0.0), (0, 1e-3), (0, float("nan"))])
def test_a_difference_is_a_failure(monkeypatch, capsys, wrong):
    monkeypatch.setattr(export_onnx, "difference", lambda ours, theirs: wrong)
    assert export_onnx.main(["--networks", "1", "--reference", "0"]) == 1


def test_a_difference_is_a_fraction_of_the_spread():
    ours = np.array([[0.0, 2.0], [1.0, -2.0]])
    assert export_onnx.difference(ours, np.add(ours, [[0, 0.4], [0, 0]])) == (0, pytest.approx(0.1))
    assert export_onnx.difference(ours, -ours) == (2, pytest.approx(1.0))


def test_networks_are_drawn_again_for_the_same_seed():
    models = [export_onnx.drawn_model(seed) for seed in (0, 0, 1)]
    assert models[0].sha256() == models[1].sha256() != models[2].sha256()
    assert all(parse(model.architecture) for model in models)
