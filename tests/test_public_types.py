"""Editors and type checkers know every public name: nothing is `Any`, and a misspelt name is an error."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import convlet

HERE = Path(__file__).parent
METHODS = ("fit", "partial_fit", "predict", "predict_proba", "predict_log_proba", "decision_function")


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What `mypy --strict` says of the user's script and of each public name, by line of the second file."""
    folder = tmp_path_factory.mktemp("types")
    names = [f"cv.{name}" for name in convlet.__all__] + [f"cv.ConvNetClassifier().{name}" for name in METHODS]
    asked = folder / "asked.py"
    asked.write_text("import convlet as cv\n\ncv.trian(1)\n" + "".join(f"reveal_type({name})\n" for name in names))
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--cache-dir",
        str(HERE.parent / ".mypy_cache" / "strict"),  # kept, and apart from that of other settings
    ]
    done = subprocess.run(
        [*command, str(HERE / "user_script.py"), str(asked)], cwd=HERE.parent, capture_output=True, text=True
    )
    assert "reveal" in done.stdout or "Revealed" in done.stdout, done.stdout + done.stderr
    return names, done.stdout.splitlines()


def test_a_script_with_every_public_name_is_clean(said):
    assert [line for line in said[1] if "user_script.py" in line] == []


def test_the_script_uses_every_public_name():
    script = (HERE / "user_script.py").read_text()
    assert [name for name in convlet.__all__ if f"cv.{name}" not in script] == []


def test_no_public_name_is_any(said):
    names, lines = said
    revealed = [re.search(r'Revealed type is "(.*)"', line)[1] for line in lines if "Revealed type" in line]
    assert len(revealed) == len(names)
    assert [name for name, kind in zip(names, revealed, strict=True) if kind in ("Any", "Unknown")] == []


def test_a_misspelt_name_is_an_error(said):
    assert any('has no attribute "trian"' in line for line in said[1])


def test_the_interpreter_finds_every_public_name():
    assert [name for name in convlet.__all__ if getattr(convlet, name, None) is None] == []
    with pytest.raises(AttributeError, match="module 'convlet' has no attribute 'trian'"):
        _ = convlet.trian
