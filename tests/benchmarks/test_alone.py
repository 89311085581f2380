"""Benchmarks that need no PyTorch: dense networks, scaling, kernels, whole commands."""

from __future__ import annotations

import os

import numpy as np
import pytest

import kernels
import mlp
import scaling
import whole_command
from convlet.data import load
from convlet.measure import benchmark
from measure import Table, options
from networks import drawn, headed

POSIX = pytest.mark.skipif(not hasattr(os, "wait4"), reason="memory of a process is measured as POSIX systems count it")


@pytest.fixture
def table(monkeypatch):
    monkeypatch.setattr("sys.argv", ["benchmarks/this.py", "--threads", "1", "--runs", "1"])
    return Table("this", scaling.COLUMNS, options("This.").parse_args())


def test_dense_networks_are_the_same_on_both_sides():
    mlp.check("dense7-relu-dense5-relu", *drawn((6, 5, 1), 30))


def test_a_wrong_dense_gradient_is_caught(monkeypatch):
    weights = mlp._flat_weights
    monkeypatch.setattr(mlp, "_flat_weights", lambda fitted: weights(fitted) * (1 + 1e-7 * fitted.t_))
    with pytest.raises(SystemExit, match=r"dense7-relu, gradients: the two sides are .* % apart; nothing was timed"):
        mlp.check("dense7-relu", *drawn((6, 5, 1), 30))


@pytest.mark.parametrize("word", ["conv8-relu", "dense8", "dense8-tanh", "dense8-relu-dense4", "relu-dense8"])
def test_other_networks_are_no_mlp(word):
    with pytest.raises(SystemExit) as caught:
        mlp.hidden_of(word)
    assert str(caught.value) == f"'{word}' is no network of dense layers, each with relu, such as dense128-relu"


def test_dense_networks(run, small_mnist):
    printed, kept = run(
        mlp, "--runs", 2, "--epochs", 2, "--batch", 20, "--threads", 1, "--data", small_mnist, "dense8-relu"
    )
    (row,) = kept["rows"]
    assert all(len(row["seconds"][side]["runs"]) == 2 for side in ("convlet", "scikit-learn"))
    assert min(map(min, row["accuracies"].values())) > 0.2, "both sides learn more than chance"
    assert "| dense8-relu |" in printed
    assert kept["training_images"] == len(load(small_mnist, validation=0.0).train)


def test_every_point_of_a_sweep_is_a_network():
    for quick in (True, False):
        for _, values, network_of in scaling.points(quick):
            assert list(values) == sorted(set(values))
            for value in values:
                shape, word, batch, _ = network_of(value)
                assert headed(word).output_shape(shape) == (10,)
                assert batch >= 1
    assert scaling.thread_counts(1) == [1]
    assert scaling.thread_counts(12) == [1, 2, 4, 8, 12]


def test_a_sweep(table):
    given = table.given
    line = scaling.sweep(table, "batch", (4, 8), lambda value: ((8, 8, 1), "conv4-relu-pool", value, 1), given)
    assert [value for value, _ in line] == [4, 8]
    assert [len(row["rate"].runs) for row in table.rows] == [1, 1]
    assert "| batch | 4 | 8x8x1 conv4-relu-pool, batch 4 |" in table.lines[-2]


@POSIX
def test_files_of_images(table):
    rates, peaks = scaling.by_images(table, (300,), table.given)
    assert rates[0][0] == peaks[0][0] == 300
    (row,) = table.rows
    assert row["peak_bytes"] >= row["baseline_bytes"] > 2**20


def test_a_file_holds_random_images(tmp_path):
    scaling.write_images(tmp_path / "images.npy", 25, together=10)
    images = np.load(tmp_path / "images.npy")
    assert images.shape == (25, 28, 28, 1)
    assert len(np.unique(images.reshape(25, -1), axis=0)) == 25


@POSIX
def test_a_failing_child_is_shown(tmp_path):
    with pytest.raises(SystemExit, match="No such file"):
        scaling.one_file(tmp_path / "missing.npy", 1)


def layer(token, output_shape):
    return {"layer": token, "output_shape": output_shape}


@pytest.mark.parametrize(
    ("token", "before", "expected"),
    [
        ("conv8-relu-pool", [14, 14, 8], True),
        ("conv8-relu", [13, 14, 8], False),
        ("conv8-relu", [28, 28, 1], False),
        ("conv7", [28, 28, 8], False),
        ("pool", [28, 28, 8], False),
        ("dense10", [14, 14, 8], False),
    ],
)
def test_which_layers_the_targets_are_for(token, before, expected):
    assert kernels.in_scope(layer(token, []), before) is expected


def test_kernels(run, monkeypatch):
    monkeypatch.setattr(benchmark, "REPEAT_SECONDS", 0.001)
    printed, kept = run(kernels, "--runs", 2, "--batch", 16, "B6")
    passes = [(row["layer"], row["kernel_pass"]) for row in kept["rows"]]
    assert passes.count(("conv8-relu-pool", "forward")) == 2
    assert ("dense10", "filter_gradient") in passes
    assert all(len(row["seconds"]["runs"]) == 2 for row in kept["rows"])
    assert "Targets met: " in printed
    assert " of 3." in printed, "the second convolution has three passes with a target"
    assert kept["peak_gflops"]["median"] > 0


def test_kernels_want_the_compiled_engine_on_one_thread(run, monkeypatch):
    with pytest.raises(SystemExit) as caught:
        run(kernels, "--threads", 2)
    assert str(caught.value) == "kernels are timed in the compiled engine on one thread"


@POSIX
def test_a_whole_command(run):
    printed, kept = run(whole_command, "--runs", 2, "--threads", 1, "--", "inspect", "conv8-relu-pool")
    assert "| convlet inspect conv8-relu-pool | compiled before |" in printed
    (row,) = kept["rows"]
    assert len(row["seconds"]["runs"]) == 2
    assert row["peak_bytes"]["least"] > 2**20


@POSIX
def test_a_command_that_fails_is_shown(run):
    with pytest.raises(SystemExit) as caught:
        run(whole_command, "--runs", 1, "--", "inspect", "nosuch")
    first, second = str(caught.value).splitlines()[:2]
    assert first.endswith("-m convlet inspect nosuch ended with 2:")
    assert second.startswith("convlet: ")


def test_a_command_that_does_not_repeat_is_refused(table):
    with pytest.raises(SystemExit) as caught:
        whole_command.report(table, ["compare"], "compiled before", [(1.0, 1, ["a"]), (1.0, 1, ["b"])], ["a"])
    assert str(caught.value) == "a run gave other networks than the first; the same command must give the same bits"
