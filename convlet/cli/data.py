"""`convlet data list|get|info`."""

from __future__ import annotations

from typing import Any

import click

from convlet.cli import options
from convlet.cli.values import Values
from convlet.records.data import DataFacts, DataInfo


@click.group("data")
def command() -> None:
    """List, download or describe data sets."""


@command.command("list")
def list_sets() -> None:
    """List the named data sets, and which are already here."""
    from rich.console import Console

    from convlet.data import named
    from convlet.report.tables import add, show, table

    made = table([(title, False) for title in ("name", "here", "what", "licence")])
    for item in named.NAMED:
        add(made, [item.name, "yes" if named.is_present(item) else "no", item.summary, item.licence])
    show(Console(), made)


@command.command("get")
@click.argument("name")
@click.option("--offline", is_flag=True, help="Do not download; only say whether the data set is on this machine.")
def get(name: str, offline: bool) -> None:
    """Download a named data set.

    Nothing is downloaded if it is already on this machine. Damaged files are replaced.
    """
    from convlet.data import named

    item = _named(name)
    if not item.files:
        click.echo(f"{name} ships with scikit-learn; nothing to download")
        return

    def say(line: str) -> None:
        click.echo(line, err=True)

    if not offline:
        named.mend(item, say)
    folder = named.get(item, offline, say)
    click.echo(f"{name} is in {folder}")


@command.command("info")
@click.argument("name", metavar="DATA")
@options.add(options.DATA)
@click.option("--json", "json_file", metavar="FILE", help="Write the result to a JSON file.")
def info(name: str, json_file: str | None, **values: Any) -> None:
    """Describe a named data set, folder, archive or file.

    A named data set is shown with its images, shape, classes, pixels and fingerprint. Of folders, archives and files
    only the headers are read; their parts, classes, counts and sizes are shown, and what is skipped and why.
    """
    from convlet.data import named

    options.check_file(json_file, "--json")
    if name in named.BY_NAME:
        _describe(name, json_file, values)
    else:
        _survey(name, json_file, values)


def _survey(place: str, json_file: str | None, values: Values) -> None:
    """What a place holds, on the terminal and as JSON."""
    from rich.console import Console

    from convlet import data
    from convlet.cli import data_options
    from convlet.report.tables import say

    found = data.survey(place, size=values["size"], **data_options.choices(values))
    if json_file:
        options.write_json(json_file, found.as_dict())
    console = Console()
    for line in found.lines():
        say(console, line)


def _describe(name: str, json_file: str | None, values: Values) -> None:
    """A named data set, on the terminal and as JSON."""
    import numpy as np
    from rich.console import Console

    from convlet.report.tables import add, say, show, table

    data = options.load_data(name, values)
    pixels = [(float(part.images.min()), float(part.images.max())) for _, part in data.parts if len(part)]
    counts = {
        part_name: np.bincount(part.labels, minlength=len(data.classes)).tolist() for part_name, part in data.parts
    }
    facts: DataFacts = data.describe()
    result: DataInfo = {
        **facts,
        "pixel_range": [min(low for low, _ in pixels), max(high for _, high in pixels)],
        "pixel_type": str(data.train.images.dtype),
        "images_per_class": counts,
    }
    if json_file:
        options.write_json(json_file, result)
    console = Console()
    low, high = result["pixel_range"]
    lines = {
        "source": result["source"],
        "images": ", ".join(f"{len(part):,} {part_name}" for part_name, part in data.parts),
        "shape": " x ".join(map(str, data.image_shape)),
        "pixels": f"{result['pixel_type']}, {low:g} to {high:g}",
        "fingerprint": result["fingerprint"],
    }
    say(console, data.name, "bold")
    for title, text in lines.items():
        say(console, f"{title:<12}{text}")
    made = table([("class", False), *((part, True) for part in counts)])
    for number, class_name in enumerate(data.classes):
        add(made, [class_name, *(f"{counts[part][number]:,}" for part in counts)])
    console.print()
    show(console, made)
    _print_sheet(data, console)


def _print_sheet(data: Any, console: Any) -> None:
    """The first training image of each class, where the terminal can draw it."""
    import numpy as np

    from convlet.report.blocks import MOST_ON_A_SHEET, SHEET_SIDE, can_draw, print_pictures

    if not can_draw(console):
        return
    firsts = [np.flatnonzero(data.train.labels == number)[:1] for number in range(len(data.classes))]
    there = [number for number, found in enumerate(firsts) if len(found)][:MOST_ON_A_SHEET]
    console.print()
    images = data.train.images[[int(firsts[number][0]) for number in there]]
    print_pictures(images, [(data.classes[number],) for number in there], console, SHEET_SIDE)


def _named(name: str) -> Any:
    from difflib import get_close_matches

    from convlet.data import named
    from convlet.errors import DataError

    if name not in named.BY_NAME:
        close = get_close_matches(name.lower(), named.BY_NAME, 1, 0.5)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        raise DataError(f"unknown data set '{name}': expected {', '.join(named.BY_NAME)}{hint}")
    return named.BY_NAME[name]
