"""Each kernel's slow, obvious version: NumPy that says what the compiled kernel must compute, and a case to run.

One function a kernel, named as the kernel. It makes a case from a random generator, runs nothing compiled, and
returns (kernel, operands, frame fields, {what the kernel wrote: what it should have written}).
"""

from __future__ import annotations

from dataclasses import asdict, replace
from math import gcd

import numpy as np

from convlet.kernels import tuned
from convlet.kernels.calling import board as lines
from convlet.kernels.calling import clock, frame, update
from convlet.kernels.calling import task as task_fields
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.compiler.machine_code import addresses
from convlet.kernels.shapes import (
    NO_WINNER,
    AugmentShape,
    ConvShape,
    DenseShape,
    FoldShape,
    Grid,
    MapShape,
    PackShape,
    PeakShape,
    PoolShape,
    RowsShape,
    kept_bytes,
)
from convlet.kernels.target import host
from convlet.learning.augmentation import parse_augmentation
from convlet.learning.augmenting import show, spline
from convlet.learning.preprocessing import Preprocessing
from convlet.random import DROPOUT, uniform_images
from tests.kernels.harness import grid, padded

N = 3


def _taps(x, height, width, size, stride):
    for i in range(size):
        for j in range(size):
            yield (
                i,
                j,
                x[:, i : i + stride * height : stride, j : j + stride * width : stride][:, :height, :width],
            )


def conv(rng, height=6, width=7, channels=3, filters=10, size=3, stride=1, finish="relu", start="bias"):
    x, _ = padded(rng, (N, (height - 1) * stride + size, (width - 1) * stride + size, channels), (0, 0, 0, 0))
    w = rng.standard_normal((size, size, channels, filters)).astype(np.float32)
    b = rng.standard_normal(filters).astype(np.float32)
    y, inside = padded(rng, (N, height, width, filters), (1, 2, 0, 1))
    mask, kept = padded(rng, (N, height, width, filters), (0, 1, 0, 0))
    expected = {"bias": b, "zero": np.zeros_like(b), "load": inside}[start].astype(np.float64)
    expected = expected + sum(t.astype(np.float64) @ w[i, j] for i, j, t in _taps(x, height, width, size, stride))
    expected = {"relu": np.maximum(expected, 0), "mask": expected * (kept > 0), "plain": expected}[finish]
    whole = np.zeros_like(y)
    whole[:, 1 : 1 + height, 2 : 2 + width] = expected
    shape = ConvShape(height, width, channels, filters, size, stride, grid(x), grid(y), start, finish, grid(mask))
    first = y[0, :1].size + 2 * filters
    return Kernel("conv", shape), [x, w, b, (y, first), (mask, filters)], {"count": N}, [(y, whole)]


