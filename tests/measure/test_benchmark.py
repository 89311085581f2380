"""The dictionary of a benchmark: what is in it, and that its figures fit together; never how large they are."""

from __future__ import annotations

import json

import numpy as np
import pytest

from convlet.errors import ArchitectureError, SettingsError
from convlet.measure import benchmark as room
from convlet.measure import peak, profile
from convlet.measure.benchmark import Benchmark, measured
from convlet.network.costs import PASSES
from convlet.records.benchmark import BenchmarkResult
from tests.records.conforms import faults

WORD, SHAPE = "conv4-relu-pool-dropout0.5-conv5k5s2", (8, 9, 1)


@pytest.fixture
def quick(monkeypatch):
    """As few and as short measurements as there can be."""
    for name, value in {"REPEAT_SECONDS": 1e-6, "MOST_SECONDS": 0.0, "LEAST_REPEATS": 1}.items():
        monkeypatch.setattr(room, name, value)
    for name, value in {"REPEATS": 1, "LEAST_REPEATS": 1}.items():
        monkeypatch.setattr(profile, name, value)
    for name in ("ALONE", "TOGETHER"):
        monkeypatch.setattr(peak, name, (1e-5, 1))


@pytest.fixture
def result(quick):
    """Of the compiled engine on two threads, and the stages it told of."""
    stages = []
    found = Benchmark(WORD, SHAPE, batch=20, threads=2).run(stages.append)
    return json.loads(json.dumps(found, allow_nan=False)), stages


def test_everything_is_there(result):
    found, stages = result
    assert faults(found, BenchmarkResult) == []
    assert list(found) == [
        *("architecture", "input", "batch", "threads", "shard", "parameters", "compile_seconds", "peak_gflops"),
        *("training", "inference", "layers", "one_thread", "machine", "versions"),
    ]
    assert (found["architecture"], found["input"], found["batch"], found["threads"]) == (WORD, "8x9x1", 20, 2)
    assert found["shard"] == 16
    assert found["parameters"] == 9 * 4 + 4 + 25 * 4 * 5 + 5 + 2 * 2 * 5 * 10 + 10
    assert stages == [
        "compiling",
        "measuring this machine's peak",
        "measuring training",
        "measuring inference",
        "measuring each layer",
    ]


def test_the_figures_of_training_and_inference_fit_together(result):
    found, _ = result
    first, second, dense = 8 * 9 * 9 * 4, 2 * 2 * 25 * 4 * 5, 20 * 10
    forward, backward = first + second + dense, first + 2 * second + 2 * dense
    training, inference, one = found["training"], found["inference"], found["one_thread"]
    operations = 2 * 20 * (forward + backward)
    assert training["images_per_second"] * training["seconds_per_step"] == pytest.approx(20)
    assert training["gflops"] * training["seconds_per_step"] == pytest.approx(1e-9 * operations)
    assert training["share_of_peak"] == pytest.approx(training["gflops"] / found["peak_gflops"])
    assert inference["images"] == 1000
    assert inference["gflops"] / inference["images_per_second"] == pytest.approx(2e-9 * forward)
    assert inference["share_of_peak"] == pytest.approx(inference["gflops"] / found["peak_gflops"])
    assert inference["seconds_one_image"] > 0
    low, high = training["seconds_per_step_range"]
    assert low <= training["seconds_per_step"] <= high
    by_layer = [row[name]["operations"] for row in found["layers"] for name in PASSES]
    assert sum(by_layer) == operations
    seconds = [row[name]["seconds"] for row in found["layers"] for name in PASSES]
    assert sum(seconds) + sum(one["seconds"].values()) == pytest.approx(one["seconds_per_step"])
    assert list(one["seconds"]) == ["gather", "loss", "pack", "add_rows", "update", "walk", "python"]


def test_layers_have_the_figures_of_their_own_kernels(result):
    found, _ = result
    rows = {row["layer"]: row for row in found["layers"]}
    assert list(rows) == ["conv4-relu-pool", "dropout0.5", "conv5k5s2", "dense10"]
    first, middle = rows["conv4-relu-pool"], rows["conv5k5s2"]
    assert (first["output_shape"], first["parameters"]) == ([4, 4, 4], 40)
    assert first["input_gradient"]["operations"] == 0
    assert first["input_gradient"]["gflops"] is first["input_gradient"]["share_of_peak"] is None
    for name in PASSES:
        own = middle[name]
        assert own["operations"] == 2 * 20 * 2 * 2 * 25 * 4 * 5
        assert own["gflops"] * own["seconds"] == pytest.approx(1e-9 * own["operations"])
        assert own["share_of_peak"] == pytest.approx(own["gflops"] / found["one_thread"]["peak_gflops"])
    assert {step["pass"] for step in middle["kernels"]} == set(PASSES)
    for row in found["layers"]:
        for name in PASSES:
            parts = sum(step["seconds"] for step in row["kernels"] if step["pass"] == name)
            assert row[name]["seconds"] == pytest.approx(parts)
    assert rows["dropout0.5"]["forward"]["gflops"] is None


def test_the_reference_engine_has_no_peak_and_no_layers(quick, monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    stages = []
    found = Benchmark("conv2-relu", (5, 5, 3), batch=3, threads=1).run(stages.append)
    assert stages == ["measuring training", "measuring inference"]
    assert found["layers"] == []
    for name in ("compile_seconds", "peak_gflops", "one_thread"):
        assert found[name] is None
    for own in (found["training"], found["inference"]):
        assert own["share_of_peak"] is None
        assert own["gflops"] > 0
    assert found["versions"]["engine"] == "reference"


def test_large_images_are_fewer_and_a_batch_shows_them_again(quick, monkeypatch):
    monkeypatch.setattr(room, "IMAGE_BYTES", 3 * 8 * 9 + 5)
    made = Benchmark("pool", SHAPE, batch=8, threads=1)
    assert made.run(lambda stage: None)["inference"]["images"] == 3
    assert made.images.shape == (3, 8, 9, 1)
    assert sorted(np.bincount(made.batches[0])) == [2, 3, 3]


def test_images_are_unlike_and_batches_show_them_all(quick):
    made = Benchmark("pool", (32, 32, 1), batch=300, threads=1)
    made._draw()
    assert len(np.unique(made.images.reshape(len(made.images), -1), axis=0)) == len(made.images) == 1200
    assert sorted(np.concatenate(made.batches).tolist()) == list(range(1200))


def test_what_cannot_be_measured_is_refused_at_once():
    with pytest.raises(ArchitectureError, match=r"layer 4 \(pool\)"):
        Benchmark("pool-pool-pool-pool", SHAPE)
    with pytest.raises(SettingsError, match="batch must be a whole number from 1"):
        Benchmark("conv8", SHAPE, batch=0)
    with pytest.raises(SettingsError, match="threads must be a whole number from 1"):
        Benchmark("conv8", SHAPE, threads=0)


@pytest.mark.parametrize(("seconds", "repeats", "calls"), [(0.03, 7, 3), (0.25, 7, 1), (1.0, 3, 1)])
def test_a_slow_call_is_measured_less_often(monkeypatch, seconds, repeats, calls):
    clock, called = [0.0], []

    def call():
        clock[0] += seconds
        called.append(seconds)

    monkeypatch.setattr(room, "perf_counter", lambda: clock[0])
    assert measured(call) == pytest.approx([seconds] * repeats)
    assert len(called) == 2 + repeats * calls
