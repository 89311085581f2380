"""What the command line keeps when something goes wrong, and what it says about it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convlet.cli import main
from convlet.errors import RunError
from tests.data.files import write_idx


@pytest.fixture
def tiny(tmp_path):
    return str(write_idx(tmp_path / "tiny", images=90, test_images=30, size=(8, 8)))


@pytest.fixture(autouse=True)
def _reference(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")


SLOW = "CONVLET_BACKEND is 'reference': networks run in plain NumPy, many times slower than compiled\n"


def start(arguments, **pipes):
    command = [sys.executable, "-m", "convlet", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | pipes
    return subprocess.Popen(command, env={**os.environ, "PYTHONUNBUFFERED": "1"}, text=True, **pipes)


def test_a_training_that_diverges_is_one_line_and_code_1(tiny, tmp_path, capsys):
    file = tmp_path / "out.json"
    words = ["conv2-relu-pool", "conv2"]
    diverges = ["--optimizer", "sgd", "--learning-rate", "1e38", "--epochs", "1", "--quiet"]
    assert main(["compare", tiny, *words, *diverges, "--json", str(file)]) == 1
    out, err = capsys.readouterr()
    assert err == "convlet: could not be trained: conv2-relu-pool, conv2; the output says why\n"
    for word, layer in zip(words, (5, 3), strict=True):
        place = f"epoch 1 of 1, step 2 of 3: layer {layer} (dense3) puts out values that are not finite"
        assert f"failed: {word}: the loss is nan at {place} (learning rate 5e+37); lower" in out
    assert [failure["label"] for failure in json.loads(file.read_text())["failed"]] == words
    assert main(["train", tiny, "-a", "conv2", *diverges, "--output", str(tmp_path / "run")]) == 1
    err = capsys.readouterr().err
    assert err.startswith("convlet: the loss is nan at epoch 1 of 1, step 2 of 3: layer 3 (dense3) puts out values ")
    assert err.count("\n") == 1
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        ".lock",
        "config.json",
        "failure.json",
        "history.jsonl",
    ]


def test_a_full_disk_does_not_take_the_table_away(tiny, tmp_path, capsys, monkeypatch):
    def full(path, value):
        raise RunError(f"{path}: cannot be written: No space left on device")

    monkeypatch.setattr("convlet.cli.options.write_json", full)
    file = tmp_path / "out.json"
    assert main(["compare", tiny, "pool", "--epochs", "1", "--json", str(file)]) == 1
    out, err = capsys.readouterr()
    assert "best by validation error (*): pool" in out
    assert err == f"convlet: {file}: cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "digits", "pool", "pool"], "'pool' was given 2 times; give each network once"),
        (
            ["compare", "digits", "--validation", "0"],
            "digits has no validation images to choose one of 6 networks by; raise --validation, as in --validation 0.1",
        ),
        (["train", "digits"], "Missing option '-a' / '--architecture', or '--recipe', or '--from'."),
        (
            ["train", "digits", "--recipe", "fats"],
            "unknown recipe 'fats': expected fast, standard, best; did you mean 'fast'?",
        ),
        (
            ["train", "digits", "-a", "conv4", "--augment", "shfit2"],
            "augment 'shfit2': unknown token 'shfit2'; write it as in 'shift2'",
        ),
        (
            ["train", "digits", "-a", "conv4", "--class-weights", "1,x"],
            "--class-weights '1,x': expected 'balanced', or numbers separated by commas, as in 1,1,5",
        ),
        (["train", "digits", "-a", "conv4", "--minutes", "0"], "minutes must be a finite number above 0, but got 0.0"),
        (["train", "--find-lr"], "Missing argument 'DATA'."),
        (
            ["compare", "--optimizer", "adm"],
            "unknown optimizer 'adm', expected sgd, adagrad, rmsprop, adam or adamw; did you mean 'adam'?",
        ),
        (["compare", "--threads", "0"], "threads must be a whole number from 1 to 1024 or None, but got 0"),
        (["inspect", "nothing.safetensors"], "nothing.safetensors: there is no such file; expected a model file such as model.safetensors"),
        (["evaluate", "nothing.safetensors", "digits"], "nothing.safetensors: there is no such file; expected a model file such as model.safetensors"),
    ],
    ids=[
        *("twice", "nothing to choose by", "no word", "recipe", "augment", "class weights", "minutes", "no data"),
        *("optimizer", "threads", "inspect", "evaluate"),
    ],
)  # fmt: skip
def test_one_line_and_code_2(arguments, message, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert err == f"convlet: {message}\n"
    assert out == ""


def test_nothing_is_written_where_the_input_is_refused(tiny, tmp_path, capsys):
    folder, file = tmp_path / "results", tmp_path / "out.json"
    assert main(["compare", tiny, "covn8", "--output", str(folder), "--json", str(file)]) == 2
    assert main(["compare", tiny, "pool-pool-pool-pool", "--output", str(folder), "--json", str(file)]) == 2
    assert main(["train", tiny, "-a", "pool-pool-pool-pool", "--output", str(folder)]) == 2
    assert not folder.exists()
    assert not file.exists()


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (PermissionError(13, "Permission denied", "secret.npz"), "secret.npz: Permission denied", 1),
        (OSError("something broke"), "something broke", 1),
        (OSError(24, "Too many open files"), "this process has too many files open; raise 'ulimit -n'", 1),
        (
            ImportError("cannot load libx.so\nand more"),
            "a library cannot be loaded: cannot load libx.so; install convlet again, or raise 'ulimit -v'",
            1,
        ),
        (KeyboardInterrupt(), "interrupted", 130),
        (
            MemoryError(),
            "there is not enough memory for this; use fewer images, a smaller --batch or a smaller network",
            1,
        ),
    ],
    ids=["permission", "system", "too many files", "library", "interrupt", "memory"],
)
def test_what_the_system_refuses_is_one_line(error, message, code, capsys, monkeypatch):
    def load(*arguments, **options):
        raise error

    monkeypatch.setattr("convlet.data.load", load)
    assert main(["compare"]) == code
    assert capsys.readouterr().err.strip("\n") == f"convlet: {message}"


def test_more_threads_than_processors_are_allowed(tiny):
    assert main(["compare", tiny, "pool", "--epochs", "1", "--threads", "64", "--quiet"]) == 0


def test_a_reader_that_goes_away_is_no_error(tiny):
    with start(["compare", tiny, "pool", "conv2", "--epochs", "1"]) as running:
        running.stdout.close()
        assert running.stderr.read() in ("", SLOW)
    assert running.returncode == 1


def test_ctrl_c_while_a_single_network_trains(tiny, tmp_path):
    folder = tmp_path / "run"
    running = start(["train", tiny, "-a", "conv8-conv8", "--epochs", "100000", "--quiet", "--output", folder])
    while not (folder / "config.json").exists() and running.poll() is None:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err.split("\n")[-2]) == (130, "", "convlet: interrupted")
    assert (folder / "config.json").exists()
    assert not (folder / "result.json").exists()


def test_a_run_without_a_name_never_meets_another(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for _ in range(3):
        assert main(["train", tiny, "-a", "pool", "--epochs", "1", "--quiet"]) == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == ["tiny-pool", "tiny-pool-2", "tiny-pool-3"]
    assert capsys.readouterr().out.splitlines()[-2] == "model: runs/tiny-pool-3/model.safetensors"


def test_a_word_longer_than_file_names_may_be(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    word = "-".join(["relu"] * 80)
    assert main(["compare", tiny, word, "--epochs", "1", "--output", "results", "--quiet"]) == 0
    assert f"{word[:120]}.safetensors" in os.listdir("results")
    assert main(["train", tiny, "-a", word, "--epochs", "1", "--quiet"]) == 0


def test_two_methods_with_one_architecture_have_their_own_files(tiny, tmp_path):
    folder = tmp_path / "results"
    arguments = ["compare", tiny, "--preset", "methods", "--epochs", "1", "--quiet", "--output", str(folder)]
    assert main(arguments) == 0
    result = json.loads((folder / "compare.json").read_text())
    words = [row["architecture"] for row in result["results"]]
    assert words[:2] == ["dense40", "dense40"]
    names = {f"{name}.safetensors" for name in (*words[1:], "dense40-2")}
    assert {path.name for path in folder.iterdir()} == names | {
        *("compare.json", "table.txt", "report.html", "config.json", "parts", ".lock")
    }
    marked = [line for line in (folder / "table.txt").read_text().splitlines() if line.startswith("*")]
    assert len(marked) == 1
    assert result["best_label"] in marked[0]


def test_a_current_folder_that_was_removed_is_said(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["train", "digits", "-a", "pool", "--output", "run"]) == 1
    assert capsys.readouterr().err == "convlet: the current folder was removed; go to another one\n"


def limited(limit, words):
    """The command line in a process of its own, under a limit of the shell's `ulimit`."""
    line = f"ulimit {limit}; exec {sys.executable} -P -m convlet {words}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}  # needs files
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, env=environment)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no such limits")
def test_too_little_address_space_is_refused_before_a_library_crashes(tmp_path):
    done = limited("-v 500000", f"train digits -a pool --output {tmp_path / 'run'}")
    message = "the address space is limited to 488 MiB, but at least 768 MiB are needed; raise the limit, as in"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"convlet: {message} 'ulimit -v unlimited'\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no such limits")
@pytest.mark.parametrize("limit", ["-v 900000", "-n 12"])
def test_tight_limits_are_enough(tiny, tmp_path, limit):
    done = limited(limit, f"train {tiny} -a pool --epochs 1 --quiet --output {tmp_path / 'run'}")
    assert (done.returncode, done.stderr) == (0, SLOW)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no such limits")
def test_a_limit_on_files_names_the_file(tiny, tmp_path):
    """A file that may not grow is what a full disk is."""
    words = f"train {tiny} -a dense300 --epochs 3 --save-every 0 --quiet --output {tmp_path / 'run'}"
    done = limited("-f 8", words)
    checkpoint, model = (tmp_path / "run" / f"{name}.safetensors" for name in ("checkpoint", "model"))
    assert done.returncode == 1
    assert done.stderr.removeprefix(SLOW).splitlines() == [
        f"no checkpoint was saved: {checkpoint}: cannot be written: File too large; training goes on without",
        f"convlet: {model}: cannot be written: File too large",
    ]
    assert not list(tmp_path.rglob(".convlet-*"))
