"""Plots in matplotlib, in the manner of scikit-learn's displays: made `from_` something, kept, drawn again by `plot`.

Needs matplotlib, which the extra `plot` brings. Each display keeps what it shows as arrays, and after `plot` its
`figure_` and `ax_` (or `axes_`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from convlet import interpret
from convlet.data.inputs import as_labels
from convlet.data.thumbnails import thumbnails
from convlet.errors import InputError
from convlet.evaluation.figures import confusion_matrix
from convlet.layers.base import Array
from convlet.model.model import Model
from convlet.training.loop import TrainingResult

MOST_NUMBERS, MOST_NAMES = 40, 60
"""Classes of a confusion matrix whose cells hold numbers, and that are named."""

LARGEST_SHOWN = 256
"""Pixels of the longer side of a picture; a larger one is made smaller."""

MOST_FILTERS = 64
"""Filters that are drawn, each on axes of its own."""


def _pyplot() -> Any:
    """matplotlib, which is an extra."""
    try:
        import matplotlib.pyplot
    except ModuleNotFoundError:
        raise InputError("plots need matplotlib; install it with: pip install matplotlib") from None
    return matplotlib.pyplot


class ConfusionDisplay:
    """A confusion matrix as a heat map: rows true classes, columns predicted classes.

    Parameters
    ----------
    matrix : (classes, classes) counts
    classes : their names
    """

    def __init__(self, matrix: Array, classes: Sequence[str]) -> None:
        self.matrix, self.classes = np.asarray(matrix), tuple(classes)

    @classmethod
    def from_model(cls, model: Model, images: Array, labels: Array, **options: Any) -> ConfusionDisplay:
        """Of a model on images (n, H, W, C) with labels (n,); options go to `plot`."""
        labels = as_labels(labels, "labels", len(images), len(model.classes))
        matrix = confusion_matrix(labels, model.predict(images), len(model.classes))
        return cls(np.array(matrix), model.classes).plot(**options)

    def plot(self, *, ax: Any = None, rates: bool = False, colorbar: bool = False) -> ConfusionDisplay:
        """Draw it; with `rates`, fractions of each true class instead of counts.

        The cells of more than MOST_NUMBERS classes have no numbers; of more than MOST_NAMES some are named.
        """
        pyplot = _pyplot()
        if ax is None:
            _, ax = pyplot.subplots()
        totals = np.maximum(self.matrix.sum(axis=1, keepdims=True), 1)
        shares = self.matrix / totals
        image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(*self.matrix.shape) if len(self.classes) <= MOST_NUMBERS else ():
            said = f"{shares[row, column]:.2f}" if rates else f"{self.matrix[row, column]}"
            colour = "white" if shares[row, column] > 0.5 else "black"
            ax.text(column, row, said, ha="center", va="center", color=colour)
        places = np.arange(len(self.classes))
        # names may hold what matplotlib would read as a formula
        step = -(-len(places) // MOST_NAMES)
        named, names = places[::step], self.classes[::step]
        ax.set_xticks(named, names, rotation=45, ha="right", parse_math=False)
        ax.set_yticks(named, names, parse_math=False)
        ax.set(xlabel="predicted class", ylabel="true class")
        if colorbar:
            ax.figure.colorbar(image, ax=ax)
        self.ax_, self.figure_, self.im_ = ax, ax.figure, image
        return self


class LearningCurvesDisplay:
    """Loss and error over the epochs, of training and validation images.

    Parameters
    ----------
    history : as `TrainingResult.history`
    """

    def __init__(self, history: Mapping[str, Any]) -> None:
        self.history = history

    @classmethod
    def from_result(cls, result: TrainingResult, **options: Any) -> LearningCurvesDisplay:
        """Of a training; options go to `plot`."""
        return cls(result.history).plot(**options)

    def plot(self, *, axes: Any = None) -> LearningCurvesDisplay:
        """Draw loss and error beside each other, on two axes."""
        pyplot = _pyplot()
        if axes is None:
            _, axes = pyplot.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
        for ax, quantity, title in zip(axes, ("loss", "error"), ("loss", "error rate"), strict=True):
            for part, style in (("train", "-"), ("validation", "--")):
                values = self.history.get(f"{part}_{quantity}", [])
                if any(value is not None for value in values):
                    ax.plot(self.history["epoch"], values, style, label={"train": "training"}.get(part, part))
            ax.set(xlabel="epoch", ylabel=title)
            ax.legend()
        self.axes_, self.figure_ = np.asarray(axes), axes[0].figure
        return self


class FiltersDisplay:
    """The filters of a model's first convolution.

    Parameters
    ----------
    weights : (KH, KW, C, F); of three channels drawn as colours, else their mean
    """

    def __init__(self, weights: Array) -> None:
        self.weights = np.asarray(weights)

    @classmethod
    def from_model(cls, model: Model, **options: Any) -> FiltersDisplay:
        """Of a model; options go to `plot`.

        Raises
        ------
        InputError : a network without a convolution
        """
        for name, values in model.arrays().items():
            if name.endswith("weights") and values.ndim == 4:
                return cls(values).plot(**options)
        raise InputError(f"there are no filters to show: {model.architecture} has no convolution")

    def plot(self, *, columns: int = 8) -> FiltersDisplay:
        """Draw the first MOST_FILTERS of them in rows of `columns`."""
        pyplot = _pyplot()
        count = min(self.weights.shape[3], MOST_FILTERS)
        columns = min(columns, count)
        figure, axes = pyplot.subplots(-(-count // columns), columns, squeeze=False, layout="constrained")
        largest = float(np.abs(self.weights).max()) or 1.0
        for number, ax in enumerate(axes.flat):
            ax.set_axis_off()
            if number >= count:
                continue
            own = self.weights[..., number]
            if own.shape[2] == 3:
                ax.imshow((own - own.min()) / (np.ptp(own) or 1.0))
            else:
                ax.imshow(own.mean(axis=2), cmap="RdBu_r", vmin=-largest, vmax=largest)
        self.axes_, self.figure_ = axes, figure
        return self


class EvidenceDisplay:
    """Images beside their saliency and, where the network has a convolution, Grad-CAM.

    Parameters
    ----------
    images : (n, H, W, C)
    saliency : (n, H, W)
    cams : (n, H, W), or None
    titles : one an image
    """

    def __init__(self, images: Array, saliency: Array, cams: Array | None, titles: Sequence[str]) -> None:
        self.images, self.saliency, self.cams, self.titles = np.asarray(images), saliency, cams, tuple(titles)

    @classmethod
    def from_model(cls, model: Model, images: Array, targets: Array | None = None, **options: Any) -> EvidenceDisplay:
        """Of a few images; targets as in `interpret.saliency`; options go to `plot`."""
        saliency = _small(interpret.saliency(model, images, targets).max(axis=3))
        try:
            cams: Array | None = interpret.resize(interpret.grad_cam(model, images, targets), *saliency.shape[1:])
        except InputError:
            cams = None
        chosen = model.predict(images) if targets is None else np.asarray(targets)
        return cls(_small(images), saliency, cams, [model.classes[number] for number in chosen]).plot(**options)

    def plot(self, *, size: float = 1.8) -> EvidenceDisplay:
        """Draw one row an image; size is that of a picture, in inches."""
        pyplot = _pyplot()
        columns = 2 + (self.cams is not None)
        shape = (size * columns, size * len(self.images))
        figure, axes = pyplot.subplots(len(self.images), columns, squeeze=False, figsize=shape, layout="constrained")
        shown = self.images if self.images.shape[3] == 3 else self.images.mean(axis=3)
        for row, (ax, *others) in enumerate(axes):
            ax.imshow(shown[row] if shown.dtype == np.uint8 else _between_0_and_1(shown[row]), cmap="gray")
            ax.set_title(self.titles[row], parse_math=False)
            others[0].imshow(self.saliency[row], cmap="inferno")
            if self.cams is not None:
                others[1].imshow(_between_0_and_1(shown[row]), cmap="gray")
                others[1].imshow(self.cams[row], cmap="inferno", alpha=0.6)
            if row == 0:
                for other, title in zip(others, ("saliency", "Grad-CAM"), strict=False):
                    other.set_title(title)
        for ax in axes.flat:
            ax.set_axis_off()
        self.axes_, self.figure_ = axes, figure
        return self


def _small(images: Array) -> Array:
    """Images (n, H, W, ...) of at most LARGEST_SHOWN pixels a side."""
    return thumbnails(images, LARGEST_SHOWN) if max(images.shape[1:3]) > LARGEST_SHOWN else images


def _between_0_and_1(values: Array) -> Array:
    reach = float(np.ptp(values))
    return (values - values.min()) / (reach or 1.0)
