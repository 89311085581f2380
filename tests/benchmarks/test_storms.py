"""The command for storms: a short real storm leaves no fault, and what goes wrong is counted."""

from __future__ import annotations

import signal
import sys
import time
from types import SimpleNamespace

import pytest

import storms


def given(**more):
    return SimpleNamespace(**{"interrupts": 5, "threads": 4, "seed": 0} | more)


@pytest.mark.parametrize(("kind", "threads"), [("predict", 2), ("predict", 8), ("train", 4)])
def test_a_short_storm_leaves_no_fault(kind, threads):
    counts = storms.in_calls(kind, given(threads=threads))
    assert counts["interrupts"] == 5
    assert {name: counts[name] for name in storms.FAULTS} == dict.fromkeys(storms.FAULTS, 0)


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        ("import os; os.abort()", "crashes"),
        ("import time; time.sleep(60)", "hangs"),
        ("raise SystemExit(3)", "failures"),
        ("""print('{"interrupts": 1, "arrays changed": 1}')""", "arrays changed"),
        ("""print('{"interrupts": 1, "wrong answers": 1}')""", "wrong answers"),
    ],
)
def test_faults_are_counted(program, fault, tmp_path, monkeypatch):
    file = tmp_path / "child.py"
    file.write_text(program)
    monkeypatch.setattr(storms, "__file__", str(file))
    monkeypatch.setattr(storms, "HANG_SECONDS", 0.5)
    monkeypatch.setattr(storms, "MOST_STARTS", 1)
    counts = storms.in_calls("predict", given(interrupts=1))
    assert {name: counts[name] for name in storms.FAULTS} == dict.fromkeys(storms.FAULTS, 0) | {fault: 1}


def test_an_act_is_interrupted_or_ends_before():
    before = signal.getsignal(signal.SIGALRM)
    try:
        storm = storms.Storm(0)
        for _ in range(5):
            raised, arrived = storm.over(lambda: time.sleep(2), 0.01)
            assert raised >= 1
            assert arrived
        assert storm.over(lambda: None, 100.0) == (0, False)
        assert storm.over(lambda: ["conv2"], 100.0) == (0, True)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_unknown_kinds_are_named(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["storms.py", "predcit"])
    with pytest.raises(SystemExit):
        storms.main()
    assert "unknown kind predcit: expected predict, evaluate, train, compare, find-lr" in capsys.readouterr().err
