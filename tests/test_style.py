"""Linter, formatter and type checker, as pinned in the test extra."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "arguments",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_the_code_is_clean(arguments):
    """The tools keep what they found in the folders that they use by hand too: a second run takes a second."""
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


LOOSE = "dict[str, " + "Any]"
MOST_LOOSE = 19
"""Dictionaries of anything that are left: JSON from outside before it is checked, options of the command line, and what
Python itself passes by name. A result, a state or a finding has a record in `convlet/records/`."""


def test_few_dictionaries_hold_anything():
    found = {path: path.read_text().count(LOOSE) for path in (ROOT / "convlet").rglob("*.py")}
    assert sum(found.values()) <= MOST_LOOSE, {str(path): count for path, count in found.items() if count}
