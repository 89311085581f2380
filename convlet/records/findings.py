"""What a report shows, before anything is drawn. Arrays have their shapes in `convlet.findings`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np

from convlet.records.comparison import ComparisonResult, NetworkResult, SecondResult
from convlet.records.data import DataFacts
from convlet.records.evaluation import Calibration, ClassFigures, Headline, PairedTest

Array = np.ndarray[Any, Any]


class Difference(PairedTest):
    """How the best network differs from the one with this label."""

    label: str


class RateCurve(TypedDict):
    """The learning rate over a training: fractions of epochs passed, and the rate there."""

    epoch: list[float]
    rate: list[float]


class Suspect(TypedDict):
    """An image whose label looks wrong. `lead` is how much more probable the predicted class is than its own."""

    part: str
    number: int
    name: str | None
    label: int
    probabilities: Array
    pixels: Array
    lead: float


class TestFindings(TypedDict):
    """A model on test images: see `convlet.findings.study.study`."""

    numbers: Array
    images: Array
    labels: Array
    predicted: Array
    probabilities: Array
    error: float
    error_interval: list[float]
    log_loss: float
    confusion_matrix: list[list[int]]
    per_class: list[ClassFigures]
    calibration: Calibration
    worst: Array
    least_certain: Array
    names: dict[int, str]
    suspected: list[Suspect]
    searched: dict[str, int]
    examples: list[Array]


class LayerMaps(TypedDict):
    """The activation maps of a layer with the strongest values: `values` (h, w, m), of `of` maps of this size."""

    name: str
    of: int
    size: Sequence[int]
    numbers: list[int]
    values: Array


_ClassNumber = TypedDict("_ClassNumber", {"class": int})


class InsideClass(_ClassNumber):
    """A class, the image with its highest confidence, and what the network sees in it; None if it is not known."""

    number: int
    pixels: Array
    saliency: Array | None
    cam: Array | None
    maps: list[LayerMaps]
    mean: Array | None
    mean_of: Sequence[int]
    drawn: Array | None


class Explanation(TypedDict):
    """Pixels of a wrong image, and what spoke for the predicted class and for its own."""

    pixels: Array
    saliency: Array
    cam: Array | None
    label_cam: Array | None


class ExplainedMistake(Explanation):
    """The same with the image's number, where it lies, its class and the predicted one."""

    number: int
    name: str | None
    label: int
    predicted: int


class CostRow(TypedDict):
    """What a layer costs, or several that one kernel does together; seconds are None if they were not measured."""

    token: str
    output_shape: Sequence[int]
    parameters: int
    activation_bytes: int
    multiply_adds: int
    forward_seconds: float | None
    backward_seconds: float | None


class Costs(TypedDict):
    """What each layer costs: see `convlet.findings.costs.costs`."""

    compiled: bool
    rows: list[CostRow]


class Inside(TypedDict):
    """The inside of a model: see `convlet.findings.inside.inside`."""

    filters: Array | None
    classes: list[InsideClass]
    mistakes: list[ExplainedMistake]
    looked: bool
    layers: Costs


class Study(TypedDict):
    """A network on one data set. `of_test` and `inside` are None without its model and data."""

    row: NetworkResult | SecondResult
    data: DataFacts
    of_test: TestFindings | None
    inside: Inside | None
    headline: Headline


class Findings(TypedDict):
    """Everything that a report shows: see `convlet.findings.findings.findings`."""

    result: ComparisonResult
    differences: list[Difference]
    schedules: dict[str, RateCurve]
    studies: list[Study]
