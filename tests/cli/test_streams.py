"""What becomes of the work if its output is closed, full, gone, narrow or of few characters."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
import time

import pytest
from rich.console import Console

from convlet.cli import main, streams
from convlet.report.tables import add, show, table
from tests.data.files import write_idx

pytestmark = pytest.mark.skipif(os.name != "posix", reason="its outputs are redirected by a shell")

SLOW = "CONVLET_BACKEND is 'reference': networks run in plain NumPy, many times slower than compiled\n"
FULL = "convlet: the output: No space left on device\n"


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Run a command line of ours in a folder with data; `convlet` in it is this one."""
    write_idx(tmp_path / "idx", images=90, test_images=30, size=(8, 8))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVLET_BACKEND", "reference")

    def run(line, **environment):
        line = line.replace("convlet", f"{shlex.quote(sys.executable)} -P -m convlet", 1)
        return subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, timeout=60, env=os.environ | environment
        )

    return run


TRAIN = "convlet train idx -a pool --epochs 1 --output run"


@pytest.mark.parametrize(
    ("outputs", "code", "said"),
    [
        (">&-", 0, SLOW),
        ("<&- >&- 2>&-", 0, ""),
        (">/dev/full", 1, SLOW + FULL),
        (">/dev/full 2>/dev/full", 1, ""),
        ("2>/dev/full >/dev/null", 0, ""),
        ("| true; exit ${PIPESTATUS[0]}", 1, SLOW),
    ],
)
def test_a_training_is_finished_whatever_becomes_of_its_output(shell, tmp_path, outputs, code, said):
    done = shell(f"{TRAIN} {outputs}")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", said)
    for name in ("model.safetensors", "result.json", "report.html"):
        assert (tmp_path / "run" / name).stat().st_size > 100
    assert not list(tmp_path.rglob(".convlet-*"))


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("convlet recipes >&-", 0, ""),
        ("convlet --help >&-", 0, ""),
        ("convlet --version >/dev/full", 1, FULL),
        ("convlet recipes >/dev/full", 1, FULL),
        ("convlet recipes | true; exit ${PIPESTATUS[0]}", 1, ""),
        ("convlet train nothing -a pool >&- 2>&-", 2, ""),
        ("convlet train nothing -a pool >/dev/full 2>/dev/full", 2, ""),
    ],
)
def test_a_command_that_only_shows_something(shell, line, code, said):
    done = shell(line)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", said)


def test_a_comparison_without_files_ends_when_its_reader_goes(shell):
    began = time.monotonic()
    done = shell("convlet compare idx conv8-conv8 conv9-conv9 --epochs 40 | true; exit ${PIPESTATUS[0]}")
    assert done.returncode == 1
    assert done.stderr in ("", SLOW)  # it ends at its first line, be that before or after the engine is chosen
    assert time.monotonic() - began < 50


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "\\xfc\\u2588"), ("latin-1", "ü\\u2588"), ("utf-8", "ü█")])
def test_what_an_encoding_does_not_have_is_written_out(shell, tmp_path, encoding, shown):
    from PIL import Image

    for name in ("b", "ü█"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(6):
            Image.new("L", (8, 8), 40 * number).save(tmp_path / "pictures" / name / f"{number}.png")
    done = shell("convlet data info pictures > out", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert f", {shown} 6\n" in (tmp_path / "out").read_text(encoding)


@pytest.mark.parametrize("columns", ["0", "00", "", "1", "7", "40", "-1", "x"])
def test_any_number_of_columns_shows_all_numbers(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["inspect", "conv16-relu-pool-dense32"]) == 0
    out = capsys.readouterr().out
    for text in ("28 x 28 x 16", "100,384", "112,896", "213,568", "parameters activations multiply-adds"):
        assert text in out


def test_a_table_folds_text_and_keeps_numbers_whole():
    made = table([("name", False), ("error", True)])
    add(made, ["conv16-relu-pool-conv32", "12.34 %"])
    for width in (1, 5, 20, 80):
        console = Console(file=io.StringIO(), width=width)
        show(console, made)
        text = console.file.getvalue()
        assert "12.34 %" in text
        left = "".join(text.replace("12.34 %", "").replace("error", "").split())
        assert left == "nameconv16-relu-pool-conv32"


def test_an_output_fails_once_and_is_silent_afterwards():
    for quiet in (False, True):
        with open("/dev/full", "w") as full:
            guarded = streams.Guarded(full, "the output", quiet)
            guarded.write("x")
            if quiet:
                guarded.flush()
            else:
                with pytest.raises(OSError, match="No space left on device") as caught:
                    guarded.flush()
                assert caught.value.filename == "the output"
            guarded.write("x" * 2**20)
            guarded.flush()
            guarded.detach()


def test_the_streams_of_a_caller_stay_as_they_are(capsys):
    before = sys.stdout, sys.stderr
    assert main(["--version"]) == 0
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out.startswith("convlet")
