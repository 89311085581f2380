"""What a user may say about how a place is read; everything has a default that is found out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from convlet.data.reading_rules import ReadingRules
from convlet.errors import DataError

KINDS = ("writing", "objects", "photographs", "unknown")
"""What images can show."""


@dataclass(frozen=True)
class Choices:
    """Options of `load`; None or "" stands for what the survey finds.

    size : height and width that pictures are resized to
    class_level : which level of folders names the classes, 1 for the first one below the place
    labels, file_column, label_column : the labels table (a path), and its columns
    label_pattern : a regular expression with a group `label`, searched in each picture's path below the place
    group_pattern : one with a group `group`: images of one group stay on one side of every split
    image_shape : height, width and channels of rows of pixels
    transpose : exchange rows and columns; None: if the name says EMNIST
    skip_unreadable : go on without the pictures that cannot be read
    pictures : what the images show, one of KINDS
    rules : how a model's training images were read (range of deep pictures, ground of transparent ones), if these are
        for that model; None: decided over the set
    """

    size: tuple[int, int] | None = None
    class_level: int | None = None
    labels: str | None = None
    file_column: str | None = None
    label_column: str | None = None
    label_pattern: str | None = None
    group_pattern: str | None = None
    image_shape: tuple[int, ...] | None = None
    transpose: bool | None = None
    skip_unreadable: bool = False
    pictures: str | None = None
    rules: ReadingRules | None = None

    def __post_init__(self) -> None:
        """Raises DataError for a value outside its range."""
        for option, pattern, group in (
            ("--label-pattern", self.label_pattern, "label"),
            ("--group-pattern", self.group_pattern, "group"),
        ):
            if pattern is not None:
                _check_pattern(option, pattern, group)
        if self.class_level is not None and self.class_level < 1:
            raise DataError(f"--class-level must be a whole number from 1, but got {self.class_level}")
        if self.pictures is not None and self.pictures not in KINDS:
            raise DataError(f"--pictures '{self.pictures}': expected {', '.join(KINDS)}")
        if self.labels is not None and self.label_pattern is not None:
            raise DataError("--labels and --label-pattern were both given; give one of them")


def _check_pattern(option: str, pattern: str, group: str) -> None:
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise DataError(f"{option} '{pattern}': is not a regular expression ({error})") from None
    if group not in compiled.groupindex:
        example = r"(?P<label>[a-z]+)_\d+" if group == "label" else r"(?P<group>patient\d+)"
        raise DataError(f"{option} '{pattern}': has no group named {group}; expected one, as in '{example}'")
