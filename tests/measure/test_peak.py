"""The measured peak: what is tried on which processor, and the arithmetic; never how fast this machine is."""

from __future__ import annotations

import pytest

from convlet.kernels.shapes import PeakShape
from convlet.kernels.target import Target
from convlet.measure import peak


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
    monkeypatch.setattr(peak.Chains, "seconds", lambda chains, turns: turns * peak.PIECES * 1e-6)
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


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_all_turns_are_done(threads):
    chains = peak.Chains(PeakShape(4, 12), threads)
    assert chains.seconds(7) > 0
    done = sum(float(own[0]) for own in chains.sums)
    assert done == 4 * 7 * peak.PIECES * threads  # each turn has 4 links, and each of them adds 1 * 1
    assert all((own == own[0]).all() for own in chains.sums)
    chains.workers.close()
