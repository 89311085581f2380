"""Every gradient is right over drawn shapes, strides, paddings, channels; the checker catches wrong ones."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlet.layers import BatchNorm, Conv, Dense, Layer, ReLU, Tanh, gradient_check
from convlet.layers.gradient_check import Comparison, GradientError, check_gradients, slope
from tests.layers.table import DRAWN, IDS, ROWS


@pytest.mark.parametrize("name", DRAWN)
@given(data=st.data(), training=st.booleans(), images=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_every_gradient_is_right(name, data, training, images, seed):
    layer, input_shape = data.draw(DRAWN[name])
    check_gradients(layer, input_shape, images=images, training=training, seed=seed)


@pytest.mark.parametrize(("layer", "input_shape"), ROWS, ids=IDS)
@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
def test_every_row_of_the_table_is_right(layer, input_shape, training):
    comparisons = check_gradients(layer, input_shape, training=training)
    assert [row.name for row in comparisons] == ["x", *layer.parameter_shapes(input_shape)]


@dataclass(frozen=True)
class Wrong(Layer):
    """A layer with one of its gradients multiplied by a factor, everywhere or in its largest value alone."""

    inner: Layer
    name: str
    factor: float
    everywhere: bool

    kind: ClassVar[str] = "wrong"

    def token(self):
        return f"wrong {self.inner.token()}"

    def output_shape(self, input_shape):
        return self.inner.output_shape(input_shape)

    def parameter_shapes(self, input_shape):
        return self.inner.parameter_shapes(input_shape)

    def state_shapes(self, input_shape):
        return self.inner.state_shapes(input_shape)

    def forward(self, x, parameters, state, run):
        return self.inner.forward(x, parameters, state, run)

    def backward(self, dy, saved, parameters):
        dx, gradients = self.inner.backward(dy, saved, parameters)
        every = {"x": dx, **gradients}
        wrong = np.array(every[self.name])
        where = ... if self.everywhere else np.unravel_index(np.abs(wrong).argmax(), wrong.shape)
        wrong[where] *= self.factor
        every[self.name] = wrong
        return every.pop("x"), every


# A convolution's biases shift the mean that the batch normalisation after it takes away: their gradient is 0.
ZERO_IN_TRAINING = (".conv.biases",)


def plants():
    for (layer, shape), row in zip(ROWS, IDS, strict=True):
        for name in ("x", *layer.parameter_shapes(shape)):
            for training in (True, False):
                nested = layer.kind in ("residual", "sequential")
                if not (training and nested and name.endswith(ZERO_IN_TRAINING)):
                    mode = "training" if training else "inference"
                    yield pytest.param(layer, shape, name, training, id=f"d{name} of {row} in {mode}")


_measured: dict[tuple[Layer, tuple[int, ...], bool], list[tuple[float, float]]] = {}
"""The slopes of x and of each parameter of a layer, by layer, shape and mode."""


def measure_once(monkeypatch, *case):
    """Take the slopes of a layer that was checked before: all its planted versions have its own forward pass."""
    known, numbers = _measured.setdefault(case, []), itertools.count()

    def kept(loss):
        number = next(numbers)
        if number == len(known):
            known.append(slope(loss))
        return known[number]

    monkeypatch.setattr(gradient_check, "slope", kept)


@pytest.mark.parametrize("everywhere", [True, False], ids=["everywhere", "one value"])
@pytest.mark.parametrize(("layer", "input_shape", "name", "training"), list(plants()))
def test_a_planted_error_of_a_tenth_of_a_percent_is_caught(layer, input_shape, name, training, everywhere, monkeypatch):
    for factor in (0.999, 1.001):
        wrong = Wrong(layer, name, factor, everywhere)
        measure_once(monkeypatch, layer, input_shape, training)
        with pytest.raises(GradientError, match=f": d{re.escape(name)}: backward gives"):
            check_gradients(wrong, input_shape, training=training)


def test_the_checker_accepts_the_same_layer_without_the_error():
    for (layer, shape), training in ((row, mode) for row in ROWS for mode in (True, False)):
        check_gradients(Wrong(layer, "x", 1.0, True), shape, training=training)


@dataclass(frozen=True)
class Forgetful(Tanh):
    """A layer whose backward names a gradient of its own."""

    def backward(self, dy, saved, parameters):
        return dy, {"scale": dy[0]}


def test_wrong_names_are_caught():
    with pytest.raises(GradientError) as caught:
        check_gradients(Forgetful(), (2,), images=1)
    assert str(caught.value) == (
        "tanh: backward must give gradients of {'x': (1, 2)}, but gave {'x': (1, 2), 'scale': (2,)}"
    )


@dataclass(frozen=True)
class NotANumber(Tanh):
    def backward(self, dy, saved, parameters):
        return dy * np.nan, {}


def test_a_gradient_that_is_not_a_number_is_caught():
    with pytest.raises(GradientError, match=r"^tanh on 1 x \(2,\), seed 0: dx: backward gives nan, "):
        check_gradients(NotANumber(), (2,), images=1)


def test_the_error_and_the_result_can_be_read():
    row = Comparison("weights", 1.5, 1.25, 1e-6)
    assert not row.agrees
    assert str(row) == ("dweights: backward gives 1.5, the forward pass 1.25 (they differ by 2.5e-01, allowed 1.0e-06)")
    assert Comparison("x", 1.5, 1.5, 0.0).agrees


def test_the_slope_is_exact_on_a_polynomial_and_beside_a_kink():
    assert slope(lambda h: 3 * h + h**2 - h**3)[0] == pytest.approx(3, abs=1e-10)
    measured, h = slope(lambda h: max(5e-5 + h, 0.0))
    assert measured == pytest.approx(1, abs=1e-9)
    assert h <= 5e-5


@pytest.mark.parametrize("layer", [Conv(2), Dense(2), BatchNorm(), ReLU()], ids=lambda layer: layer.token())
def test_the_same_seed_gives_the_same_result(layer):
    assert check_gradients(layer, (3, 3, 2), seed=5) == check_gradients(layer, (3, 3, 2), seed=5)
    assert check_gradients(layer, (3, 3, 2), seed=5) != check_gradients(layer, (3, 3, 2), seed=6)