def pooled_conv(rng, height=6, width=8, channels=3, filters=10, size=3, stride=1, finish="relu"):
    """The same convolution, of which the largest of each 2x2 outputs is stored and its number, or 4 where relu made it 0."""
    kernel, (x, w, b, *_), _, [(_, whole)] = conv(rng, height, width, channels, filters, size, stride, "plain")
    outputs = whole[:, 1 : 1 + height, 2 : 2 + width]
    corners = np.stack([outputs[:, i::2, j::2] for i in (0, 1) for j in (0, 1)])
    y, pooled = padded(rng, (N, height // 2, width // 2, filters), (1, 1, 0, 0))
    winners, wanted = np.full(pooled.shape, 9, np.uint8), corners.argmax(0)
    expected = np.zeros_like(y)
    expected[:, 1:, 1:] = corners.max(0)
    if finish == "relu":
        wanted = np.where(expected[:, 1:, 1:] > 0, wanted, NO_WINNER)
        expected = np.maximum(expected, 0)
    shape = replace(kernel.shape, y=grid(y), finish=finish, mask=None, pooled=True)
    operands = [x, w, b, (y, y[0, :1].size + filters), winners]
    return Kernel("conv", shape), operands, {"count": N}, [(y, expected), (winners, wanted)]


def _transformed(w):
    """G g G' of each filter, as the kernel wants it: each block of filters (16, C, block)."""
    g = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    whole = np.einsum("ia,jb,abcf->ijcf", g, g, w.astype(np.float64)).astype(np.float32)
    step = tuned.vectors(w.shape[3], host()).step
    blocks = [whole[..., first : first + step].reshape(-1) for first in range(0, w.shape[3], step)]
    return np.concatenate(blocks)


def winograd(rng, channels=32, filters=32, pooled=False, **options):
    """The convolution itself, with x in a halo that a tile cut off may read: there is no number in it."""
    case = pooled_conv if pooled else conv
    kernel, (x, w, *rest), fields, expected = case(rng, channels=channels, filters=filters, **options)
    whole = np.full((N, x.shape[1] + 1, x.shape[2] + 1, channels), np.nan, np.float32)
    whole[:, :-1, :-1] = x
    shape = replace(kernel.shape, x=grid(whole))
    scratch = np.full(tuned.winograd_scratch_bytes(shape) // 4, np.nan, np.float32)
    return Kernel("winograd", shape), [whole, _transformed(w), *rest, scratch], fields, expected


def winograd_filters(rng, channels=5, filters=48):
    w = rng.standard_normal((3, 3, channels, filters)).astype(np.float32)
    u = np.zeros(16 * channels * filters, np.float32)
    return Kernel("winograd_filters", PackShape(3, channels, filters)), [w, u], {}, [(u, _transformed(w))]


def conv_filter_gradient(rng, height=6, width=7, channels=3, filters=10, size=3, stride=1):
    x, _ = padded(rng, (N, (height - 1) * stride + size, (width - 1) * stride + size, channels), (0, 0, 0, 0))
    dy, inside = padded(rng, (N, height, width, filters), (1, 1, 1, 1))
    dw = rng.standard_normal((size, size, channels, filters)).astype(np.float32)
    db = rng.standard_normal(filters).astype(np.float32)
    expected = dw.astype(np.float64)
    for i, j, t in _taps(x, height, width, size, stride):
        expected[i, j] += np.einsum("nyxc,nyxf->cf", t.astype(np.float64), inside)
    bias = db + inside.sum((0, 1, 2), dtype=np.float64)
    shape = ConvShape(height, width, channels, filters, size, stride, grid(x), grid(dy))
    operands = [x, (dy, dy[0, :1].size + filters), dw, db]
    return Kernel("conv_filter_gradient", shape), operands, {"count": N}, [(dw, expected), (db, bias)]


def winograd_filter_gradient(rng, channels=32, filters=32, height=8, width=10):
    """The same sums; where rows or columns are odd in number, x and dy go on with zeros."""
    kernel, (x, (dy, first), *rest), fields, expected = conv_filter_gradient(rng, height, width, channels, filters)
    whole = np.zeros((N, x.shape[1] + 1, x.shape[2] + 1, channels), np.float32)
    whole[:, :-1, :-1] = x
    shape = replace(kernel.shape, x=grid(whole))
    scratch = np.full(tuned.winograd_gradient_bytes(shape) // 4, np.nan, np.float32)
    return Kernel("winograd_filter_gradient", shape), [whole, (dy, first), *rest, scratch], fields, expected


def pooled_filter_gradient(rng, height=6, width=8, channels=3, filters=10, size=3, stride=1):
    """The same from pooled gradients: they belong to the winner of each 2x2, or to nothing where there is none."""
    kernel, (x, *_), _, _ = conv_filter_gradient(rng, height, width, channels, filters, size, stride)
    dy, inside = padded(rng, (N, height // 2, width // 2, filters), (0, 1, 0, 0))
    winners = rng.integers(0, NO_WINNER + 1, inside.shape).astype(np.uint8)
    full = np.zeros((N, height, width, filters))
    for number in range(4):
        full[:, number // 2 :: 2, number % 2 :: 2] = inside * (winners == number)
    dw = rng.standard_normal((size, size, channels, filters)).astype(np.float32)
    db = rng.standard_normal(filters).astype(np.float32)
    expected = dw.astype(np.float64)
    for i, j, t in _taps(x, height, width, size, stride):
        expected[i, j] += np.einsum("nyxc,nyxf->cf", t.astype(np.float64), full)
    shape = replace(kernel.shape, y=grid(dy), pooled=True)
    results = [(dw, expected), (db, db + full.sum((0, 1, 2)))]
    return Kernel("pooled_filter_gradient", shape), [x, (dy, filters), winners, dw, db], {"count": N}, results


def dense(rng, images=11, inputs=13, units=10, rows=1, start="bias", finish="mask"):
    x = rng.standard_normal((images, inputs)).astype(np.float32)
    w = rng.standard_normal((inputs, rows, units)).astype(np.float32)
    b = rng.standard_normal(units).astype(np.float32)
    y = rng.standard_normal((images, rows + 1, units + 3)).astype(np.float32)
    mask = rng.standard_normal((images, rows, units)).astype(np.float32)
    begin = {"bias": b, "zero": np.zeros_like(b), "load": y[:, 1:, 3:]}[start]
    expected = begin + np.einsum("nk,kru->nru", x.astype(np.float64), w)
    expected = {"mask": expected * (mask > 0), "relu": np.maximum(expected, 0), "plain": expected}[finish]
    whole = y.copy()
    whole[:, 1:, 3:] = expected
    place = Grid(units + 3, y[0].size, units)
    shape = DenseShape(inputs, units, inputs, place, rows, start, finish, Grid(units, rows * units, units))
    return Kernel("dense", shape), [x, w, b, (y, units + 6), mask], {"count": images}, [(y, whole)]


def dense_filter_gradient(rng, images=11, inputs=37, units=10):
    x = rng.standard_normal((images, inputs)).astype(np.float32)
    dy = rng.standard_normal((images, units)).astype(np.float32)
    dw = rng.standard_normal((inputs, units)).astype(np.float32)
    db = rng.standard_normal(units).astype(np.float32)
    expected = [(dw, dw + x.astype(np.float64).T @ dy), (db, db + dy.sum(0, dtype=np.float64))]
    shape = DenseShape(inputs, units, inputs, Grid(units, units, units))
    return Kernel("dense_filter_gradient", shape), [x, dy, dw, db], {"count": images}, expected


def pack(rng, size=3, inputs=21, units=18):
    w = rng.standard_normal((size, size, inputs, units)).astype(np.float32)
    packed = np.zeros((size, size, units, inputs), np.float32)
    return (
        Kernel("pack", PackShape(size, inputs, units)),
        [w, packed],
        {},
        [(packed, w[::-1, ::-1].transpose(0, 1, 3, 2))],
    )


def fold(rng, inputs=18, filters=5, epsilon=1e-3):
    w = rng.standard_normal((inputs, filters)).astype(np.float32)
    b, scale, shift, mean, variance = rng.uniform(0.5, 2, (5, filters)).astype(np.float32)
    factor = scale.astype(np.float64) / np.sqrt(variance + epsilon)
    folded, biases = np.zeros_like(w), np.zeros_like(b)
    operands = [w, b, scale, shift, mean, variance, folded, biases, inputs, filters]
    expected = [(folded, w * factor), (biases, (b - mean) * factor + shift)]
    return Kernel("fold", FoldShape(epsilon)), operands, {}, expected


def _windows(shape: PoolShape):
    rows, columns = shape.window
    for kh in range(rows):
        for kw in range(columns):
            yield (
                kh * columns + kw,
                (
                    slice(None),
                    slice(kh, kh + shape.stride * (shape.height - 1) + 1, shape.stride),
                    slice(kw, kw + shape.stride * (shape.width - 1) + 1, shape.stride),
                ),
            )


def _pool_case(rng, window, stride, masked=False, channels=12):
    size = max(7, window[0] + 1), max(9, window[1])
    x, inside = padded(rng, (N, *size, channels), (1, 0, 1, 2))
    height, width = ((n - w) // stride + 1 for n, w in zip(size, window, strict=True))
    y, pooled = padded(rng, (N, height, width, channels), (0, 1, 1, 0))
    mask = grid(y) if masked else None
    shape = PoolShape(height, width, channels, *size, window, stride, grid(x), grid(y), mask)
    return shape, x, inside, (x, x[0, :1].size), y, pooled, (y, channels)


def max_pool(rng, window=(2, 2), stride=2):
    shape, _, inside, x_at, y, pooled, y_at = _pool_case(rng, window, stride)
    inside[...] = np.round(inside)  # so that there are ties
    winners = np.full(pooled.shape, 99, f"u{shape.winner_bytes}")
    candidates = np.stack([inside[place] for _, place in _windows(shape)])
    whole = np.zeros_like(y)
    whole[:, : shape.height, 1:] = candidates.max(0)
    expected = [(y, whole), (winners, candidates.argmax(0))]
    return Kernel("max_pool", shape), [x_at, y_at, winners], {"count": N}, expected


def max_pool_gradient(rng, window=(2, 2), stride=2, masked=True):
    shape, dx, inside, dx_at, _dy, dpooled, dy_at = _pool_case(rng, window, stride, masked)
    inside[...] = 0
    winners = rng.integers(0, window[0] * window[1], dpooled.shape).astype(f"u{shape.winner_bytes}")
    y, pooled = padded(rng, dpooled.shape, (0, 1, 1, 0))
    share = dpooled * (pooled > 0) if masked else dpooled
    whole = np.zeros_like(dx)
    within = whole[:, 1:-1, : inside.shape[2]]
    for number, place in _windows(shape):
        within[place] += share * (winners == number)
    operands = [dy_at, winners, dx_at, (y, dpooled.shape[3])]
    return Kernel("max_pool_gradient", shape), operands, {"count": N}, [(dx, whole)]


def average_pool(rng, window=(2, 2), stride=2):
    shape, _, inside, x_at, y, _, y_at = _pool_case(rng, window, stride)
    whole = np.zeros_like(y)
    whole[:, : shape.height, 1:] = np.mean([inside[place] for _, place in _windows(shape)], 0)
    return Kernel("average_pool", shape), [x_at, y_at], {"count": N}, [(y, whole)]


def average_pool_gradient(rng, window=(2, 2), stride=2):
    shape, dx, inside, dx_at, _, dpooled, dy_at = _pool_case(rng, window, stride)
    inside[...] = 0
    whole = np.zeros_like(dx)
    within = whole[:, 1:-1, : inside.shape[2]]
    for _, place in _windows(shape):
        within[place] += dpooled / (window[0] * window[1])
    return Kernel("average_pool_gradient", shape), [dy_at, dx_at], {"count": N}, [(dx, whole)]


SHAPE = (N, 3, 5, 6)

FUNCTIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.1 * x),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x / (1 + np.exp(-x)),
}


def _map_case(rng, **more):
    x, x_in = padded(rng, SHAPE, (1, 0, 0, 1))
    y, y_in = padded(rng, SHAPE, (0, 1, 1, 0))
    shape = MapShape(*SHAPE[1:], grid(x), grid(y), **more)
    return shape, (x, x_in, (x, x[0, :1].size)), (y, y_in, (y, SHAPE[3]))


def activate(rng, function="tanh"):
    shape, (_, x_in, x_at), (y, y_in, y_at) = _map_case(rng, function=function, number=0.1)
    x_in *= 4
    whole = np.zeros_like(y)
    whole[:, : y_in.shape[1], 1:] = FUNCTIONS[function](x_in.astype(np.float64))
    return Kernel("activate", RowsShape(function, 0.1)), [x_at, y_at, *shape.sizes], {"count": N}, [(y, whole)]


def activate_gradient(rng, function="tanh"):
    saved, saved_in = padded(rng, SHAPE, (0, 0, 0, 0))
    more = {"function": function, "number": 0.1, "saved": grid(saved)}
    shape, (dx, dx_in, dx_at), (_, dy_in, dy_at) = _map_case(rng, **more)
    x = saved_in.astype(np.float64)
    f, small = FUNCTIONS[function], 1e-6
    slope = (f(x + small) - f(x - small)) / (2 * small)
    if function not in ("gelu", "silu"):  # these kernels are given f(x)
        saved_in[...] = f(x)
    whole = np.zeros_like(dx)
    whole[:, 1:, : dx_in.shape[2]] = dy_in * slope
    return (
        Kernel("activate_gradient", RowsShape(function, 0.1)),
        [dy_at, dx_at, saved, *shape.sizes],
        {"count": N},
        [(dx, whole)],
    )


def copy(rng, apart=2):
    _, h, w, c = SHAPE
    x, inside = padded(rng, SHAPE, (0, 0, 1, 1))
    y = np.zeros((N, h * apart, w * apart, c), np.float32)
    far = Grid(row=apart * apart * w * c, image=y[0].size, pixel=apart * c)
    whole = np.zeros_like(y)
    whole[:, ::apart, ::apart] = inside
    shape = MapShape(h, w, c, grid(x), far)
    return Kernel("copy", RowsShape()), [x, y, *shape.sizes], {"count": N}, [(y, whole)]


def add(rng):
    shape, (_, x_in, x_at), (y, y_in, y_at) = _map_case(rng)
    whole = y.copy()
    whole[:, : y_in.shape[1], 1:] += x_in
    return Kernel("add", RowsShape()), [x_at, y_at, *shape.sizes], {"count": N}, [(y, whole)]


def dropout(rng, rate=0.3, seed=(1 << 40) + 5):
    shape, (_, x_in, x_at), (y, y_in, y_at) = _map_case(rng, number=rate, stream=2)
    count = x_in[0].size
    uniform = uniform_images(np.arange(N) + 7, SHAPE[1:], seed=seed, purpose=DROPOUT, stream=2, epoch=3)
    kept = uniform >= np.float32(rate)
    whole = np.zeros_like(y)
    whole[:, : y_in.shape[1], 1:] = x_in * kept / (1 - rate)
    keep = np.zeros((N, kept_bytes(count)), np.uint8)
    flags = keep.copy()
    flags[:, :count] = kept.reshape(N, -1)
    flags[:, count:] = keep[:, count:]
    fields = {"count": N, "position": 7, "epoch": 3, "seed": seed}
    return (
        Kernel("dropout", shape),
        [x_at, y_at, keep],
        fields,
        [(y, whole), (keep[:, :count], flags[:, :count])],
    )


def dropout_gradient(rng, rate=0.3):
    shape, (dx, dx_in, dx_at), (_, dy_in, dy_at) = _map_case(rng, number=rate)
    count = dx_in[0].size
    keep = rng.integers(0, 2, (N, kept_bytes(count))).astype(np.uint8)
    whole = np.zeros_like(dx)
    whole[:, 1:, : dx_in.shape[2]] = dy_in * keep[:, :count].reshape(SHAPE) / (1 - rate)
    return Kernel("dropout_gradient", shape), [dy_at, dx_at, keep], {"count": N}, [(dx, whole)]


def _channels(rng, count=4):
    return [rng.uniform(0.5, 2, SHAPE[3]).astype(np.float32) for _ in range(count)]


def batch_norm(rng, epsilon=1e-3):
    shape, (_, x_in, x_at), (y, y_in, y_at) = _map_case(rng, number=epsilon)
    scale, shift = _channels(rng, 2)
    written = mean, variance, inverse = _channels(rng, 3)
    x = x_in.astype(np.float64)
    m, v = x.mean((0, 1, 2)), x.var((0, 1, 2))
    whole = np.zeros_like(y)
    whole[:, : y_in.shape[1], 1:] = scale * (x - m) / np.sqrt(v + epsilon) + shift
    expected = [(y, whole), (mean, m), (variance, v), (inverse, 1 / np.sqrt(v + epsilon))]
    return (
        Kernel("batch_norm", RowsShape("", epsilon, gcd(SHAPE[3], 16))),
        [x_at, y_at, scale, shift, *written, *shape.sizes],
        {"count": N},
        expected,
    )


def batch_norm_inference(rng, epsilon=1e-3):
    shape, (_, x_in, x_at), (y, y_in, y_at) = _map_case(rng, number=epsilon)
    scale, shift, mean, variance = _channels(rng)
    whole = np.zeros_like(y)
    whole[:, : y_in.shape[1], 1:] = scale * (x_in - mean) / np.sqrt(variance + epsilon) + shift
    operands = [x_at, y_at, scale, shift, mean, variance]
    return Kernel("batch_norm_inference", shape), operands, {"count": N}, [(y, whole)]


def batch_norm_gradient(rng, epsilon=1e-3):
    x, x_in = padded(rng, SHAPE, (0, 0, 0, 0))
    shape, (dx, dx_in, dx_at), (_, dy_in, dy_at) = _map_case(rng, number=epsilon, saved=grid(x))
    scale, mean, inverse, _ = _channels(rng)
    dscale, dshift = _channels(rng, 2)
    xhat, count = (x_in.astype(np.float64) - mean) * inverse, N * SHAPE[1] * SHAPE[2]
    own_scale, own_shift = (dy_in * xhat).sum((0, 1, 2)), dy_in.sum((0, 1, 2), dtype=np.float64)
    whole = np.zeros_like(dx)
    inside = scale * inverse * (dy_in - own_shift / count - xhat * own_scale / count)
    whole[:, 1:, : dx_in.shape[2]] = inside
    expected = [(dx, whole), (dscale, dscale + own_scale), (dshift, dshift + own_shift)]
    operands = [dy_at, dx_at, x, scale, mean, inverse, dscale, dshift, *shape.sizes]
    return Kernel("batch_norm_gradient", RowsShape("", epsilon, gcd(SHAPE[3], 16))), operands, {"count": N}, expected


def _gather(rng, name, images):
    y = np.zeros((N, *SHAPE[1:]), np.float32)
    run = SHAPE[2] * SHAPE[3]
    scale, offset = (rng.standard_normal(run).astype(np.float32) for _ in range(2))
    numbers = np.array([4, 0, 4], np.int64)
    expected = images[numbers].astype(np.float32).reshape(N, SHAPE[1], run) * scale + offset
    shape = MapShape(*SHAPE[1:], grid(y), grid(y))
    fields = {"count": N, "images": images, "numbers": numbers}
    return Kernel(name, shape), [y, scale, offset], fields, [(y, expected.reshape(y.shape))]


def gather_bytes(rng):
    return _gather(rng, "gather_bytes", rng.integers(0, 256, (5, *SHAPE[1:])).astype(np.uint8))


def gather_floats(rng):
    return _gather(rng, "gather_floats", rng.standard_normal((5, *SHAPE[1:])).astype(np.float32))


def augment_bytes(rng, word="shift2", dtype=np.uint8, size=(9, 7, 1), images=40, epoch=3):
    """The definition in `convlet.learning.augmenting` is the slow version."""
    pixels = rng.integers(0, 256, (60, *size)).astype(dtype)
    numbers = rng.permutation(60)[:images].astype(np.int64)
    change = parse_augmentation(word)
    scaling = Preprocessing(tuple(40.0 + c for c in range(size[2])), tuple(50.0 + c for c in range(size[2])))
    identities = rng.permutation(1000)[:images].astype(np.int64)
    place = {"seed": 2**63 + 5, "epoch": epoch, "position": 12, "identities": identities}
    shown = show(change, scaling, pixels, numbers, slice(5, None), **place)
    own = numbers[5:]
    y = np.zeros((len(own), size[0] + 1, size[1] + 2, size[2]), np.float32)
    whole = np.zeros_like(y)
    whole[:, 1:, 1:-1] = shown.images
    shape = AugmentShape(*size, grid(y), **asdict(change))
    scales = [np.tile(values, size[1]) for values in (scaling.scale, scaling.offset)]
    mixes = np.zeros((len(own), 2), np.int64)
    operands = [(y, y[0, :1].size + size[2]), *scales, spline(size[0]), spline(size[1])]
    operands += [np.zeros(shape.scratch_floats, np.float32), mixes]
    fields = {"count": len(own), "numbers": own, "images": pixels, "position": 17, "identities": identities}
    fields |= {"batch": images, "batch_numbers": numbers, "batch_position": 12}
    fields |= {"epoch": epoch, "seed": int(np.uint64(2**63 + 5).astype(np.int64))}
    expected = [(y, whole)]
    if change.cutmix:
        assert (shown.partners != own).any()
        expected += [(mixes[:, 0], shown.partners), (mixes[:, 1:].view(np.float32)[:, 0], shown.shares)]
    return Kernel("augment_bytes" if dtype == np.uint8 else "augment_floats", shape), operands, fields, expected


def augment_floats(rng, **options):
    return augment_bytes(rng, dtype=np.float32, **options)


def softmax_cross_entropy(rng, classes=10, size=1.0, smoothing=0.0, mixed=False):
    z = (size * rng.standard_normal((N, classes))).astype(np.float32)
    dz, losses, wrong = np.zeros_like(z), np.zeros(N, np.float32), np.full(N, 9, np.uint8)
    numbers, labels = np.array([2, 0, 1], np.int64), np.array([3, 0, 7], np.int64)
    weights = np.array([0.5, 1.0, 3.0], np.float32)
    own, counts = labels[numbers], weights[numbers].astype(np.float64)
    exact = z.astype(np.float64) - z.astype(np.float64).max(1, keepdims=True)
    total = np.exp(exact)
    shares, partners = np.array([0.25, 0.5, 1.0], np.float32), np.array([1, 1, 2], np.int64)
    mixes = np.zeros((N, 2), np.int64)
    mixes[:, 0], mixes[:, 1:].view(np.float32)[:, 0] = partners, shares
    share = shares[:, None] if mixed else 1
    goal = share * np.eye(classes)[own] + (1 - share) * np.eye(classes)[labels[partners]]
    goal = (1 - smoothing) * goal + smoothing / classes
    loss = np.log(total.sum(1)) - (goal * exact).sum(1)
    place = Grid(classes, classes, classes)
    shape = MapShape(1, 1, classes, place, place, function="mixed" if mixed else "", number=smoothing)
    fields = {"count": N, "numbers": numbers, "labels": labels, "weights": weights, "losses": losses, "wrong": wrong}
    expected = [
        (dz, counts[:, None] * (total / total.sum(1, keepdims=True) - goal)),
        (losses, counts * loss),
        (wrong, z.argmax(1) != own),
    ]
    return Kernel("softmax_cross_entropy", shape), [z, dz, mixes], fields, expected


def store_logits(rng, classes=7):
    z, logits = rng.standard_normal((N, classes)).astype(np.float32), np.zeros((N, classes), np.float32)
    place = Grid(classes, classes, classes)
    kernel = Kernel("store_logits", MapShape(1, 1, classes, place, place))
    return kernel, [z], {"count": N, "logits": logits}, [(logits, z)]


def add_rows(rng, rows=5, count=23):
    values = rng.standard_normal((rows, count)).astype(np.float32)
    gradient, scale = np.zeros(count, np.float32), np.array([0.25], np.float32)
    a, b, c, d, e = values
    tree = ((a + b) + (c + d)) + e  # the order matters to the last bit
    sizes = np.array([rows, count], np.int64)
    return (
        Kernel("add_rows"),
        [values, gradient, sizes, scale],
        {"count": count},
        [(gradient, tree * np.float32(0.25))],
    )


def _optimizer_case(rng, optimizer, step=3, rate=0.02):
    from convlet.engine.compiled import optimizer_settings

    count = 37
    parameters, gradient = (rng.standard_normal(count).astype(np.float32) for _ in range(2))
    decay = rng.integers(0, 2, count).astype(np.float32)
    slots = {name: rng.uniform(0, 1, count).astype(np.float32) for name in optimizer.slots}
    expected, moved = parameters.copy(), {name: slot.copy() for name, slot in slots.items()}
    optimizer.update(expected, gradient, moved, rate, step, decay)
    operands = [parameters, gradient, decay, optimizer_settings(optimizer, rate, step), *slots.values()]
    results = [(parameters, expected), *((slots[name], moved[name]) for name in slots)]
    name = "adam" if optimizer.name == "adamw" else optimizer.name
    assert len(operands[3]) == update.SETTINGS
    return Kernel(name), operands, {"count": count}, results


def sgd(rng, **more):
    from convlet.learning.optimizers import SGD

    return _optimizer_case(rng, SGD(weight_decay=0.1, **more))


def adagrad(rng):
    from convlet.learning.optimizers import Adagrad

    return _optimizer_case(rng, Adagrad(weight_decay=0.1))


def rmsprop(rng):
    from convlet.learning.optimizers import RMSprop

    return _optimizer_case(rng, RMSprop(weight_decay=0.1))


def adam(rng, decoupled=False):
    from convlet.learning.optimizers import Adam, AdamW

    return _optimizer_case(rng, (AdamW if decoupled else Adam)(weight_decay=0.1))


def peak(rng, lanes=4, chains=5, links=3, turns=2):
    x, w = (rng.standard_normal(lanes).astype(np.float32) for _ in range(2))
    y = rng.standard_normal((chains, lanes)).astype(np.float32)
    shape = PeakShape(lanes, chains, links)
    assert turns * shape.multiply_adds == turns * links * y.size  # each of which adds one product to one number of y
    expected = y + turns * links * x.astype(np.float64) * w
    return Kernel("peak", shape), [x, w, y], {"count": turns}, [(y, expected)]


def clocked(rng):
    """A step of add_rows that ran six times before: it runs, and is counted."""
    kernel, operands, fields, expected = add_rows(rng)
    table = np.array([(frame.ZERO, array.ctypes.data) for array in operands], np.int64).reshape(-1)
    step, own = np.zeros(clock.FIELDS, np.int64), np.zeros(frame.FIELDS, np.int64)
    step[clock.KERNEL], step[clock.OPERANDS], step[clock.CALLS] = addresses([kernel])[kernel], table.ctypes.data, 6
    own[frame.COUNT], own[frame.SELF] = fields["count"], own.ctypes.data
    counted = [(step[clock.CALLS :], [7]), (step[:2], step[:2].copy())]
    return Kernel("clocked"), step, own, expected + counted, (operands, table)


def read_clock(rng):
    """The time stands in the first number; see `test_clock` for what it is."""
    place = np.array([0, 5], np.int64)
    return Kernel("read_clock"), place, place, [(place[1:], [5])], ()


def walk(rng):
    """Five shards of 4 in a batch of 18, on two rows, in groups of 3: every image must be met once, in order."""
    images, labels = rng.integers(0, 256, (20, 1, 1, 1)).astype(np.uint8), None
    numbers = rng.permutation(20)[:18].astype(np.int64)
    logits, own = np.zeros((18, 1), np.float32), np.zeros(frame.FIELDS, np.int64)
    workspace = np.zeros(16, np.float32)
    one, scale, offset = Grid(1, 1, 1), np.ones(1, np.float32), np.zeros(1, np.float32)
    steps = [
        Kernel("gather_bytes", MapShape(1, 1, 1, one, one)),
        Kernel("store_logits", MapShape(1, 1, 1, one, one)),
    ]
    code = addresses([*steps, Kernel("walk")])
    tables = [
        np.array([frame.WORKSPACE, 0, frame.ZERO, scale.ctypes.data, frame.ZERO, offset.ctypes.data], np.int64),
        np.array([frame.WORKSPACE, 0], np.int64),
    ]
    program = np.array([(code[k], t.ctypes.data) for k, t in zip(steps, tables, strict=True)], np.int64)
    counter, rows = np.zeros(1, np.int64), np.full((2, 5), 7, np.float32)
    task = np.zeros(task_fields.FIELDS, np.int64)
    told = {
        "PROGRAM": program, "LENGTH": 2, "COUNTER": counter, "ROWS": 2, "END": 2, "SHARDS": 5, "SHARD": 4, "BATCH": 18,
        "GROUP": 3, "GRADIENTS": rows, "GRADIENT_FLOATS": 5, "NUMBERS": numbers, "LOGITS": logits, "LOGIT_FLOATS": 1,
    }  # fmt: skip
    for field, value in told.items():
        task[getattr(task_fields, field)] = value.ctypes.data if isinstance(value, np.ndarray) else value
    own[frame.WORKSPACE], own[frame.IMAGES], own[frame.SELF] = (
        workspace.ctypes.data,
        images.ctypes.data,
        own.ctypes.data,
    )
    kept = (steps, tables, program, scale, offset, labels, workspace)
    expected = [
        (logits, images[numbers].reshape(18, 1)),
        (rows, np.zeros_like(rows)),
        (counter, np.array([3])),
    ]
    return Kernel("walk"), task, own, expected, kept


def walk_numbers(rng):
    """Ten numbers in pieces of 4: a gradient of one row must come out whole."""
    row, gradient = rng.standard_normal((1, 10)).astype(np.float32), np.zeros(10, np.float32)
    sizes, scale = np.array([1, 10], np.int64), np.array([2.0], np.float32)
    table = np.array([(frame.ZERO, a.ctypes.data) for a in (row, gradient, sizes, scale)], np.int64).reshape(-1)
    code = addresses([Kernel("add_rows")])
    program = np.array([(code[Kernel("add_rows")], table.ctypes.data)], np.int64)
    counter, own, task = (
        np.zeros(1, np.int64),
        np.zeros(frame.FIELDS, np.int64),
        np.zeros(task_fields.FIELDS, np.int64),
    )
    told = {"PROGRAM": program, "LENGTH": 1, "COUNTER": counter, "END": 3, "SHARD": 4, "BATCH": 10}
    for field, value in told.items():
        task[getattr(task_fields, field)] = value.ctypes.data if isinstance(value, np.ndarray) else value
    own[frame.SELF] = own.ctypes.data
    return (
        Kernel("walk_numbers"),
        task,
        own,
        [(gradient, 2 * row[0])],
        (row, sizes, scale, table, program, counter),
    )


def _meeting(threads):
    """A board with a line for each thread, none of whom sleeps; locks are never touched then."""
    board = np.zeros((3 + threads, lines.LINE_FIELDS), np.int64)
    board[0, [lines.THREADS, lines.LIMIT, lines.LOOKS]] = threads, threads, 3
    for number, line in enumerate(board[3:]):
        line[[lines.NUMBER // 8, lines.LINE // 8, lines.BOARD // 8]] = number, line.ctypes.data, board.ctypes.data
    return board


def serve(rng):
    """The crew was sent away: the helper leaves, and changes nothing."""
    board = _meeting(2)
    board[1, 0] = lines.ENDED
    return Kernel("serve"), board, board[4], [(board, board.copy())], ()


def lead(rng):
    """A helper that never comes is not waited for: the calling thread does all the work, and the round is closed."""
    walker, task, own, expected, kept = walk_numbers(rng)
    board, frames = _meeting(2), np.array([own.ctypes.data, 0], np.int64)
    board[0, :3] = addresses([walker])[walker], task.ctypes.data, frames.ctypes.data
    board[1, 0] = 4
    closed = board.copy()
    closed[1, 0] = 6
    return Kernel("lead"), board, board[3], [*expected, (board, closed)], (task, own, frames, kept)


def dismiss(rng):
    """No round can be opened any more."""
    board = _meeting(3)
    ended = board.copy()
    ended[1, 0] = lines.ENDED
    return Kernel("dismiss"), board, board[3], [(board, ended)], ()
