"""Emitted code is bounded: no size that a layer accepts makes a kernel long to compile."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.kernels import tuned
from convlet.kernels.compiler import compile as compiler
from convlet.kernels.compiler import machine_code
from tests.kernels import naive
from tests.kernels.harness import run

MOST_BYTES = 96 * 1024
"""Machine code of a kernel, at most; without loops over taps and tiles, 31x31 filters took 300 KiB and 12 seconds."""

LARGE = [
    ("conv", {"channels": 1, "filters": 8, "size": 31}),
    ("pooled_conv", {"channels": 2, "filters": 5, "size": 31}),
    ("conv_filter_gradient", {"channels": 1, "filters": 8, "size": 63}),
    ("conv_filter_gradient", {"channels": 512, "filters": 24, "size": 5}),
    ("conv_filter_gradient", {"channels": 4096, "filters": 4, "size": 1}),
    ("conv_filter_gradient", {"channels": 1056, "filters": 41, "size": 1}),
    ("pooled_filter_gradient", {"channels": 1, "filters": 8, "size": 31}),
    ("pooled_filter_gradient", {"channels": 300, "filters": 40, "size": 3}),
    ("max_pool", {"window": (63, 63), "stride": 1}),
    ("max_pool_gradient", {"window": (63, 63), "stride": 1}),
    ("average_pool_gradient", {"window": (63, 63), "stride": 3}),
    ("pack", {"size": 63, "inputs": 40, "units": 40}),
    ("dense", {"inputs": 5000, "units": 500}),
]


@pytest.mark.parametrize(("name", "options"), LARGE, ids=str)
def test_the_code_of_a_large_kernel_is_small(name, options):
    kernel = getattr(naive, name)(np.random.default_rng(0), **options)[0]
    _, code = compiler.compile_kernel(kernel)
    assert len(code) <= MOST_BYTES


@pytest.mark.parametrize(
    ("name", "options", "limit"),
    [
        ("conv", {"channels": 3, "filters": 5, "size": 5, "stride": 2}, "MOST_SWEPT"),
        ("pooled_conv", {"channels": 3, "filters": 7, "size": 3}, "MOST_SWEPT"),
        ("conv_filter_gradient", {"channels": 7, "filters": 6, "size": 5}, "MOST_WRITTEN"),
        ("pooled_filter_gradient", {"channels": 7, "filters": 21, "size": 3}, "MOST_WRITTEN"),
    ],
)
def test_loops_over_taps_and_tiles_give_the_same_bits(name, options, limit, monkeypatch):
    """Written out and in loops; each is compiled here and linked for itself, past the cache."""
    results = []
    for most in (None, 0):
        if most is not None:
            monkeypatch.setattr(tuned, limit, most)
        kernel, operands, fields, expected = getattr(naive, name)(np.random.default_rng(1), **options)
        monkeypatch.setitem(machine_code._addresses, kernel, machine_code._link(*compiler.compile_kernel(kernel)))
        run(kernel, operands, **fields)
        results.append([came.copy() for came, _ in expected])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
