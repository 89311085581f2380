"""Benchmarks run as they are from the command line, with tiny settings; no test looks at a time."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """`run(module, *arguments)`: what its main printed and the JSON it wrote."""

    def main(module, *arguments):
        file = tmp_path / "figures.json"
        words = [f"benchmarks/{module.__name__}.py", "--json", str(file), *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        module.main()
        return capsys.readouterr().out, json.loads(file.read_text())

    return main


@pytest.fixture(scope="session")
def small_mnist(tmp_path_factory):
    """A .npz of 28x28 images of ten classes, each with a bright row of its own."""
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 10
    images = rng.integers(0, 60, (400, 28, 28), np.uint8)
    images[np.arange(400), 4 + 2 * labels] += 180
    path = tmp_path_factory.mktemp("data") / "small.npz"
    np.savez(path, images=images, labels=labels)
    return path
