"""`convlet benchmark` as a user meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from convlet.cli import main
from convlet.errors import RunError
from convlet.measure import benchmark, peak, profile
from tests.cli.test_failures import SLOW


@pytest.fixture
def _quick(monkeypatch):
    for name, value in {"REPEAT_SECONDS": 1e-6, "MOST_SECONDS": 0.0, "LEAST_REPEATS": 1}.items():
        monkeypatch.setattr(benchmark, name, value)
    monkeypatch.setattr(profile, "SECONDS", 0.0)
    monkeypatch.setattr(peak, "ALONE", (1e-5, 1))


SMALL = ["benchmark", "conv2-relu-pool", "--input", "6x6", "--batch", "5", "--threads", "1"]


@pytest.mark.usefixtures("_quick")
def test_a_small_network(tmp_path, capsys):
    file = tmp_path / "out.json"
    assert main([*SMALL, "--json", str(file)]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert lines[0] == "conv2-relu-pool"
    assert lines[1] == "6x6x1 images, batch 5, shards of 16, 210 parameters"
    assert "1 thread, measured peak " in lines[2]
    beginnings = [line.split("  ")[0] for line in lines]
    for name in ("conv2-relu-pool", "dense10", "gather", "loss", "update", "Python", "step"):
        assert name in beginnings
    result = json.loads(file.read_text())
    assert (result["input"], result["batch"], result["threads"]) == ("6x6x1", 5, 1)
    assert [row["layer"] for row in result["layers"]] == ["conv2-relu-pool", "dense10"]


@pytest.mark.usefixtures("_quick")
def test_the_reference_engine_says_so(capsys, monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    assert main(SMALL) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "no figures by layer, and no peak: the reference engine runs NumPy, not kernels of its own"


@pytest.mark.usefixtures("_quick")
def test_a_full_disk_does_not_take_the_table_away(tmp_path, capsys, monkeypatch):
    def full(path, value):
        raise RunError(f"{path}: cannot be written: No space left on device")

    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    monkeypatch.setattr("convlet.cli.options.write_json", full)
    file = tmp_path / "out.json"
    assert main([*SMALL, "--json", str(file)]) == 1
    out, err = capsys.readouterr()
    assert "training step" in out
    assert err == f"convlet: {file}: cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["conv8", "--input", "28"], "--input '28': expected height x width x channels, as in 28x28x1"),
        (["conv8", "--input", "28x00"], "--input '28x00': expected height x width x channels, as in 28x28x1"),
        (["conv8", "--input", "28x28x1x1"], "--input '28x28x1x1': expected height x width x channels, as in 28x28x1"),
        (["conv8", "--batch", "0"], "--batch must be a whole number from 1, but got 0"),
        (["conv8", "--batch", "many"], "Invalid value for '--batch': 'many' is not a valid integer."),
        (
            ["conv8", "--batch", "5000000000"],
            "batch must be a whole number from 1 to 2**32 - 1 or None, but got 5000000000",
        ),
        (["conv8", "--threads", "0"], "threads must be a whole number from 1 to 1024 or None, but got 0"),
        (["covn8"], "unknown token 'covn8' at position 1 of 'covn8'; did you mean 'conv8'?"),
        (
            ["pool-pool-pool-pool-pool"],
            "layer 5 (pool): needs at least 2x2 pixels, but got 1x1 of shape 1x1x1; pool less before it or use larger images",
        ),
        ([], "Missing argument 'ARCHITECTURE'."),
    ],
    ids=lambda value: "-".join(value)[:40] if isinstance(value, list) else "",
)  # fmt: skip
def test_bad_input_is_one_line_and_code_2(arguments, message, capsys):
    assert main(["benchmark", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"convlet: {message}\n")


def test_a_file_that_cannot_be_written_and_an_engine_that_is_none(tmp_path, capsys, monkeypatch):
    lost = tmp_path / "no" / "x.json"
    assert main(["benchmark", "conv8", "--json", str(lost)]) == 2
    assert (
        capsys.readouterr().err == f"convlet: --json {lost}: the folder {lost.parent} does not exist; make it first\n"
    )
    monkeypatch.setenv("CONVLET_BACKEND", "refrence")
    assert main(["benchmark", "conv8"]) == 2
    message = "CONVLET_BACKEND must be compiled or reference, but got 'refrence'; did you mean 'reference'?"
    assert capsys.readouterr().err == f"convlet: {message}\n"


def test_ctrl_c_is_one_line_and_leaves_no_file(tmp_path):
    word = "conv64k63-conv64k63"  # takes minutes
    code = (
        "import sys; from convlet.cli import main; from convlet.report.progress import LiveStages;"
        "LiveStages.begin = lambda self, text: print(text, flush=True);"
        f"sys.exit(main(['benchmark', {word!r}, '--threads', '1', '--json', {str(tmp_path / 'out.json')!r}]))"
    )
    environment = {**os.environ, "CONVLET_BACKEND": "reference"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, **pipes) as running:
        try:
            assert running.stdout.readline() == "measuring training\n"
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=60)
        finally:
            running.kill()
    assert (running.returncode, out, err.removeprefix(SLOW).strip("\n")) == (130, "", "convlet: interrupted")
    assert list(tmp_path.iterdir()) == []
