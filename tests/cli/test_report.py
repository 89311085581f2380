"""`convlet report` and --report: what is written, from what, and what is refused."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys

import pytest

from convlet.cli import main
from convlet.cli.signals import Signals, Terminated
from tests.cli.test_failures import SLOW
from tests.data.files import write_idx


@pytest.fixture(autouse=True)
def _reference(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")


@pytest.fixture
def tiny(tmp_path):
    return str(write_idx(tmp_path / "tiny", images=90, test_images=30, size=(8, 8)))


def compare(tiny, *more):
    return main(
        ["compare", tiny, "conv2-relu-pool", "pool", "--epochs", "2", "--threads", "1", "--quiet", *map(str, more)]
    )


def steady(text):
    """A page without what was timed anew."""
    return re.sub("What each layer costs.*?</section>", "", text, flags=re.DOTALL)


def test_compare_writes_a_report_and_report_makes_it_again(tiny, tmp_path, capsys):
    run, file, again = tmp_path / "run", tmp_path / "mine.html", tmp_path / "again.html"
    assert compare(tiny, "--then", tiny, "--output", run, "--report", file) == 0
    text = (run / "report.html").read_text()
    assert steady(text) == steady(file.read_text())
    assert "conv2-relu-pool" in text
    assert f"convlet compare {tiny} conv2-relu-pool pool --epochs 2 --threads 1 --quiet --then" in text
    assert "s1-confusion" in text  # the second data set
    capsys.readouterr()
    assert main(["report", str(run), "--output", str(again), "--threads", "1"]) == 0
    assert capsys.readouterr().out == f"report: {again}\n"
    assert steady(again.read_text()) == steady(text)


def test_train_writes_a_report_and_report_makes_it_again(tiny, tmp_path):
    run = tmp_path / "run"
    arguments = ["train", tiny, "-a", "conv2-relu-pool", "--epochs", "2", "--train-images", "60", "--validation", "0.2"]
    assert main([*arguments, "--quiet", "--output", str(run)]) == 0
    text = (run / "report.html").read_text()
    assert "One network trained on" in text
    assert main(["report", str(run)]) == 0
    assert steady((run / "report.html").read_text()) == steady(text)


def test_a_json_alone_gives_a_report_of_figures(tiny, tmp_path):
    file = tmp_path / "out.json"
    assert compare(tiny, "--json", file) == 0
    assert main(["report", str(file)]) == 0
    text = (tmp_path / "out.html").read_text()
    result = json.loads(file.read_text())
    assert all(row["sha256"] in text for row in result["results"])
    assert "s0-confusion" in text
    assert "s0-inside" not in text


def test_what_cannot_become_a_report_is_one_line(tiny, tmp_path, capsys):
    run, nothing, other = tmp_path / "run", tmp_path / "nothing", tmp_path / "other.json"
    nothing.mkdir()
    other.write_text("{}")
    assert compare(tiny, "--output", run) == 0
    changed = str(write_idx(tmp_path / "changed", images=90, test_images=30, size=(8, 8), seed=1))
    capsys.readouterr()
    facts = json.loads((run / "compare.json").read_text())["data"]["fingerprint"][:16]
    cases = [
        (
            ["report", nothing],
            f"{nothing}: is no run folder; expected compare.json, or config.json and model.safetensors",
        ),
        (["report", other], f"{other}: is no result of convlet; expected what compare --json or a run folder holds"),
        (["report", tmp_path / "lost"], f"{tmp_path / 'lost'}: there is no such file; expected a JSON file"),
        (["report", run, "--threads", "0"], "--threads must be a whole number from 1, but got 0"),
        (["compare", tiny, "--report", nothing], f"--report {nothing}: is a folder; give the name of a file"),
    ]
    for arguments, message in cases:
        assert main([str(item) for item in arguments]) == 2
        assert capsys.readouterr().err == f"convlet: {message}\n"
    assert main(["report", str(run), "--data", changed]) == 2
    err = capsys.readouterr().err
    assert err.startswith(
        f"convlet: {changed}: is not the data of the run, whose images had the SHA-256 {facts}..., but "
    )
    assert err.endswith("; give its place with --data\n")


@pytest.fixture
def trained(tiny, tmp_path, capsys):
    """The folder of a finished training."""
    run = tmp_path / "run"
    assert main(["train", tiny, "-a", "pool", "--epochs", "1", "--quiet", "--output", str(run)]) == 0
    capsys.readouterr()
    return run


def test_a_damaged_result_or_configuration_is_named(trained, capsys):
    nothing = "is no result of convlet; expected what compare --json or a run folder holds"
    config = json.loads((trained / "config.json").read_text())
    result = json.loads((trained / "result.json").read_text())
    cases = [
        ("result.json", '{"epoch": 1}', "holds no result; remove it to train again"),
        ("result.json", json.dumps(result | {"result": {}}), nothing),
        ("result.json", "{", "is damaged; it is not JSON"),
        ("config.json", json.dumps({key: config[key] for key in ("kind", "origin", "loading")}), nothing),
        ("config.json", "{}", "does not say how the run was begun; begin a new run"),
    ]
    for name, text, reason in cases:
        (trained / name).write_text(text)
        assert main(["report", str(trained)]) == 2
        assert capsys.readouterr().err == f"convlet: {trained / name}: {reason}\n"


def test_a_run_that_is_not_finished_says_how_to_go_on(trained, capsys):
    (trained / "result.json").unlink()
    assert main(["report", str(trained)]) == 2
    message = f"{trained}: is not finished; go on with 'convlet train --resume {trained}'"
    assert capsys.readouterr().err == f"convlet: {message}\n"


def test_the_figures_of_a_report_are_those_of_the_result(trained):
    found = json.loads((trained / "result.json").read_text())
    found["result"]["test_error"] = 0.4321
    (trained / "result.json").write_text(json.dumps(found))
    assert main(["report", str(trained)]) == 0
    assert "43.21 %" in (trained / "report.html").read_text()


INTERRUPTED_REPORT = """
import os, signal, sys, time
from convlet.findings import findings
from convlet.cli import main

