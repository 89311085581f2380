"""What kernels make of NaN and infinity: never a number."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.shapes import Grid, MapShape, PoolShape, RowsShape, kept_bytes
from tests.kernels import naive
from tests.kernels.harness import run

VALUES = [np.nan, np.inf, -np.inf]
SIZE = 37
GRID = Grid(SIZE, SIZE, SIZE)
SIZES = MapShape(1, 1, SIZE, GRID, GRID).sizes


def line(value):
    """Numbers of which every fifth is `value`."""
    x = np.random.default_rng(0).standard_normal(SIZE).astype(np.float32)
    x[::5] = value
    return x


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("function", naive.FUNCTIONS)
def test_an_activation_keeps_them(function, value):
    x, y = line(value), np.zeros(SIZE, np.float32)
    run(Kernel("activate", RowsShape(function, 0.1)), [x, y, *SIZES])
    lost = np.isfinite(y) & ~np.isfinite(x)
    # without flushed denormals, as here, silu of minus infinity may stay infinite; it is never a number
    assert not lost.any()
    assert np.isfinite(y[np.isfinite(x)]).all()


@pytest.mark.parametrize("function", naive.FUNCTIONS)
@pytest.mark.parametrize("size", [1e10, 1e20, 3e38])
def test_a_large_number_overflows_in_no_activation_and_in_no_derivative(function, size):
    x = np.array([size, -size] * 20, np.float32)[:SIZE]
    y, dx = np.zeros_like(x), np.zeros_like(x)
    run(Kernel("activate", RowsShape(function, 0.1)), [x, y, *SIZES])
    saved = x if function in ("gelu", "silu") else y
    sizes = MapShape(1, 1, SIZE, GRID, GRID, saved=GRID).sizes
    run(Kernel("activate_gradient", RowsShape(function, 0.1)), [np.ones_like(x), dx, saved, *sizes])
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", ["dropout", "dropout_gradient"])
def test_dropout_keeps_them_where_it_drops(name, value):
    x, y = line(value), np.zeros(SIZE, np.float32)
    keep = np.zeros(kept_bytes(SIZE), np.uint8)
    run(Kernel(name, MapShape(1, 1, SIZE, GRID, GRID, number=0.9)), [x, y, keep])
    np.testing.assert_array_equal(np.isfinite(y), np.isfinite(x))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("others", [-1.0, 0.0, 1.0])
def test_max_pooling_keeps_them_wherever_in_the_window(others, place, value):
    x = np.full((2, 2, SIZE), others, np.float32)
    x[place // 2, place % 2, ::5] = value
    y, winners = np.zeros(SIZE, np.float32), np.zeros(SIZE, np.uint8)
    x_grid = Grid(2 * SIZE, 4 * SIZE, SIZE)
    run(Kernel("max_pool", PoolShape(1, 1, SIZE, 2, 2, (2, 2), 2, x_grid, GRID)), [x, y, winners])
    np.testing.assert_array_equal(np.isfinite(y), np.isfinite(x).all((0, 1)))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("finish", ["relu", "plain"])
@pytest.mark.parametrize("filters", [5, 21])
def test_a_pooled_convolution_keeps_them_wherever_in_its_windows(filters, finish, value):
    kernel, operands, fields, ((y, _), _) = naive.pooled_conv(np.random.default_rng(1), filters=filters, finish=finish)
    operands[0][:, 4, 5] = value
    operands[0][0] = 1  # the first image stays as it is
    run(kernel, operands, **fields)
    assert np.isfinite(y[0]).all()
    assert not np.isfinite(y[1:, 2:4, 2:4]).any()


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_keeps_them_whichever_logit_it_is(smoothing, place, value):
    logits = np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)
    logits[1, place] = value
    losses, grid = np.zeros(2, np.float32), Grid(4, 4, 4)
    shape = MapShape(1, 1, 4, grid, grid, number=smoothing)
    frame = {"numbers": np.arange(2), "labels": np.array([1, 2]), "weights": np.ones(2, np.float32)}
    wrong = np.zeros(2, np.uint8)
    run(
        Kernel("softmax_cross_entropy", shape),
        [logits, np.zeros_like(logits)],
        count=2,
        losses=losses,
        wrong=wrong,
        **frame,
    )
    np.testing.assert_array_equal(np.isnan(losses), [False, True])
