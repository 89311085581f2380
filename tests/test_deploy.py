"""docs/deploy.md: every command and every program in it runs, in the order in which they stand there."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from convlet.cli import main

pytest.importorskip("torch")

TEXT = (Path(__file__).parent.parent / "docs" / "deploy.md").read_text()

BLOCK = re.compile(
    r"^```python\n(?P<program>.*?)^```$|^    (?P<command>(?:convlet|python) [^\n]*)$", re.DOTALL | re.MULTILINE
)


def ours(words):
    """What a command of ours prints; in this process, as each of its own would load PyTorch again."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(words) == 0, words
    return out.getvalue()


def python(words):
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What each command and each program printed, by its text."""
    folder, found = tmp_path_factory.mktemp("deploy"), {}
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVLET_BACKEND", "reference")
        for match in BLOCK.finditer(TEXT):
            command = match["command"] or ""
            run = ours if command.startswith("convlet ") else python
            words = shlex.split(command)[1:] if command else ["-c", match["program"]]
            found[command or match["program"]] = run(words)
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