def slow(*arguments, **options):
    began = time.monotonic()
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    finally:
        print("answered after", time.monotonic() - began)

findings.findings = slow
sys.exit(main(sys.argv[1:]))
"""


def interrupted(*arguments):
    """What a command writes to the error output if Ctrl-C comes as its report begins."""
    command = [sys.executable, "-c", INTERRUPTED_REPORT, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 130, done.stderr
    assert float(re.search("answered after (.*)", done.stdout)[1]) < 0.9
    return done.stderr.removeprefix(SLOW)


def test_ctrl_c_ends_a_report_at_once_and_leaves_no_half_page(tiny, tmp_path):
    run = tmp_path / "run"
    way = f"convlet: the run is finished, only its report is missing; make it with 'convlet report {run}'"
    train = ["train", tiny, "-a", "pool", "--epochs", "1", "--quiet", "--output", run]
    assert interrupted(*train).split("\n") == ["", way, "", "convlet: interrupted", ""]
    there = {path.name for path in run.iterdir()}
    assert {"model.safetensors", "result.json"} <= there
    assert not [name for name in there if "report" in name or "tmp" in name]
    assert interrupted("report", run) == "\nconvlet: interrupted\n"
    assert {path.name for path in run.iterdir()} == there
    assert main(["report", str(run)]) == 0
    assert (run / "report.html").is_file()


def test_ctrl_c_in_the_report_of_a_comparison_keeps_the_results(tiny, tmp_path):
    run = tmp_path / "run"
    said = interrupted("compare", tiny, "pool", "gap", "--epochs", "1", "--quiet", "--output", run)
    assert "only its report is missing" in said
    assert (run / "compare.json").is_file()
    assert not (run / "report.html").exists()


def test_a_signal_that_came_before_the_report_interrupts_it():
    signals = Signals()
    signals.interrupt_at_once()
    signals._number = signal.SIGTERM
    with pytest.raises(Terminated):
        signals.interrupt_at_once()


@pytest.mark.parametrize("shape", [(1, 150), (8, 1000), (200, 3)])
def test_long_images_have_a_report(shape, tmp_path):
    data = str(write_idx(tmp_path / "long", images=40, test_images=20, size=shape))
    assert (
        main(["train", data, "-a", "conv2-relu-gap", "--epochs", "1", "--quiet", "--output", str(tmp_path / "run")])
        == 0
    )
    assert "Long images are compressed" in (tmp_path / "run" / "report.html").read_text()
