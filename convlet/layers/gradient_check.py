"""Gradient check: each gradient a layer writes out, against the slope its own forward pass shows.

With a random dy the loss is L = sum of y dy. Moving one array of the layer (x, or a parameter) by h along a
random direction v must change L by h times the sum of gradient and v. The slope is measured in float64 by
central differences, freed of their h^2 error by Richardson's extrapolation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convlet.errors import RunError
from convlet.layers.base import Array, Layer, Pass, Shape

STEPS = (1e-3, 1e-4, 1e-5, 1e-6)
"""Steps h to measure with: a large one is exact where L is smooth, a small one stays clear of kinks."""

ROUNDING = 64 * float(np.finfo(np.float64).eps)
"""Rounding of L in float64, as a part of the sum of |y dy|."""


class GradientError(RunError):
    """A gradient that a layer writes out differs from the slope of its forward pass."""


@dataclass(frozen=True)
class Comparison:
    """One gradient of a layer along one random direction.

    Attributes
    ----------
    name : "x" or the name of a parameter
    written : the sum of the gradient from backward times the direction
    measured : the slope of the loss along the direction, from forward passes alone
    allowed : how far the two may differ
    """

    name: str
    written: float
    measured: float
    allowed: float

    @property
    def agrees(self) -> bool:
        """Whether the two differ by no more than what is allowed (never where one is not a number)."""
        return abs(self.written - self.measured) <= self.allowed

    def __str__(self) -> str:
        difference = abs(self.written - self.measured)
        return (
            f"d{self.name}: backward gives {self.written:.9g}, the forward pass {self.measured:.9g} "
            f"(they differ by {difference:.1e}, allowed {self.allowed:.1e})"
        )


def check_gradients(
    layer: Layer,
    input_shape: Shape,
    *,
    images: int = 3,
    training: bool = True,
    seed: int = 0,
    tolerance: float = 1e-7,
) -> list[Comparison]:
    """Compare dx and the gradient of every parameter of a layer with central differences in float64.

    allowed difference = tolerance * norm of the gradient + rounding, which a gradient wrong by 0.1 % exceeds

    Parameters
    ----------
    layer, input_shape : the layer, and the shape of one example before it
    images : N, the examples in x
    training : whether the pass is one of training (batch statistics, dropout) or of inference
    seed : for x, dy, the parameters, the state and the directions, all float64
    tolerance : as above

    Returns
    -------
    One comparison for x and one per parameter; `print(*check_gradients(...), sep="\\n")` shows them.

    Raises
    ------
    ArchitectureError : the layer does not fit `input_shape`
    GradientError : names, shapes or values of the gradients are wrong; the text names the first

    Source: Ridders 1982, "Accurate computation of F'(x) and F'(x) F''(x)", for the extrapolated difference.
    """
    rng = np.random.default_rng(seed)
    arrays: dict[str, Array] = {"x": rng.standard_normal((images, *input_shape))}
    for name, shape in layer.parameter_shapes(input_shape).items():
        arrays[name] = rng.standard_normal(shape)
    state = {name: 0.5 + rng.random(shape) for name, shape in layer.state_shapes(input_shape).items()}
    run = Pass(training, uniform=lambda path, shape: np.random.default_rng((seed, *path)).random(shape))

    y, saved = layer.forward(arrays["x"], arrays, state, run)
    dy = np.asarray(rng.standard_normal(y.shape))
    dx, gradients = layer.backward(dy, saved, arrays)
    gradients = {"x": dx, **gradients}
    _check_shapes(layer, gradients, arrays)

    rounding = ROUNDING * float(np.abs(y * dy).sum())
    comparisons = []
    for name, array in arrays.items():
        direction = np.asarray(rng.standard_normal(array.shape))

        def loss(h: float, name: str = name, direction: Array = direction) -> float:
            moved = {**arrays, name: arrays[name] + h * direction}
            return float((layer.forward(moved["x"], moved, state, run)[0] * dy).sum())

        measured, h = slope(loss)
        written = float((gradients[name] * direction).sum())
        allowed = tolerance * float(np.linalg.norm(gradients[name])) + rounding / h
        comparisons.append(Comparison(name, written, measured, allowed))

    for comparison in comparisons:
        if not comparison.agrees:
            raise GradientError(f"{layer.token()} on {images} x {input_shape}, seed {seed}: {comparison}")
    return comparisons


def slope(loss: Callable[[float], float]) -> tuple[float, float]:
    """The slope of a function at 0, and the step h it was measured with.

    For each h the central differences d(h) and d(h/2) give (4 d(h/2) - d(h)) / 3, whose error falls with
    h^4. Of all h, the one whose two differences agree best is taken: it neither crosses the kink of a relu or
    a maximum nor drowns in rounding.
    """
    best = (np.inf, np.nan, np.nan)
    for h in STEPS:
        coarse = (loss(h) - loss(-h)) / (2 * h)
        fine = (loss(h / 2) - loss(-h / 2)) / h
        best = min(best, (abs(coarse - fine), (4 * fine - coarse) / 3, h))
    return best[1], best[2]


def _check_shapes(layer: Layer, gradients: dict[str, Array], arrays: dict[str, Array]) -> None:
    expected = {name: array.shape for name, array in arrays.items()}
    came = {name: gradient.shape for name, gradient in gradients.items()}
    if list(came.items()) != list(expected.items()):
        raise GradientError(f"{layer.token()}: backward must give gradients of {expected}, but gave {came}")
