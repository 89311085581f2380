"""The command line as a user meets it: results, files, and one line for everything that is wrong."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click import NoSuchOption
from PIL import Image

from convlet.cli import main
from tests.data.files import write_idx

DATA = "'digits', 'mnist', 'fashion-mnist'"

NO_SUCH_OPTION = NoSuchOption("--epoch", possibilities=["--epochs", "--step-epochs", "--report"]).format_message()
"""In click's words, which change from version to version."""


@pytest.fixture
def tiny(tmp_path):
    return str(write_idx(tmp_path / "tiny", images=90, test_images=30, size=(8, 8)))


def fails(capsys, arguments, message, code=2):
    assert main([str(argument) for argument in arguments]) == code
    came = capsys.readouterr().err
    assert came == f"convlet: {message}\n"


def test_compare_writes_what_it_shows(tiny, tmp_path, capsys):
    file, folder = tmp_path / "out.json", tmp_path / "results"
    words = ["conv4-relu-pool", "pool-conv4-relu"]
    arguments = ["compare", tiny, *words, "--epochs", "4", "--then", tiny, "--json", str(file), "--output", str(folder)]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    result = json.loads(file.read_text())
    assert [row["architecture"] for row in result["results"]] == words
    assert result["best"] in words
    assert result["then"]["architecture"] == result["best"]
    assert result["then"]["data"]["fingerprint"] == result["data"]["fingerprint"]
    data = result["data"]
    assert (data["train_images"], data["validation_images"], data["test_images"]) == (81, 9, 30)
    assert data["image_shape"] == [8, 8, 1]
    for row in result["results"]:
        low, high = row["test_error_interval"]
        assert low <= row["test_error"] <= high
        assert sum(map(sum, row["confusion_matrix"])) == 30
        assert len(row["history"]["validation_error"]) == 4
        assert row["architecture"] in shown
    best = min(result["results"], key=lambda row: (row["validation_error"], row["parameters"]))
    assert best["architecture"] == result["best"]
    assert json.loads((folder / "compare.json").read_text()) == result
    names = {f"{word}.safetensors" for word in words} | {f"then-{result['best']}.safetensors"}
    assert {path.name for path in folder.iterdir()} == names | {
        *("compare.json", "table.txt", "report.html", "config.json", "parts", ".lock")
    }


def test_the_same_command_gives_the_same_weights_for_any_number_of_threads(tiny, tmp_path):
    hashes = set()
    for threads in (1, 2, 1):
        file = tmp_path / "out.json"
        assert (
            main(["compare", tiny, "conv4-relu-pool", "--threads", str(threads), "--json", str(file), "--quiet"]) == 0
        )
        (row,) = json.loads(file.read_text())["results"]
        hashes.add((row["sha256"], row["test_error"], row["validation_error"]))
    assert len(hashes) == 1


def test_repeats_give_mean_and_spread(tiny, tmp_path):
    file = tmp_path / "out.json"
    assert main(["compare", tiny, "conv4", "--repeats", "3", "--epochs", "1", "--json", str(file), "--quiet"]) == 0
    (row,) = json.loads(file.read_text())["results"]
    errors = [run["test_error"] for run in row["repeats"]]
    assert row["test_error"] == pytest.approx(np.mean(errors))
    assert row["test_error_spread"] == pytest.approx(np.std(errors, ddof=1))
    assert len({run["sha256"] for run in row["repeats"]}) == 3


