"""Runs that are stopped go on, and end as if nothing had been; runs that changed do not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from convlet.cli import main
from convlet.runs import checkpoint_file
from convlet.system.lock import Lock
from tests.cli.test_failures import SLOW
from tests.data.files import write_idx

pytestmark = pytest.mark.skipif(os.name != "posix", reason="other systems have other signals")
WORD = "conv2-bn-relu-pool-dropout0.2"


@pytest.fixture
def tiny(tmp_path):
    return str(write_idx(tmp_path / "tiny", images=90, test_images=30, size=(8, 8)))


@pytest.fixture(autouse=True)
def _reference(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")


def start(arguments, **more):
    command = [sys.executable, "-m", "convlet", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def wait_for(path, running):
    while not path.exists() and running.poll() is None:
        time.sleep(0.01)
    assert path.exists(), running.communicate()


def fails(capsys, arguments, message):
    assert main([str(argument) for argument in arguments]) == 2
    assert capsys.readouterr().err == f"convlet: {message}\n"


def without_clock(path):
    """The JSON of a file, less what a clock said."""

    def strip(value):
        if isinstance(value, dict):
            clocks = ("seconds", "train_seconds", "images_per_second")
            return {key: strip(inner) for key, inner in value.items() if key not in clocks}
        return [strip(inner) for inner in value] if isinstance(value, list) else value

    return strip(json.loads(path.read_text()))


@pytest.mark.parametrize(("number", "code", "said"), [
    (signal.SIGINT, 130, "interrupted"),
    (signal.SIGTERM, 143, "asked to end"),
])  # fmt: skip
def test_a_stopped_training_goes_on_to_the_same_model(tiny, tmp_path, number, code, said):
    train = ["train", tiny, "-a", WORD, "--epochs", "300", "--quiet", "--save-every", "0.2"]
    assert main([*train, "--output", str(tmp_path / "whole")]) == 0
    folder = tmp_path / "stopped"
    running = start([*train, "--output", folder])
    wait_for(folder / "checkpoint.safetensors", running)
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    err = err.removeprefix(SLOW)
    if running.returncode:  # else it was faster than the signal
        way = f"convlet: go on with 'convlet train --resume {folder}'"
        assert (running.returncode, err.split("\n")) == (code, ["", way, "", f"convlet: {said}", ""])
        assert checkpoint_file.load(folder / "checkpoint.safetensors")[0].values["place"]["epoch"] < 300
        assert main(["train", "--resume", str(folder), "--quiet"]) == 0
    for name in ("model.safetensors", "checkpoint-best.safetensors"):
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert without_clock(folder / "result.json") == without_clock(tmp_path / "whole" / "result.json")
    rows = [[json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()] for run in (folder, tmp_path / "whole")]  # fmt: skip
    for one, other in zip(*rows, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_a_stopped_comparison_goes_on_to_the_same_results(tiny, tmp_path, monkeypatch):
    words = ["conv2", "conv2-relu-conv2-relu", "conv3"]
    compare = [
        "compare",
        tiny,
        *words,
        "--epochs",
        "60",
        "--repeats",
        "2",
        "--then",
        tiny,
        "--quiet",
        "--output",
        "run",
    ]
    here, there = tmp_path / "here", tmp_path / "there"  # so that the same command is kept in both
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    assert main(compare) == 0
    whole, folder = here / "run", there / "run"
    running = start(compare, cwd=there)
    wait_for(folder / "parts" / "conv2-relu-conv2-relu-1", running)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    err = err.removeprefix(SLOW)
    how = "convlet: go on with 'convlet compare --resume run'\n"
    assert running.returncode == 130
    # on a busy machine the signal is repeated after a second, and then the command ends on the spot
    assert err in (how, f"\n{how}\nconvlet: interrupted\n")
    assert "interrupted; missing: " in out or err != how
    assert err != how or json.loads((folder / "compare.json").read_text())["missing"]
    assert main(["compare", "--resume", str(folder), "--quiet"]) == 0
    assert without_clock(folder / "compare.json") == without_clock(whole / "compare.json")
    text = (folder / "report.html").read_text()
    assert "The run was interrupted" not in text
    assert f"convlet {' '.join(compare)}</code>" in text
    assert "s1-inside" in text
    for path in whole.glob("*.safetensors"):
        assert (folder / path.name).read_bytes() == path.read_bytes()


def test_an_interrupt_while_results_are_written_says_how_to_resume(tiny, tmp_path, monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("convlet.report.comparison.print_comparison", interrupted)
    folder = tmp_path / "run"
    arguments = ["compare", tiny, "conv2", "pool", "--epochs", "1", "--quiet", "--output", str(folder)]
    assert main(arguments) == 130
    err = capsys.readouterr().err.removeprefix(SLOW)
    assert err == f"\nconvlet: go on with 'convlet compare --resume {folder}'\n\nconvlet: interrupted\n"


def test_the_report_of_a_stopped_comparison_says_what_is_missing(tiny, tmp_path, monkeypatch):
    run, file = tmp_path / "run", tmp_path / "mine.html"
    compare = [
        "compare",
        tiny,
        "pool",
        "conv2",
        "--epochs",
        "1",
        "--quiet",
        "--output",
        str(run),
        "--report",
        str(file),
    ]
    stops = iter([None] * 4 + [KeyboardInterrupt()])  # three steps and the end of an epoch; then the first step
    with monkeypatch.context() as planted:
        planted.setattr("convlet.cli.signals.Signals.stop", lambda self: next(stops))
        assert main(compare) == 130
    text = (run / "report.html").read_text()
    assert "The run was interrupted. Missing: <bdi>conv2</bdi>." in text
    assert "s0-confusion" in text
    assert "s0-inside" not in text
    assert file.read_text() == text
    assert main(["report", str(run)]) == 0
    assert "s0-inside" in (run / "report.html").read_text()
    assert main(["compare", "--resume", str(run), "--quiet", "--report", str(file)]) == 0
    for path in (file, run / "report.html"):
        text = path.read_text()
        assert "The run was interrupted" not in text
        assert f"convlet {' '.join(compare)}</code>" in text


BUSY = {
    "compiled code": "import hashlib; hashlib.pbkdf2_hmac('sha512', b'', b'', 10**9)",
    "a step that never ends": "signals.stop()\n    while True: signals.stop()",
    "Python that does not look": "while True: pass",
}


@pytest.mark.parametrize(("what", "signals", "code", "said"), [
    ("compiled code", [signal.SIGINT], 130, "convlet: cut off; what is saved is whole\n"),
    ("compiled code", [signal.SIGTERM], 143, "convlet: cut off; what is saved is whole\n"),
    ("compiled code", [signal.SIGINT, signal.SIGINT], 130, "convlet: cut off; what is saved is whole\n"),
    ("a step that never ends", [signal.SIGTERM], 143, "left Terminated\n"),
    ("a step that never ends", [signal.SIGINT, signal.SIGINT], 130, "convlet: cut off; what is saved is whole\n"),
    ("Python that does not look", [signal.SIGINT], 130, "left KeyboardInterrupt\n"),
])  # fmt: skip
def test_whatever_is_under_way_the_program_leaves(what, signals, code, said):
    program = f"""
