"""No JSON of ours holds NaN or Infinity, which no other program has to read."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest

import convlet
from convlet.cli import main
from convlet.system.atomic import write_json
from tests.data.files import write_idx

ROOT = Path(convlet.__file__).parent
ONLY_TEXTS = {
    "system/lock.py": "texts and whole numbers",
    "kernels/compiler/helpers.py": "a list of paths",
    "runs/checkpoints.py": "one call is read by people: what changed between two runs",
}
"""Where a call may leave the check out, and what it writes."""


def calls(path):
    """Whether each call of `json.dumps` in a file forbids what is not finite."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("json.dumps", "json.dump"):
            yield any(word.arg == "allow_nan" and ast.unparse(word.value) == "False" for word in node.keywords)


def test_every_call_forbids_what_is_not_finite():
    lax = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if not all(calls(path))}
    assert lax == set(ONLY_TEXTS)


def test_the_page_forbids_it_too():
    from convlet.report.page import _environment

    assert _environment().from_string("{{ x|tojson }}").render(x=[0.5, None]) == "[0.5, null]"
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        _environment().from_string("{{ x|tojson }}").render(x=np.nan)


def test_nothing_is_written_in_place_of_a_number_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        write_json(tmp_path / "out.json", {"error": float("nan")})
    assert not list(tmp_path.iterdir())


def strict(path):
    def refuse(name):
        raise AssertionError(f"{path} holds {name}")

    return json.loads(path.read_text(), parse_constant=refuse)


def test_figures_without_a_value_are_null(tmp_path, monkeypatch):
    """A class without images, no validation images, one step: every command that writes JSON."""
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    data = str(write_idx(tmp_path / "tiny", images=40, test_images=10, size=(8, 8)))
    run, files = str(tmp_path / "run"), [tmp_path / f"{name}.json" for name in "abcdef"]
    few = ["--validation", "0", "--steps", "1", "--quiet", "--threads", "1"]
    assert main(["train", data, "-a", "conv2", *few, "--output", run]) == 0
    assert main(["compare", data, "conv2", *few, "--repeats", "2", "--json", str(files[0])]) == 0
    assert main(["evaluate", run, data, "--json", str(files[1])]) == 0
    assert main(["inspect", run, "--json", str(files[2])]) == 0
    assert (
        main(["benchmark", "conv2", "--input", "8x8x1", "--batch", "4", "--threads", "1", "--json", str(files[3])]) == 0
    )
    assert main(["runs", str(tmp_path), "--json", str(files[4])]) == 0
    assert main(["data", "info", data, "--json", str(files[5])]) == 0
    assert strict(files[0])["results"][0]["validation_error"] is None
    for path in [*files, *Path(run).glob("*.json")]:
        strict(path)
