"""`convlet runs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from convlet.cli import options


@click.command("runs")
@click.argument("folder", default="runs")
@click.option("--json", "json_file", metavar="FILE", help="Write what is shown, and more, as JSON.")
def command(folder: str, json_file: str | None) -> None:
    """The runs in FOLDER [default: runs]: what each is, its state and its result."""
    from rich.console import Console

    from convlet.errors import InputError
    from convlet.report.runs import print_runs
    from convlet.run_list import runs

    options.check_file(json_file, "--json")
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise InputError(f"{folder}: is no folder; give one that holds runs")
    found: list[dict[str, Any]] = list(runs(path)) if path.is_dir() else []
    if json_file:
        options.write_json(json_file, found)
    print_runs(found, folder, Console())
