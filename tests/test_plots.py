"""Plots: what is drawn is what was measured."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from convlet import interpret
from convlet.errors import InputError
from convlet.learning.settings import Settings
from convlet.training.loop import train
from tests.report.page import made

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")

plots = pytest.importorskip("convlet.plots")


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    yield
    from matplotlib import pyplot

    pyplot.close("all")


@pytest.fixture(scope="module")
def trained():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVLET_BACKEND", "reference")
        data = made.dataset(classes=("$x_$", "b", "c"), shape=(8, 9, 3))
        return data, made.model(data, "conv4-relu-pool")


def test_confusion(trained):
    data, model = trained
    display = plots.ConfusionDisplay.from_model(model, data.test.images, data.test.labels)
    predicted = model.predict(data.test.images)
    assert display.matrix.sum() == len(data.test)
    assert display.matrix[0, 1] == np.sum((data.test.labels == 0) & (predicted == 1))
    assert [text.get_text() for text in display.ax_.texts] == [str(n) for n in display.matrix.ravel()]
    display.plot(rates=True, colorbar=True)
    assert display.ax_.texts[0].get_text() == f"{display.matrix[0, 0] / display.matrix[0].sum():.2f}"
    assert display.ax_.get_xticklabels()[0].get_text() == "$x_$"
    display.figure_.canvas.draw()


def test_learning_curves(trained):
    data, _ = trained
    network = trained[1].network
    result = train(network, data.train, data.validation, classes=data.classes, settings=Settings(epochs=3, threads=1))
    display = plots.LearningCurvesDisplay.from_result(result)
    loss, error = display.axes_
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    assert list(loss.lines[1].get_ydata()) == result.history["validation_loss"]
    assert list(error.lines[0].get_ydata()) == result.history["train_error"]
    display.figure_.canvas.draw()


def test_filters_and_evidence(trained):
    data, model = trained
    filters = plots.FiltersDisplay.from_model(model, columns=3)
    assert filters.axes_.shape == (2, 3)
    evidence = plots.EvidenceDisplay.from_model(model, data.test.images[:2])
    assert evidence.axes_.shape == (2, 3)
    np.testing.assert_array_equal(evidence.saliency, interpret.saliency(model, data.test.images[:2]).max(axis=3))
    assert evidence.axes_[0, 1].get_title() == "saliency"
    for display in (filters, evidence):
        display.figure_.canvas.draw()


def test_without_a_convolution(trained):
    data, _ = trained
    model = made.model(data, "dense4-relu")
    assert plots.EvidenceDisplay.from_model(model, data.test.images[:1]).axes_.shape == (1, 2)
    with pytest.raises(InputError) as caught:
        plots.FiltersDisplay.from_model(model)
    assert str(caught.value) == "there are no filters to show: dense4-relu has no convolution"


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(InputError) as caught:
        plots.ConfusionDisplay(np.eye(2), ("a", "b")).plot()
    assert str(caught.value) == "plots need matplotlib; install it with: pip install matplotlib"


def test_many_classes_and_filters_are_bounded():
    many = plots.ConfusionDisplay(np.eye(1000, dtype=np.int64), [f"class {k}" for k in range(1000)]).plot()
    assert len(many.ax_.texts) == 0
    assert len(many.ax_.get_xticklabels()) <= plots.MOST_NAMES
    assert many.ax_.get_xticklabels()[1].get_text() == "class 17"
    filters = plots.FiltersDisplay(np.random.default_rng(0).standard_normal((3, 3, 2, 500))).plot()
    assert filters.axes_.size == plots.MOST_FILTERS


@pytest.mark.parametrize("shape", [(1, 2000, 1), (300, 260, 2), (9, 900, 3)])
def test_large_images_are_drawn_small(shape):
    from tests.test_interpret import images_of, model_of

    evidence = plots.EvidenceDisplay.from_model(model_of("conv2-relu-gap", shape), images_of(1, shape))
    for shown in (evidence.images, evidence.saliency, evidence.cams):
        assert max(shown.shape[1:3]) <= plots.LARGEST_SHOWN
        assert min(shown.shape[1:3]) > 1
    evidence.figure_.canvas.draw()
