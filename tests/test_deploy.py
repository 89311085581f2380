"""docs/deploy.md: every command and every program in it runs, in the order in which they stand there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

TEXT = (Path(__file__).parent.parent / "docs" / "deploy.md").read_text()

BLOCK = re.compile(
    r"^```python\n(?P<program>.*?)^```$|^    (?P<command>(?:convlet|python) [^\n]*)$", re.DOTALL | re.MULTILINE
)


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each command and each program printed, by its text."""
    folder, found = tmp_path_factory.mktemp("deploy"), {}
    environment = {**os.environ, "CONVLET_BACKEND": "reference"}
    for match in BLOCK.finditer(TEXT):
        command = match["command"]
        words = ["-c", match["program"]] if command is None else shlex.split(command)[1:]
        if command and command.startswith("convlet "):
            words = ["-m", "convlet", *words]
        done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, (command or match["program"], done.stderr)
        found[command or match["program"]] = done.stdout
    return folder, found


def test_every_command_and_program_runs(said):
    _, found = said
    assert [shlex.split(text)[:2] for text in found if "\n" not in text] == [
        ["convlet", "train"],
        *3 * [["convlet", "export"]],
        ["convlet", "export"],
        ["python", "digits_net.py"],
    ]
    assert sum("\n" in text for text in found) == 3


def test_they_say_what_the_text_says(said):
    folder, found = said
    shown = next(printed for text, printed in found.items() if text.endswith("--to onnx --check digits"))
    assert shown.startswith("exported: digits.onnx\nproof: same class on 20 of 20 images, largest difference of a ")
    assert found["python digits_net.py"].startswith(
        "same class on 20 of 20 images, largest difference of a probability "
    )
    programs = [printed for text, printed in found.items() if "\n" in text]
    assert [printed.strip() in map(str, range(10)) for printed in programs[:2]] == [True, True]
    assert programs[0] == programs[1]
    assert programs[2].startswith("same class on 20 of 20 images")
    names = {"digits.onnx", "channels_first.onnx", "floats.onnx", "digits_net.py", "digits_net.safetensors"}
    assert names <= {path.name for path in folder.iterdir()}
