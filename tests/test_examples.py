"""The examples run, and say what they promise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(name, *arguments, cwd):
    command = [sys.executable, ROOT / "examples" / name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_convolution_by_hand_equals_the_layers(tmp_path):
    text = run("convolution_by_hand.py", cwd=tmp_path)
    assert text.count("= what convlet's") == 10
    assert "y[1][2] = 0.1 + 2*0.5 + 2*0.4 + 1*-0.1 + 2*0.3 + 1*-0.2 = 2.200" in text
    before, after = map(float, re.search(r"the loss was ([\d.]+) and is ([\d.]+)", text).groups())
    assert after < before == 1.3279


def test_the_comparison_ends_with_an_honest_error_and_a_report(tmp_path):
    text = run("compare_networks.py", "digits", tmp_path / "report.html", cwd=tmp_path)
    assert "best by validation error (*): " in text
    assert re.search(r"has \d+ of 359 test images wrong\.\nIts true error lies between", text)
    assert len(re.findall(r"test image \d+: a \d, taken for a \d \(loss [\d.]+\)", text)) == 3
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_pictures_with_scikit_learn(tmp_path):
    text = run("pictures_with_scikit_learn.py", cwd=tmp_path)
    assert "192 pictures to learn from, 48 to test with, classes circle, square, triangle" in text
    assert "chosen: conv8-relu-pool-conv16-relu-pool; on pictures it has never seen:" in text
    assert float(re.search(r"accuracy +([\d.]+)", text)[1]) > 0.7


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_every_example_is_tested_and_says_how_to_run_it(path):
    assert f'"{path.name}"' in Path(__file__).read_text()
    assert f"python examples/{path.name}" in path.read_text()