def test_train_evaluate_predict_inspect(tiny, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["train", tiny, "-a", "conv4-relu-pool", "--epochs", "30", "--output", str(run)]) == 0
    names = {"config.json", "history.jsonl", "model.safetensors", "result.json", "report.html", ".lock"}
    names |= {"checkpoint.safetensors", "checkpoint-best.safetensors"}
    assert {path.name for path in run.iterdir()} == names
    assert len((run / "history.jsonl").read_text().splitlines()) == 30
    assert json.loads((run / "config.json").read_text())["settings"]["epochs"] == 30
    model, file = str(run / "model.safetensors"), tmp_path / "out.json"
    assert main(["evaluate", model, tiny, "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    assert found["error"] == 0
    assert found["images"] == 30
    picture = tmp_path / "new.png"
    Image.fromarray(np.full((20, 16, 3), 130, np.uint8)).save(picture)
    capsys.readouterr()
    assert main(["predict", model, str(picture), "--json", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "made grey" in shown
    (row,) = json.loads(file.read_text())
    assert row["class"] == "2"
    assert row["notes"] == ["resized from 20x16 to 8x8", "made grey"]
    assert main(["inspect", model, "--json", str(file)]) == 0
    shown = json.loads(file.read_text())
    assert (shown["architecture"], shown["numerics"]) == ("conv4-relu-pool", "2")
    assert shown["arrays"]["0.conv.weights"] == [3, 3, 1, 4]
    assert shown["file_bytes"] == os.path.getsize(model)
    out = capsys.readouterr().out
    assert "trained with epochs 30, batch 32, optimizer adam" in out
    assert "numerics version 2" in out
    assert main(["inspect", "conv8-relu-pool", "--json", str(file)]) == 0
    layers = json.loads(file.read_text())["layers"]
    assert sum(row["parameters"] for row in layers) == 15_770
    message = f"--output {run}: already exists and is not empty; give another name"
    fails(capsys, ["train", tiny, "-a", "conv4", "--output", run], message)


def test_a_run_folder_is_a_model(tiny, tmp_path, capsys):
    run, both = tmp_path / "run", tmp_path / "both"
    assert main(["train", tiny, "-a", "pool", "--epochs", "1", "--quiet", "--output", str(run)]) == 0
    capsys.readouterr()
    shown = []
    for model in (run, run / "model.safetensors"):
        assert main(["inspect", str(model)]) == 0
        assert main(["evaluate", str(model), tiny]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    (run / "model.safetensors").rename(run / "other")
    said = "is a run without a model.safetensors yet; finish it with --resume"
    fails(capsys, ["predict", run, "a.png"], f"{run}: {said}")
    fails(
        capsys,
        ["evaluate", tiny, tiny],
        f"{tiny}: is a folder without a model.safetensors; give a model file or the folder of a run",
    )
    assert main(["compare", tiny, "pool", "--epochs", "1", "--quiet", "--output", str(both)]) == 0
    capsys.readouterr()
    said = f"is a comparison; give one of its models, as in {both / 'pool.safetensors'}"
    fails(capsys, ["inspect", both], f"{both}: {said}")


def test_runs_of_nothing_and_data_that_no_report_uses(tiny, tmp_path, capsys, monkeypatch):
    run = tmp_path / "run"
    fails(capsys, ["runs", run], f"{run}: there is no such folder; give one that holds runs")
    assert main(["train", tiny, "-a", "pool", "--epochs", "1", "--quiet", "--output", str(run)]) == 0
    fails(capsys, ["runs", run / "config.json"], f"{run / 'config.json'}: is not a folder; give the name of one")
    capsys.readouterr()
    message = f"--then {tiny}: the report of {run} uses no such data; leave it out"
    fails(capsys, ["report", run, "--then", tiny], message)
    monkeypatch.chdir(tmp_path / "run")
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == "there are no runs in runs; 'convlet train' makes one\n"


def test_data_commands(tmp_path, capsys):
    assert main(["data", "list"]) == 0
    assert "fashion-mnist" in capsys.readouterr().out
    file = tmp_path / "out.json"
    assert main(["data", "info", "digits", "--json", str(file)]) == 0
    assert "8 x 8 x 1" in capsys.readouterr().out
    found = json.loads(file.read_text())
    assert sum(found["images_per_class"]["test"]) == found["test_images"] == 359
    assert found["pixel_range"] == [0, 255]
    assert main(["data", "get", "digits"]) == 0
    assert capsys.readouterr().out == "digits ships with scikit-learn; nothing to download\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "mnits"], f"unknown data 'mnits': expected {DATA}, a folder or an .npz file; did you mean 'mnist'?"),
        (
            ["compare", "digits", "covn8"],
            "unknown token 'covn8' at position 1 of 'covn8'; did you mean 'conv8'?",
        ),
        (
            ["compare", "digits", "pool-pool-pool-pool"],
            "layer 4 (pool): needs at least 2x2 pixels, but got 1x1 of shape 1x1x1; pool less before it or use larger images",
        ),
        (["compare", "digits", "--epochs", "0"], "epochs must be a whole number from 1 to 2**32 - 1, but got 0"),
        (["compare", "--preset", "seven"], "unknown preset 'seven': expected six, six-linear, methods"),
        (
            ["compare", "digits", "conv8", "--preset", "six"],
            "--preset six and architectures were both given; give one of them",
        ),
        (["compare", "--repeats", "0"], "--repeats must be a whole number from 1, but got 0"),
        (["compare", "--batch", "x"], "Invalid value for '--batch': 'x' is not a whole number: expected one from 1, "
         "or 'all' for full batch"),
        (["compare", "--size", "3"], "Invalid value for '--size': '3' is not a size: expected height x width from 1x1 to "
         "1024x1024, as in 32x32"),
        (
            ["compare", "--train-images", "5"],
            "--train-images 5: there are 10 classes; ask for at least one image of each",
        ),
        (["comapre"], "unknown command 'comapre': expected compare, train, recipes, evaluate, predict, export, inspect, benchmark, report, runs, "
         "cache, data; did you "
         "mean 'compare'?"),
        (["compare", "--epoch", "3"], NO_SUCH_OPTION),
        (["data", "get", "minst"], "unknown data set 'minst': expected digits, mnist, fashion-mnist; did you mean 'mnist'?"),
        (["inspect", "conv8", "--input", "28"], "--input '28': expected height x width x channels, as in 28x28x1"),
    ],
    ids=lambda value: "-".join(value)[:40] if isinstance(value, list) else "",
)  # fmt: skip
def test_bad_input_is_one_line(capsys, arguments, message):
    fails(capsys, arguments, message)


def test_bad_files_are_one_line(tiny, tmp_path, capsys):
    lost = tmp_path / "no" / "x.json"
    message = f"--json {lost}: the folder {lost.parent} does not exist; make it first"
    fails(capsys, ["compare", "--json", lost], message)
    fails(capsys, ["compare", "--json", tmp_path], f"--json {tmp_path}: is a folder; give the name of a file")
    model = tmp_path / "model.safetensors"
    model.write_text("no model")
    assert main(["predict", str(model), "a.png"]) == 2
    came = capsys.readouterr().err
    assert came.startswith(f"convlet: {model}: ")
    assert came.count("\n") == 1
    (tmp_path / "tiny" / "t10k-labels-idx1-ubyte.gz").write_text("<html>")
    path = tmp_path / "tiny" / "t10k-labels-idx1-ubyte.gz"
    fails(capsys, ["compare", tiny], f"{path}: this is a web page or text, not an IDX file; get it again")


def test_a_model_meets_data_with_other_classes(tiny, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["train", tiny, "-a", "conv4", "--epochs", "1", "--output", str(run), "--quiet"]) == 0
    capsys.readouterr()
    message = (
        "digits has the classes 0, 1, 2, 3, 4, ... (10), but the model knows 0, 1, 2; "
        "evaluate it on data with its own classes"
    )
    fails(capsys, ["evaluate", run / "model.safetensors", "digits"], message)


def start(arguments, **environment):
    command = [sys.executable, "-m", "convlet", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env={**os.environ, "PYTHONUNBUFFERED": "1", **environment}, **pipes)


def test_ctrl_c_keeps_what_is_finished(tmp_path):
    file = tmp_path / "out.json"
    running = start(["compare", "digits", "conv4", "conv8-conv8-conv8-conv8", "--epochs", "150", "--json", str(file)])
    while not (line := running.stdout.readline()).startswith("[1/2] conv4: validation error "):
        assert line.startswith("[1/2] conv4: epoch ")  # how far a slow machine is
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted; missing: conv8-conv8-conv8-conv8" in out
    assert "Traceback" not in err
    result = json.loads(file.read_text())
    assert [row["architecture"] for row in result["results"]] == ["conv4"]
    assert result["missing"] == ["conv8-conv8-conv8-conv8"]


def test_importing_is_light_and_help_loads_little():
    code = (
        "import sys, convlet; convlet.__version__; "
        "heavy = {'sklearn', 'rich', 'numba', 'llvmlite', 'numpy', 'PIL', 'pooch'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    code = (
        "import sys; from convlet.cli import main; main(['--help']); "
        "heavy = {'sklearn', 'rich', 'numba', 'numpy', 'PIL', 'pooch'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "compare" in done.stdout


def test_a_second_run_does_not_load_numba(tiny):
    code = (
        "import sys; from convlet.cli import main; "
        f"code = main(['compare', {tiny!r}, 'conv4', '--epochs', '1', '--quiet']); "
        "assert code == 0; print('numba' in sys.modules)"
    )
    shown = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout for _ in range(2)]
    assert shown[1].splitlines()[-1] == "False"


@pytest.mark.parametrize("place", ["missing", "a file"])
def test_where_no_cache_can_be_written_kernels_live_in_memory(tiny, tmp_path, place):
    cache = tmp_path / "cache"
    cache.write_text("in the way")
    running = start(["compare", tiny, "conv4", "--epochs", "1", "--quiet"], CONVLET_CACHE=str(cache / place))
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    assert "best by validation error" in out
    assert err.count("\n") == err.count("compiled kernels cannot be kept") == 1


def test_a_damaged_cache_entry_is_compiled_again(tiny, tmp_path):
    def run():
        running = start(
            ["compare", tiny, "conv4", "--epochs", "1", "--json", str(file)], CONVLET_CACHE=str(tmp_path / "c")
        )
        _, err = running.communicate(timeout=120)
        assert running.returncode == 0, err
        return json.loads(file.read_text())["results"][0]["sha256"]

    file = tmp_path / "out.json"
    wanted = run()
    entries = sorted((tmp_path / "c").rglob("*.o"))
    assert entries
    whole = [hashlib.sha256(entry.read_bytes()).digest() for entry in entries]
    for number, entry in enumerate(entries):
        content = bytearray(entry.read_bytes())
        if number % 2:
            content[len(content) // 2] ^= 1
        entry.write_bytes(content if number % 2 else content[: len(content) // 3])
    assert run() == wanted
    assert len([hashlib.sha256(entry.read_bytes()).digest() for entry in entries]) == len(whole)
