"""`convlet runs`."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from convlet.cli import options
from convlet.records.run import RunFacts
from convlet.system import reading


@click.command("runs")
@click.argument("folder", default="runs")
@click.option("--json", "json_file", metavar="FILE", help="Write all details to a JSON file.")
def command(folder: str, json_file: str | None) -> None:
    """List the runs in FOLDER with their state and result.  [default: runs]"""
    from rich.console import Console

    from convlet.errors import InputError
    from convlet.report.runs import print_runs
    from convlet.runs.listing import runs

    options.check_file(json_file, "--json")
    path, given = Path(folder), click.get_current_context().get_parameter_source("folder") != ParameterSource.DEFAULT
    there = not reading.is_missing(path)
    if given and not there:
        raise InputError(f"{folder}: there is no such folder; give one that holds runs")
    if there:
        reading.entries(path, InputError)  # whatever cannot be listed is named before a run is looked for
    found: list[RunFacts] = list(runs(path)) if there else []
    if json_file:
        options.write_json(json_file, found)
    print_runs(found, folder, Console())
