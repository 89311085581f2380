"""Figures of a model on images."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from convlet.records.data import DataFacts

OfClass = TypedDict("OfClass", {"class": str})
"""What is about one class; `class` is a keyword of Python, so it stands apart."""


class Baseline(OfClass):
    """Always naming the most frequent class."""

    error: float
    balanced_error: float


class WorstClass(OfClass):
    """The class with the lowest recall."""

    recall: float
    images: int


class Counted(TypedDict):
    """What the test images are; see `convlet.evaluation.headline`."""

    images: int
    wrong: int
    uneven: bool
    absent: list[str]


class TooFew(Counted):
    """The headline figures of too few images: only counts."""

    too_few: Literal[True]
    accuracy: None
    balanced_accuracy: None
    balanced_error: None
    macro_precision: None
    macro_recall: None
    macro_f1: None
    baseline: None
    worst: None
    better_than_baseline: None


class Enough(Counted):
    """The headline figures; see `convlet.evaluation.headline`."""

    too_few: Literal[False]
    accuracy: float
    balanced_accuracy: float
    balanced_error: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    baseline: Baseline
    worst: WorstClass
    better_than_baseline: bool


Headline = TooFew | Enough


class ClassFigures(OfClass):
    """Precision and recall of a class; None if nothing is predicted as it, or there is no image of it."""

    precision: float | None
    recall: float | None
    images: int


class Bin(TypedDict):
    """Images whose confidence is between two ends; None if there are no images."""

    low: float
    high: float
    images: int
    certainty: float | None
    accuracy: float | None


class Calibration(TypedDict):
    """How far confidence and accuracy differ."""

    bins: list[Bin]
    expected_calibration_error: float


class PairedTest(TypedDict):
    """McNemar's test of two models on the same images."""

    only: int
    only_other: int
    p_value: float
    within_chance: bool


class CoverageRow(TypedDict):
    """How many images have at least this confidence, and their error; None without any."""

    threshold: float
    kept: int
    coverage: float
    error: float | None


class Labelled(TypedDict):
    """An image and its label; `name` if it is known where it lies."""

    image: int
    name: NotRequired[str]
    label: str


class Certain(TypedDict):
    """The probability of the most probable class, and of the image's own."""

    probability: float
    label_probability: float


class SingleImage(Labelled, Certain):
    """An image that is wrong, or whose label looks wrong."""


class Mistake(SingleImage):
    """A wrong image and the class it is predicted as."""

    predicted: str


class Doubtful(SingleImage):
    """An image whose label looks wrong, and the class that is suggested."""

    suggested: str


class Copies(TypedDict, total=False):
    """Test images that are training images too; left out if there are none."""

    test_copies: int
    test_error_without_copies: float | None


class EvaluationFigures(TypedDict):
    """What `convlet.evaluation.figures.evaluate` measures."""

    images: int
    error: float
    error_interval: list[float]
    log_loss: float
    calibration: Calibration
    confusion_matrix: list[list[int]]
    headline: NotRequired[Headline]
    coverage: NotRequired[list[CoverageRow]]
    per_class: list[ClassFigures]
    worst: list[Mistake]
    mistakes: NotRequired[list[Mistake]]
    suspected: NotRequired[list[Doubtful]]


class Rejected(TypedDict):
    """What is left of the images if some are rejected."""

    threshold: float
    unlike: bool
    kept: int
    coverage: float
    error: float | None


class EvaluationResult(EvaluationFigures, Copies):
    """`convlet evaluate --json`."""

    model: str
    architecture: str
    part: str
    data: DataFacts
    classes: list[str]
    unlike: NotRequired[str | None]
    rejected: NotRequired[Rejected | None]
