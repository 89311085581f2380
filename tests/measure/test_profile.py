"""A profile: every kernel of the step once, under the layer it works for; never how long it took."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.engine.compiled import CompiledEngine
from convlet.kernels.calling import clock
from convlet.layers import Dropout, Flatten
from convlet.learning.optimizers import SGD, Adam
from convlet.measure import profile as room
from convlet.measure.profile import ProfiledEngine
from tests.engine.test_compiled import CLASSES, WORDS, engines

FAMILIES = {
    "conv": {"conv", "residual"},
    "dense": {"dense"},
    "max_pool": {"max_pool", "conv", "residual"},
    "average_pool": {"avg_pool", "global_avg_pool"},
    "batch_norm": {"batch_norm", "residual"},
    "dropout": {"dropout"},
    "add": {"residual"},
}
"""For kernels that tell what they are for, by the beginning of their names: the kinds of layers they work for."""


@pytest.fixture(autouse=True)
def _one_measurement(monkeypatch):
    monkeypatch.setattr(room, "LEAST_REPEATS", 1)
    monkeypatch.setattr(room, "REPEATS", 1)
    monkeypatch.setattr(room, "CALIBRATION_SECONDS", 1e-4)


def profiled(word, optimizer=None, count=75):
    (engine,), pixels, labels = engines(word, kinds=(ProfiledEngine,), threads=1)
    batch = np.random.default_rng(0).permutation(len(pixels))[:count]
    return engine, engine.profile(pixels, labels, batch, optimizer or Adam()), (pixels, labels, batch)


@pytest.mark.parametrize("word", WORDS)
def test_every_kernel_of_a_step_is_there_once_and_under_its_layer(word):
    engine, profile, _ = profiled(word)
    (task,) = engine._training.values()
    program = [kernel.name for kernel in task.program.kernels]
    assert len(task.parts) == len(program)
    in_program = [own for own in profile.timed if own.part not in ("pack", "add_rows", "update")]
    assert [own.kernel for own in in_program] == program
    assert {own.part for own in profile.timed if own.layer is None} == {"gather", "loss", "pack", "add_rows", "update"}
    layers = engine.network.layers
    for own in profile.timed:
        if own.layer is not None:
            kinds = {layers[number].kind for number in profile.covered[own.layer]}
            for beginning, meant in FAMILIES.items():
                if own.kernel.startswith(beginning):
                    assert kinds & meant, own
    for number, layer in enumerate(layers):
        if layer.parameter_shapes((13, 15, 1) if number == 0 else engine.network.shapes((13, 15, 1))[number]):
            parts = {own.part for own in profile.timed if own.layer == number}
            assert parts == {"forward", "backward"}, layer


@pytest.mark.parametrize("word", WORDS)
def test_every_layer_is_covered_once_but_for_those_that_do_nothing(word):
    engine, profile, _ = profiled(word)
    covered = [number for numbers in profile.covered.values() for number in numbers]
    assert covered == sorted(set(covered))
    assert {own.layer for own in profile.timed} - {None} == set(profile.covered)
    for number, layer in enumerate(engine.network.layers):
        assert number in covered or isinstance(layer, Flatten) or layer == Dropout(0)


def test_what_is_fused_stands_with_the_layer_whose_kernel_does_it():
    _, profile, _ = profiled("conv8-relu-pool-tanh-conv8-dropout0-dense9-relu")
    assert profile.covered == {0: (0, 1, 2), 3: (3,), 4: (4,), 6: (6, 7), 8: (8,)}


def test_a_step_runs_the_whole_program_for_each_group_and_changes_nothing():
    (engine, plain), pixels, labels = engines("conv8-relu-pool", kinds=(ProfiledEngine, CompiledEngine), threads=1)
    before = engine.parameters.copy()
    batch = np.arange(75)
    engine.profile(pixels, labels, batch, SGD())
    plain.gradients(pixels, labels, batch, epoch=0, position=0)
    np.testing.assert_array_equal(engine.gradient, plain.gradient)
    np.testing.assert_array_equal(engine.parameters, before)
    calls = engine._clocks.steps[:, clock.CALLS]
    assert len(set(calls.tolist())) == 1
    assert calls[0] >= 3  # 75 images in shards of 32


@pytest.mark.parametrize("word", ["conv8-relu-pool-dense20", "bn-conv8-res8-gap"])
def test_the_parts_of_a_step_add_up_to_the_step(word):
    _, profile, _ = profiled(word)
    parts = sum(own.seconds for own in profile.timed) + profile.walk_seconds + profile.python_seconds
    assert parts == pytest.approx(profile.seconds_per_step)
    assert min(own.seconds for own in profile.timed) >= 0
    assert profile.python_seconds > 0


def test_the_update_is_the_optimizers_own():
    for optimizer in (SGD(), Adam()):
        _, profile, _ = profiled("dense5", optimizer)
        assert [own.kernel for own in profile.timed if own.part == "update"] == [optimizer.name]


def test_inference_is_not_clocked():
    engine, _, (pixels, _, _) = profiled("conv8-relu")
    before = engine._clocks.steps.copy()
    assert engine.logits(pixels).shape == (len(pixels), CLASSES)
    np.testing.assert_array_equal(engine._clocks.steps, before)
