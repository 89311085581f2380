"""The log of the recipes' trainings: nothing is trained twice, threads change nothing, and the table is of the log."""

from __future__ import annotations

import json

import pytest

import recipes


@pytest.fixture
def log(monkeypatch, tmp_path):
    """A log of its own, and trainings that cost nothing: their seconds are 60 over the threads."""
    trained = []

    def side(row, seed, threads):
        trained.append((row.name, seed, threads))
        return 60.0 / threads, 0.99 + seed / 1000, "conv8-relu-pool"

    monkeypatch.setattr(recipes, "LOG", tmp_path / "log.jsonl")
    monkeypatch.setattr(recipes, "SIDES", {"convlet": side, "PyTorch": side})
    return trained


def test_what_is_in_the_log_is_not_trained_again(log, run):
    first = run(recipes, "--seeds", 2, "--threads", 1, "mnist-fast")
    assert log == [("mnist-fast", 0, 1), ("mnist-fast", 1, 1)]
    again, kept = run(recipes, "--seeds", 2, "--threads", 1, "mnist-fast")
    assert len(log) == 2
    (row,) = kept["rows"]
    assert row["accuracies"] == [0.99, 0.991]
    line = "| mnist-fast | conv8-relu-pool | 2 | 99.05 (99.00-99.10) | 0.07 | 99.00 | 60.0 (60.0-60.0) | 3.5 | - | - |"
    assert line in again
    assert line in first[0]


def test_seconds_are_of_as_many_threads_and_accuracies_of_every_seed(log, run):
    run(recipes, "--seeds", 2, "--threads", 1, "mnist-fast")
    run(recipes, "--seeds", 1, "--threads", 2, "--pytorch", "mnist-fast")
    _, kept = run(recipes, "--seeds", 1, "--threads", 2, "mnist-fast")
    (row,) = kept["rows"]
    assert (row["accuracies"], row["seconds"]) == ([0.99, 0.991], [30.0])
    assert row["pytorch"] == {"accuracies": [0.99], "seconds": [30.0]}


def test_another_accuracy_with_more_threads_ends_it(log, run):
    run(recipes, "--seeds", 1, "--threads", 1, "mnist-fast")
    one = json.loads(recipes.LOG.read_text())
    recipes.LOG.write_text(json.dumps(one | {"accuracy": 0.5}) + "\n")
    with pytest.raises(SystemExit) as caught:
        run(recipes, "--seeds", 1, "--threads", 2, "mnist-fast")
    assert str(caught.value) == "mnist-fast, seed 0: with 2 threads the accuracy was 0.99, before another"


def test_an_unknown_row_is_refused(run):
    with pytest.raises(SystemExit) as caught:
        run(recipes, "mnist-slow")
    assert str(caught.value).startswith("unknown row 'mnist-slow': expected mnist-fast, mnist-standard, mnist-best,")


def test_the_frontier_has_both_sides(log, run):
    run(recipes, "--seeds", 1, "--threads", 1, "mnist-fast", "mnist-standard", "fashion-mnist-fast")
    run(recipes, "--seeds", 1, "--threads", 1, "--pytorch", "mnist-fast")
    drawn = recipes.frontier(1)
    assert drawn.count("<circle") == 4
    assert "Fashion-MNIST" in drawn