import os, sys
from convlet.cli.signals import Signals
try:
  with Signals() as signals:
    print("ready", flush=True)
    {BUSY[what]}
except KeyboardInterrupt as error:
    print("left", type(error).__name__, file=sys.stderr)
    sys.exit(signals.exit_code)
"""
    running = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout.readline() == "ready\n"
    time.sleep(0.1)
    for number in signals:
        running.send_signal(number)
        time.sleep(0.1)
    _, err = running.communicate(timeout=30)
    assert (running.returncode, err) == (code, said)


def test_it_works_outside_the_main_thread(tiny, tmp_path):
    codes = []
    arguments = ["train", tiny, "-a", "conv2", "--epochs", "1", "--quiet", "--output", str(tmp_path / "run")]
    thread = threading.Thread(target=lambda: codes.append(main(arguments)))
    thread.start()
    thread.join()
    assert codes == [0]


@pytest.fixture
def stopped(tiny, tmp_path, monkeypatch, capsys):
    """The folder of a training that was stopped after a few steps."""
    folder = tmp_path / "run"
    stops = iter([None] * 4 + [KeyboardInterrupt()])
    with monkeypatch.context() as planted:
        planted.setattr("convlet.cli.signals.Signals.stop", lambda self: next(stops))
        assert main(["train", tiny, "-a", WORD, "--epochs", "3", "--output", str(folder), "--quiet"]) == 130
    capsys.readouterr()
    return folder


def test_what_changed_is_named(stopped, tiny, tmp_path, capsys, monkeypatch):
    start = f"{stopped}: cannot go on, because of what changed: "
    end = "; begin a new run"
    resume = ["train", "--resume", stopped]
    fails(capsys, [*resume, "--epochs", "5"], f"{start}settings epochs (3 before, 5 now){end}")
    fails(
        capsys,
        [*resume, "-a", "conv3", "--seed", "1"],
        f"{start}architecture ({WORD} before, conv3 now), settings seed (0 before, 1 now){end}",
    )
    fails(capsys, [*resume, "--output", "x"], "--resume and --output were both given; a run goes on in its own folder")
    monkeypatch.setenv("CONVLET_BACKEND", "compiled")
    fails(capsys, resume, f"{start}engine (reference before, compiled now){end}")
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    write_idx(tmp_path / "tiny", images=90, test_images=30, size=(8, 8), seed=1)
    assert main(list(map(str, resume))) == 2
    assert capsys.readouterr().err.startswith(f"convlet: {start}data fingerprint (")
    write_idx(tmp_path / "tiny", images=100, test_images=30, size=(8, 8))
    assert main(list(map(str, resume))) == 2
    assert (
        f"{start}data train_images (81 before, 90 now), data validation_images (9 before, 10 now), "
        in capsys.readouterr().err
    )


def test_data_that_was_moved_and_other_threads_are_no_change(stopped, tiny, tmp_path):
    os.rename(tiny, tmp_path / "elsewhere")
    assert main(["train", str(tmp_path / "elsewhere"), "--resume", str(stopped), "--threads", "2", "--quiet"]) == 0


def test_a_configuration_changed_by_hand_is_no_way_around(stopped, capsys):
    config = json.loads((stopped / "config.json").read_text())
    config["origin"]["settings"]["learning_rate"] = 0.5
    (stopped / "config.json").write_text(json.dumps(config))
    message = f"{stopped}: cannot go on, because of what changed: settings learning_rate (0.006 before, 0.5 now); begin a new run"
    fails(capsys, ["train", "--resume", stopped], message)


@pytest.mark.parametrize("more", [[], ["--perfect-epochs", "0"]])
def test_a_run_from_before_a_setting_existed_is_resumed(stopped, more):
    config = json.loads((stopped / "config.json").read_text())
    del config["origin"]["settings"]["perfect_epochs"]
    del config["settings"]["perfect_epochs"]
    (stopped / "config.json").write_text(json.dumps(config))
    for path in stopped.glob("checkpoint*.safetensors"):
        if path.name != "checkpoint-best.safetensors":
            state, _ = checkpoint_file.load(path)
            checkpoint_file.save(path, state, config["origin"])
    assert main(["train", "--resume", str(stopped), "--quiet", *more]) == 0
    assert len((stopped / "history.jsonl").read_text().splitlines()) == 3


def test_a_new_setting_cannot_be_changed_while_a_run_is_resumed(stopped, capsys):
    config = json.loads((stopped / "config.json").read_text())
    del config["origin"]["settings"]["perfect_epochs"]
    (stopped / "config.json").write_text(json.dumps(config))
    message = (
        f"{stopped}: cannot go on, because of what changed: settings perfect_epochs (0 before, 3 now); begin a new run"
    )
    fails(capsys, ["train", "--resume", stopped, "--perfect-epochs", "3"], message)


def test_a_damaged_checkpoint_gives_way_to_the_one_before(stopped, capsys, caplog):
    newest = stopped / "checkpoint.safetensors"
    os.replace(newest, stopped / "checkpoint-previous.safetensors")
    newest.write_bytes(b"")
    assert main(["train", "--resume", str(stopped), "--quiet"]) == 0
    assert (
        f"{newest}: is no checkpoint file: expected at least 8 bytes, but it has 0; going on from the one before it"
        in caplog.text
    )


def test_no_whole_checkpoint_is_an_error(stopped, capsys):
    newest = stopped / "checkpoint.safetensors"
    newest.write_bytes(b"")
    message = f"{newest}: is no checkpoint file: expected at least 8 bytes, but it has 0; there is no other to go on from, begin a new run"
    fails(capsys, ["train", "--resume", stopped], message)


def test_folders_that_are_no_runs(stopped, tiny, tmp_path, capsys):
    fails(
        capsys,
        ["train", "--resume", tmp_path / "none"],
        f"{tmp_path / 'none'}: is not a folder; give the folder of a run, see 'convlet runs'",
    )
    fails(
        capsys, ["train", "--resume", tiny], f"{tiny}: there is no config.json, so it is not a run; see 'convlet runs'"
    )
    fails(
        capsys,
        ["compare", "--resume", stopped],
        f"{stopped}: is a run of 'convlet train'; go on with 'convlet train --resume {stopped}'",
    )
    config = stopped / "config.json"
    for text, reason in (
        ("{", "is damaged; it is not JSON"),
        ("[]", "is damaged; expected a JSON object"),
        ("{}", "does not say how the run was begun; begin a new run"),
    ):
        config.write_text(text)
        fails(capsys, ["train", "--resume", stopped], f"{config}: {reason}")


def test_two_processes_do_not_share_a_run(stopped, capsys):
    with Lock(stopped):
        fails(
            capsys,
            ["train", "--resume", stopped],
            f"{stopped}: is in use by process {os.getpid()}; wait for it, or end it",
        )
    assert main(["train", "--resume", str(stopped), "--quiet"]) == 0


def test_a_finished_run_is_shown_again(stopped, capsys):
    for _ in range(2):
        assert main(["train", "--resume", str(stopped), "--quiet"]) == 0
        assert f"-a {WORD} --epochs 3" in (stopped / "report.html").read_text()
        (stopped / "report.html").unlink()
    first, second, rest = capsys.readouterr().out.split(f"report: {stopped / 'report.html'}\n")
    assert first == second
    assert rest == ""


def test_runs_are_listed(stopped, tiny, tmp_path, capsys):
    file = tmp_path / "runs.json"
    assert main(["train", tiny, "-a", "pool", "--epochs", "1", "--output", str(tmp_path / "whole"), "--quiet"]) == 0
    diverges = ["--optimizer", "sgd", "--learning-rate", "1e38", "--epochs", "1", "--quiet"]
    assert main(["train", tiny, "-a", "conv2", *diverges, "--output", str(tmp_path / "zfailed")]) == 1
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    capsys.readouterr()
    with Lock(tmp_path / "whole"):
        assert main(["runs", str(tmp_path), "--json", str(file)]) == 0
    out = capsys.readouterr().out
    assert f"go on with: convlet train --resume {stopped}" in out
    broken, run, whole, failed = json.loads(file.read_text())
    assert (broken["state"], broken["detail"]) == (
        "damaged",
        f"{tmp_path / 'broken' / 'config.json'}: is damaged; it is not JSON",
    )
    assert (run["state"], run["networks"], run["data"]) == ("stopped", [WORD], "tiny")
    assert run["detail"] == "1 of 3 epochs and 32 images"
    assert whole["state"] == "running"
    assert whole["test_error"] is not None
    assert (failed["state"], failed["detail"][:15]) == ("failed", "the loss is nan")
    assert main(["runs", str(tmp_path / "tiny")]) == 0
    assert capsys.readouterr().out == f"there are no runs in {tmp_path / 'tiny'}; 'convlet train' makes one\n"
