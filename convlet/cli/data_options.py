"""Options that say how a place with pictures is read; the same for every command that loads data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from convlet.cli.values import Values
from convlet.errors import DataError


class Shape(click.ParamType):
    """Height, width and channels as `24x32` or `24x32x3`."""

    name = "HxW[xC]"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})(?:x([1-9]\d{0,2}))?", value)
        if not found:
            self.fail(
                f"'{value}' is not an image shape: expected height x width, or with channels, as in 24x32 or 24x32x3"
            )
        return tuple(int(side) for side in found.groups() if side)


PLACE = (
    click.option(
        "--labels", metavar="FILE", help="Table of pictures and their classes (.csv, .tsv, .txt or .parquet)."
    ),
    click.option("--file-column", metavar="NAME", help="Column of file names in that table.  [default: detected]"),
    click.option("--label-column", metavar="NAME", help="Column of classes in a table.  [default: detected]"),
    click.option(
        "--label-pattern",
        metavar="REGEX",
        help=r"Regular expression with the class as group 'label' in each picture's path: '(?P<label>[a-z]+)_\d+'.",
    ),
    click.option(
        "--group-pattern",
        metavar="REGEX",
        help="Regular expression with a group name as group 'group' in each path: '(?P<group>p[0-9]+)'. A group stays "
        "in one part of every split.",
    ),
    click.option(
        "--class-level", type=int, metavar="N", help="Level of the folders that name the classes.  [default: detected]"
    ),
    click.option("--image-shape", type=Shape(), help="Image shape of a table's rows of pixels.  [default: square]"),
    click.option(
        "--transpose/--no-transpose",
        default=None,
        help="Swap rows and columns of each image.  [default: only for EMNIST's files]",
    ),
    click.option("--skip-unreadable", is_flag=True, help="Skip pictures that cannot be read."),
    click.option(
        "--pictures",
        metavar="KIND",
        help="What the pictures show: writing, objects, photographs or unknown. Recipes mirror objects and "
        "photographs.  [default: guessed]",
    ),
)

NAMES = (
    *("labels", "file_column", "label_column", "label_pattern", "group_pattern", "class_level", "image_shape"),
    *("transpose", "skip_unreadable", "pictures"),
)


def choices(values: Mapping[str, Any]) -> Values:
    """The parameters of `data.load` that these options give."""
    found = {name: values[name] for name in (*NAMES, "rules") if values.get(name) is not None}
    if "image_shape" in found:
        found["image_shape"] = tuple(found["image_shape"])
    if isinstance(found.get("rules"), dict):  # as a run folder keeps them
        from convlet.data.reading_rules import ReadingRules

        try:
            found["rules"] = ReadingRules.from_dict(found["rules"])
        except ValueError as error:
            raise DataError(f"the run has unusable rules for reading pictures: {error}; begin a new run") from None
    return found


def as_trained(values: Values, model: Any) -> Values:
    """The options of data, with those pictures of files are read as the training pictures of a model were."""
    from convlet import data
    from convlet.data import named

    if model.rules is None or values["data"] in named.BY_NAME:
        return values
    found = {**values, "rules": model.rules}
    if values["size"] is None and model.rules.size is not None:
        shown = data.survey(values["data"], **choices(values))
        found["size"] = model.rules.size if shown.formats else None
    return found


def kept(values: Values) -> Values:
    """The same as a run folder keeps it: files by their full paths, and only what was given."""
    found = {name: value for name, value in choices(values).items() if value is not False}
    if "labels" in found and Path(found["labels"]).is_file():
        found["labels"] = str(Path(found["labels"]).resolve())
    if "rules" in found:
        found["rules"] = found["rules"].as_dict()
    return found


def say(line: str) -> None:
    """A line about a place, for the user; the error stream keeps its one line for errors."""
    from convlet.report.plain import plain

    click.echo(plain(line))
