"""Filters of every legal size: the results are right, and neither their code nor the time to write it grows."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from convlet.kernels.compiler.compile import compile_kernel
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.registry import BY_NAME
from convlet.kernels.shapes import ConvShape, Grid
from convlet.kernels.target import host
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

CODE_BYTES = 96 * 1024
"""Machine code of a kernel of any size, at most."""

BUILD_BYTES = 64 * 2**20
"""Memory that a kernel's builder may take; a list of every input of the largest filter took gigabytes."""


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_large_filter_equals_its_slow_version(name, options):
    kernel, operands, fields, expected = getattr(naive, name)(np.random.default_rng(3), **options)
    run(kernel, operands, **fields)
    for came, wanted in expected:
        np.testing.assert_allclose(came, wanted, atol=2e-6 * max(1.0, float(np.abs(wanted).max())))


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("seed", range(3))
def test_the_code_of_a_kernel_is_bounded_over_all_legal_shapes(name, seed):
    assert len(compile_kernel(Kernel(name, drawn_shape(seed, name)))[1]) <= CODE_BYTES


@pytest.mark.parametrize("name", KERNELS)
def test_writing_the_code_of_the_largest_filters_takes_little_memory(name):
    tracemalloc.start()
    try:
        BY_NAME[name].build(drawn_shape(0, name), host())
        assert tracemalloc.get_traced_memory()[1] <= BUILD_BYTES
    finally:
        tracemalloc.stop()


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
