"""The measured peak: what is tried on which processor, and the arithmetic; never how fast this machine is."""

from __future__ import annotations

import pytest

from convlet.kernels.shapes import PeakShape
from convlet.kernels.target import Target
from convlet.training import peak


@pytest.mark.parametrize(
    ("lanes", "registers", "wanted"),
    [
        (16, 32, [(16, 12), (16, 24), (8, 12), (8, 24)]),
        (8, 16, [(8, 12), (4, 12)]),
        (4, 32, [(4, 12), (4, 24)]),
    ],
    ids=["AVX-512", "AVX2", "NEON"],
)
def test_the_widest_vectors_and_those_half_as_wide_are_tried(lanes, registers, wanted):
    shapes = peak.peak_shapes(Target(lanes, lanes, registers, "some", ""))
    assert [(shape.lanes, shape.chains) for shape in shapes] == wanted


def test_gflops_are_two_operations_for_each_multiply_add_of_each_thread(monkeypatch):
    monkeypatch.setattr(peak, "_seconds", lambda runs, turns: turns * 1e-6)
    shape = PeakShape(lanes=8, chains=12, links=4)
    alone = 2 * 8 * 12 * 4 / 1e-6 / 1e9
    assert peak.gflops(shape, 1) == pytest.approx(alone)
    assert peak.gflops(shape, 3) == pytest.approx(3 * alone)


def test_the_best_kernel_counts(monkeypatch):
    def gflops(shape, threads):
        return threads * (100 if shape.lanes == 8 and shape.chains == 12 else 50)

    monkeypatch.setattr(peak, "gflops", gflops)
    monkeypatch.setattr(peak, "host", lambda: Target(16, 16, 32, "some", ""))
    assert peak.peak_gflops(1) == 100
    assert peak.peak_gflops(4) == 400


def test_every_thread_does_all_its_turns(monkeypatch):
    monkeypatch.setattr(peak, "ALONE", (1e-5, 1))
    monkeypatch.setattr(peak, "TOGETHER", (1e-5, 1))
    made, original = [], peak._Chains
    monkeypatch.setattr(peak, "_Chains", lambda *arguments: made.append(original(*arguments)) or made[-1])
    assert peak.gflops(PeakShape(4, 12), 3) > 0
    done = {float(number) for own in made for number in own.arrays[2]}
    assert len(made) == 3
    assert len(done) == 1
    assert done.pop() >= 4 * 2000  # at least one measurement of 2,000 turns of 4 links: each adds 1 * 1
