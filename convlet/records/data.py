"""What is said about a data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict


class Rules(TypedDict):
    """How files of pictures were read: see `convlet.data.reading_rules`."""

    scale: float | None
    offset: float
    ground: str | None
    transpose: bool
    size: list[int] | None


Reading = Mapping[str, "int | Rules"]
"""Counts of copies, groups and skipped pictures by name, as {"skipped": 2}; and "rules" if they are not the usual."""


class ImageFacts(TypedDict):
    """The images of a data set, wherever they are."""

    train_images: int
    validation_images: int
    test_images: int
    image_shape: list[int]
    classes: list[str]
    fingerprint: str
    reading: NotRequired[Reading]


class DataFacts(ImageFacts):
    """A data set, as `Dataset.describe` describes it."""

    name: str
    source: str


class DataInfo(DataFacts):
    """`convlet data info --json` of a named data set."""

    pixel_range: list[float]
    pixel_type: str
    images_per_class: dict[str, list[int]]


class PictureSize(TypedDict):
    """How many pictures have this size."""

    height: int
    width: int
    pictures: int


class SurveyFacts(TypedDict):
    """`convlet data info --json` of a place."""

    place: str
    how: str
    classes: list[str]
    images_per_class: dict[str, list[int]]
    sizes: list[PictureSize]
    formats: dict[str, int]
    modes: dict[str, int]
    passed_over: dict[str, list[str]]
    unreadable: list[str]
    notes: list[str]
