"""Filters of every legal size: the results are right, the code stays small, and loops over taps change no bit."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.kernels import cache, tuned
from convlet.kernels import compile as compiler
from convlet.kernels.compile import Kernel, compile_kernel
from convlet.kernels.shapes import ConvShape, Grid
from convlet.layers.checks import FILTERS_LIMIT, SIZE_LIMIT, STRIDE_LIMIT
from tests.kernels import naive
from tests.kernels.harness import run

CASES = (
    ("conv", {"size": 11, "filters": 8}),
    ("conv", {"size": 31, "filters": 21, "stride": 3, "start": "load", "finish": "mask"}),
    ("conv", {"size": 63, "filters": 3, "height": 2, "width": 3, "channels": 1}),
    ("pooled_conv", {"size": 17, "filters": 8, "height": 4, "width": 20}),
    ("conv_filter_gradient", {"size": 9, "filters": 24, "channels": 1}),
    ("conv_filter_gradient", {"size": 31, "filters": 5, "channels": 1}),
    ("conv_filter_gradient", {"size": 63, "filters": 4, "channels": 2, "height": 2, "width": 2, "stride": 2}),
    ("conv_filter_gradient", {"size": 3, "filters": 6, "channels": 131}),
    ("conv_filter_gradient", {"size": 13, "filters": 20, "channels": 1}),
    ("pooled_filter_gradient", {"size": 12, "filters": 8, "channels": 3}),
    ("pooled_filter_gradient", {"size": 31, "filters": 21, "channels": 1, "width": 4, "height": 4}),
)

KERNELS = ("conv", "conv_filter_gradient", "pooled_filter_gradient")

CODE_BYTES = 32 * 1024
"""Machine code of a kernel of any size; written out, 40 filters of 31x31 took 181 KiB, 8 of 7x7 with 64 channels 147."""


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_large_filter_equals_its_slow_version(name, options):
    kernel, operands, fields, expected = getattr(naive, name)(np.random.default_rng(3), **options)
    run(kernel, operands, **fields)
    for came, wanted in expected:
        np.testing.assert_allclose(came, wanted, atol=2e-6 * max(1.0, float(np.abs(wanted).max())))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("conv", {"size": 5, "filters": 24, "channels": 2, "stride": 2}),
        ("pooled_conv", {"size": 6, "filters": 8}),
        ("conv_filter_gradient", {"size": 4, "filters": 22, "channels": 2}),
        ("pooled_filter_gradient", {"size": 5, "filters": 20, "channels": 1}),
    ],
    ids=str,
)
def test_a_loop_over_taps_gives_the_bits_of_taps_written_out(name, options, monkeypatch):
    for limit in ("SWEEP_SIZE", "GRADIENT_TILES", "POOLED_TILES"):
        monkeypatch.setattr(tuned, limit, 100)
    written_out = results(name, options, monkeypatch)
    for limit in ("SWEEP_SIZE", "GRADIENT_TILES", "POOLED_TILES"):
        monkeypatch.setattr(tuned, limit, 0)
    for came, wanted in zip(results(name, options, monkeypatch), written_out, strict=True):
        np.testing.assert_array_equal(came, wanted)


def results(name, options, monkeypatch):
    """What the kernel writes, compiled now: a kernel's name does not say which limits it was made with."""
    monkeypatch.setattr(compiler, "_addresses", {})
    monkeypatch.setattr(cache, "read", lambda symbol: None)
    monkeypatch.setattr(cache, "write", lambda symbol, compiled: None)
    kernel, operands, fields, expected = getattr(naive, name)(np.random.default_rng(4), **options)
    run(kernel, operands, **fields)
    return [came for came, _ in expected]


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("seed", range(3))
def test_the_code_of_a_kernel_is_bounded_over_all_legal_shapes(name, seed):
    assert len(compile_kernel(Kernel(name, drawn_shape(seed, name)))[1]) <= CODE_BYTES


def drawn_shape(seed, name):
    """A convolution of the largest filter (seed 0), else of any size, stride and numbers of channels and filters."""
    rng = np.random.default_rng(seed)
    size, stride = (int(rng.integers(1, limit + 1)) for limit in (SIZE_LIMIT, STRIDE_LIMIT))
    channels, filters = (int(FILTERS_LIMIT ** rng.random()) for _ in range(2))
    height, width = (2 * int(rng.integers(1, 40)) for _ in range(2))
    if seed == 0:
        size, channels, filters = SIZE_LIMIT, FILTERS_LIMIT, FILTERS_LIMIT - 9
    columns, rows = (width - 1) * stride + size, (height - 1) * stride + size
    x, y = Grid(columns * channels, rows * columns * channels, channels), Grid(width * filters, 0, filters)
    return ConvShape(height, width, channels, filters, size, stride, x, y, pooled=name.startswith("pooled"))
