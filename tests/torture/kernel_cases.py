"""Networks drawn over everything that layers accept, and what the compiled kernels and the definitions make of them.

Numbers are whole, so sums are exact in float32 in any order: kernels of linear layers, relu and pooling must give the
definition's numbers to the last bit, ties included. Layers that round come last in a network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from convlet import random as convlet_random
from convlet.kernels import frame
from convlet.kernels.compile import caller
from convlet.layers import (
    GELU,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    LeakyReLU,
    MaxPool,
    Pass,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Tanh,
)
from convlet.training.aligned import aligned_zeros
from convlet.training.layout import Layout, dropout_streams
from convlet.training.lowering import Lowering
from convlet.training.plan import Plan

MOST_MULTIPLY_ADDS, MOST_NUMBERS = 1.5e7, 3e5
"""Of a case: larger ones are drawn again, as NumPy would take too long."""

EXACT = 2.0**22
"""Whole numbers and quarters up to this are exact in float32."""

SEED, EPOCH = 5, 3
ROUNDING = 2e-5
"""Of the largest number of an array, where a layer rounds."""

HIDE = (MaxPool, ReLU, Residual)
"""With NaN before them, what gets the gradient is not defined; every one gives NaN, so no training goes on with it."""


TINY = 1e-40
"""A denormal number."""

CASES_EACH = 8
"""Cases of each network: kernels do not depend on what they are given, and compiling them takes longest."""


@dataclass(frozen=True)
class Case:
    """A network of layers on `images` images of a shape.

    place, spoiled : "x" or "dy", and the value planted somewhere in it
    scale : of all numbers of x and dy
    largest : of the numbers of x before that
    """

    layers: tuple
    shape: tuple[int, int, int]
    images: int
    seed: int
    place: str = ""
    spoiled: float = 0.0
    scale: float = 1.0
    largest: int = 1

    @property
    def network(self):
        return Sequential(self.layers)

    def __str__(self):
        word = "-".join(layer.token() for layer in self.layers)
        planted = f", {self.spoiled} in {self.place}" if self.place else ""
        planted += f", times {self.scale}" if self.scale != 1 else ""
        return f"{word} on {self.images}x{'x'.join(map(str, self.shape))}, seed {self.seed}{planted}"


def size_of(draws, high):
    """1 to `high`, small ones and multiples of 16 more often."""
    if draws.random() < 0.2:
        return min(high, 16 * draws.randint(1, 8))
    return min(high, max(1, round(math.exp(draws.uniform(0, math.log(high + 1))))))


def linear(draws, shape):
    """A layer whose sums are exact, for this shape."""
    kind = draws.choice(["conv"] * 4 + ["pool"] * 3 + ["relu", "leaky", "dense", "dropout"])
    if kind == "conv":
        side = min(shape[:2])
        padding = draws.choice(["same", "same", "valid"])
        size = size_of(draws, 63 if padding == "same" else min(63, side))
        size = draws.choice([size, min(3, size)])
        return Conv(size_of(draws, 600), size, draws.choice([1, 1, size_of(draws, 63)]), padding)
    if kind == "pool":
        size = draws.choice([2, size_of(draws, 63), min(shape[0], shape[1], 63)])
        return MaxPool(min(size, *shape[:2]), draws.choice([None, 1, size_of(draws, 63)]))
    return {"relu": ReLU(), "leaky": LeakyReLU(0.5), "dense": Dense(size_of(draws, 600)), "dropout": Dropout(0.5)}[kind]


def rounding(draws, shape):
    """A layer that rounds."""
    if draws.random() < 0.4:
        size = min(draws.choice([2, size_of(draws, 63), min(shape[0], shape[1])]), *shape[:2], 63)
        return draws.choice([GlobalAvgPool(), AvgPool(size, draws.choice([None, 1, size_of(draws, 63)]))])
    others = [Tanh(), Sigmoid(), GELU(), SiLU(), BatchNorm(), LeakyReLU(0.013), Dropout(0.3)]
    return draws.choice([*others, Residual(size_of(draws, 40), draws.choice([1, 1, 2, 5]))])


def draw(draws):
    """The cases of a network that is not too large and whose sums are exact up to the last layer."""
    case = None
    while case is None:
        case = _draw(draws)
    infinity = draws.choice([math.inf, -math.inf])
    given = [
        {},
        {"images": draws.randint(1, case.images)},
        {"images": 1},
        *({"place": place, "spoiled": value} for place in ("x", "dy") for value in (math.nan, infinity)),
        {"scale": TINY},
    ]
    assert len(given) == CASES_EACH
    return [replace(case, seed=draws.randrange(2**31), **more) for more in given]


def _draw(draws):
    sides = [draws.choice([1, 2, 7, 8, 28]), size_of(draws, 70), size_of(draws, 200), size_of(draws, 70)]
    shape = start = (draws.choice(sides), draws.choice(sides), size_of(draws, draws.choice([4, 40, 600])))
    images = draws.choice([1, 2, 3, 5, 9, 17])
    layers, largest = [], 1.0
    count = draws.choice([1, 1, 2, 2, 3, 4, 6])
    for number in range(count):
        layer = linear(draws, shape) if number < count - 1 or draws.random() < 0.7 else rounding(draws, shape)
        if not layers and isinstance(layer, Dense) and draws.random() < 0.5:
            layers.append(Flatten())
        try:
            after = layer.output_shape(shape)
        except ValueError:
            return None
        if isinstance(layer, Conv | Dense | Residual):
            largest *= layer.multiply_adds(shape) / math.prod(after)
        elif isinstance(layer, Dropout | LeakyReLU):
            largest *= 2
        layers.append(layer)
        shape = after
        if len(shape) != 3:
            break
    case = Case(tuple(layers), start, images, 0)
    bound = largest * images * math.prod(start[:2])  # of a sum, also of a gradient's
    return replace(case, largest=min(1000, int(EXACT / bound))) if bound < EXACT and _small(case) else None


def _small(case):
    shape, numbers, work = case.shape, math.prod(case.shape), 0
    for layer in case.layers:
        work += case.images * layer.multiply_adds(shape)
        windows = layer.size**2 if isinstance(layer, MaxPool | AvgPool) else 1
        shape = layer.output_shape(shape)
        numbers = max(numbers, math.prod(shape) * windows**0.5)
        work += case.images * math.prod(shape) * windows
    parameters = Layout(case.network, case.shape).parameter_count
    return work < MOST_MULTIPLY_ADDS and max(case.images * numbers, parameters) < MOST_NUMBERS


def numbers(case):
    """x, the flat parameters and dy: whole numbers, of any kind only where the one layer rounds.

    Of parameters and dy they are -1, 0 and 1. x is larger in two of three cases, else a maximum were among the first.
    """
    rng = np.random.default_rng(case.seed)
    network, layout = case.network, Layout(case.network, case.shape)
    after = network.output_shape(case.shape)
    largest = case.largest if exact(case) and case.seed % 3 else 1
    x = rng.integers(-largest, largest + 1, (case.images, *case.shape)).astype(np.float32)
    dy = rng.integers(-1, 2, (case.images, *after)).astype(np.float32)
    parameters = rng.integers(-1, 2, layout.parameter_count).astype(np.float32)
    if len(case.layers) == 1 and not exact(case):
        x = (x + rng.standard_normal(x.shape)).astype(np.float32)
    x, dy = x * np.float32(case.scale), dy * np.float32(case.scale)
    for name, planted in (("x", x), ("dy", dy)):
        if case.place == name:
            planted.reshape(-1)[rng.integers(planted.size)] = case.spoiled
    return x, parameters, dy


def exact(case):
    """Whether no layer rounds."""
    return case.scale == 1 and all(
        isinstance(layer, Conv | Dense | MaxPool | ReLU | Flatten) or layer in (LeakyReLU(0.5), Dropout(0.5))
        for layer in case.layers
    )


def definition(case, x, parameters, dy):
    """y, dx and the gradient of each parameter, by the layers' own NumPy in float64."""
    network, layout = case.network, Layout(case.network, case.shape)
    streams = dropout_streams(network, case.shape)

    def uniform(path, shape):
        return convlet_random.uniform_images(
            np.arange(len(x)), shape[1:], seed=SEED, purpose=convlet_random.DROPOUT, stream=streams[path], epoch=EPOCH
        )

    views = layout.views(parameters.astype(np.float64))
    state = network.initial_state(case.shape)
    with np.errstate(all="ignore"):
        y, saved = network.forward(x.astype(np.float64), views, state, Pass(training=True, uniform=uniform))
        dx, gradients = network.backward(dy.astype(np.float64), saved, views)
    return {"y": y, "dx": dx, **gradients}


