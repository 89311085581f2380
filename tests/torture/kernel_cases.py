"""Networks drawn over everything that layers accept, and the numbers that they are given.

Numbers are whole, so sums are exact in float32 in any order: kernels of linear layers, relu and pooling must give the
definition's numbers to the last bit, ties included. Layers that round come last in a network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

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
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Tanh,
)
from convlet.network.layout import Layout

MOST_MULTIPLY_ADDS, MOST_NUMBERS = 1.5e7, 3e5
"""Of a case: larger ones are drawn again, as NumPy would take too long."""

EXACT = 2.0**22
"""Whole numbers and quarters up to this are exact in float32."""


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
    training : whether as in training, with gradients, or as in inference
    """

    layers: tuple
    shape: tuple[int, int, int]
    images: int
    seed: int
    place: str = ""
    spoiled: float = 0.0
    scale: float = 1.0
    largest: int = 1
    training: bool = True

    @property
    def network(self):
        return Sequential(self.layers)

    def __str__(self):
        word = "-".join(layer.token() for layer in self.layers)
        planted = f", {self.spoiled} in {self.place}" if self.place else ""
        planted += "" if self.training else ", inference"
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
        {"training": False} if any(isinstance(layer, BatchNorm | Residual) for layer in case.layers) else {"images": 1},
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
    """x, the flat parameters, the state and dy: whole numbers, of any kind only where the one layer rounds.

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
    views = layout.state_views(np.zeros(layout.state_count, np.float32))
    for name, values in views.items():
        values[...] = (
            rng.uniform(0.5, 2, values.shape) if name.endswith("variance") else rng.uniform(-1, 1, values.shape)
        )
    state = np.concatenate([np.zeros(0, np.float32), *(values.reshape(-1) for values in views.values())])
    return x, parameters, state, dy


def exact(case):
    """Whether no layer rounds."""
    return case.scale == 1 and all(
        isinstance(layer, Conv | Dense | MaxPool | ReLU | Flatten) or layer in (LeakyReLU(0.5), Dropout(0.5))
        for layer in case.layers
    )