class Lowered:
    """The plan of a case's layers alone, without images, loss or head."""

    def __init__(self, case):
        self.case, self.layout = case, Layout(case.network, case.shape)
        self.plan = Plan(training=True)
        lowering = Lowering(case.network, case.shape, self.layout, self.plan)
        self.x = self.plan.value(case.shape)
        self.y = lowering.sequence(case.network, self.x, "", ())
        for node in self.plan.nodes:
            node.declare(self.plan)
        self.plan.lay_out(case.images)
        self.plan.emit()

    def run(self, x, parameters, dy):
        """The same arrays as `definition`, by the compiled kernels."""
        plan, case = self.plan, self.case
        self.workspace = aligned_zeros(plan.workspace_bytes)
        packed, gradient = aligned_zeros(plan.packed_floats, np.float32), np.zeros(len(parameters), np.float32)
        observed = np.zeros(max(1, self.layout.state_count), np.float32)
        fields = {
            frame.WORKSPACE: self.workspace.ctypes.data,
            frame.PARAMETERS: parameters.ctypes.data,
            frame.PACKED: packed.ctypes.data,
            frame.GRADIENT: gradient.ctypes.data,
            frame.OBSERVED: observed.ctypes.data,
            frame.SEED: SEED,
            frame.EPOCH: EPOCH,
        }
        y, dx = np.zeros((len(x), *self.y.shape), np.float32), np.zeros_like(x)
        dy = dy.reshape(y.shape)
        self._steps(plan.packs, fields)
        for first in range(0, len(x), plan.group):
            here = slice(first, min(first + plan.group, len(x)))
            fields |= {frame.COUNT: here.stop - first, frame.POSITION: first}
            self._of(self.x.data)[: here.stop - first] = x[here]
            self._steps(plan.forward, fields)
            y[here] = self._of(self.y.data)[: here.stop - first]
            given = np.where(y[here] > 0, dy[here], 0) if self.y.masked else dy[here]
            self._of(self.y.gradient)[: here.stop - first] = given
            self._steps(plan.backward, fields)
            dx[here] = self._of(self.x.gradient)[: here.stop - first]
        shape = case.network.output_shape(case.shape)
        return {"y": y.reshape(len(x), *shape), "dx": dx, **self.layout.views(gradient)}

    def _of(self, tensor):
        """The pixels of a tensor, without its halo, as a view (group, H, W, C)."""
        (down, across), (above, left, _, _), (h, w, c) = tensor.padded, tensor.halo, tensor.shape
        floats = self.workspace.view(np.float32)[tensor.offset // 4 :][: self.plan.group * tensor.floats]
        whole, step = floats.reshape(self.plan.group, down, across, c), tensor.spread
        return whole[:, above : above + (h - 1) * step + 1 : step, left : left + (w - 1) * step + 1 : step]

    @staticmethod
    def _steps(steps, fields):
        own = np.zeros(frame.FIELDS, np.int64)
        for field, value in fields.items():
            own[field] = value
        own[frame.SELF] = own.ctypes.data
        for kernel, operands in steps:
            table = np.array(operands, np.int64).reshape(-1)
            caller(kernel)(table.ctypes.data, own.ctypes.data)


def difference(case, came, wanted):
    """What differs beyond rounding between the arrays of the kernels and of the definition; None where nothing does."""
    names = ["y"] if case.place == "x" and any(isinstance(layer, HIDE) for layer in case.layers) else list(wanted)
    for name in names:
        a, b = came[name].astype(np.float64), wanted[name]
        finite = np.isfinite(b)
        if (np.isfinite(a) != finite).any():
            return f"{name} has {np.sum(~np.isfinite(a))} numbers that are not finite, the definition {np.sum(~finite)}"
        a, b = a[finite], b[finite]
        if not b.size or np.array_equal(a, b):
            continue
        worst, scale = np.abs(a - b).max(), np.abs(b).max()
        if any(isinstance(layer, BatchNorm) for layer in case.layers):
            scale += 300 * len(a) ** 0.5  # 1 / sqrt(epsilon) times dy, of which almost all is cancelled
        if any(isinstance(layer, Residual) for layer in case.layers):  # a relu may fall the other way within rounding
            worst, scale = np.linalg.norm(a - b), 1e3 * np.linalg.norm(b) + 3e4 * len(a)
        if exact(case) or worst > ROUNDING * (scale + np.finfo(np.float32).tiny / ROUNDING):
            return f"{name} differs by {worst:.2g} of {scale:.2g}"
    return None


def failure(case):
    """What is wrong with a case, in words; None where nothing is.

    Denormals are not flushed here, as the threads of an engine would; tests/training/test_denormals.py has that.
    """
    given = numbers(case)
    wrong = difference(case, Lowered(case).run(*given), definition(case, *given))
    return f"{case}: {wrong}" if wrong else None
