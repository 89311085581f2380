"""`convlet report`, and the one way in which a report is written."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import click

from convlet.cli import options
from convlet.cli.values import Values
from convlet.errors import SettingsError
from convlet.records.comparison import ComparisonResult
from convlet.records.data import DataFacts
from convlet.records.run import TrainConfig
from convlet.records.training import TrainingFigures
from convlet.system import reading

REPORT = "report.html"
"""In a run folder."""

ASKED = ("data", "settings", "machine", "versions")
"""What a report needs to know of how a result was asked for."""

MEASURED = ("sha256", "history", "confusion_matrix")
"""What it needs of each network, among more."""


@click.command("report")
@click.argument("run")
@click.option("--data", metavar="DATA", help="Where the run's data is now.  [default: where it was]")
@click.option("--then", metavar="DATA", help="The same for the second data set of a comparison.")
@click.option("--output", metavar="FILE", help="File to write.  [default: report.html in the run folder]")
@click.option("--threads", type=int, help="Number of threads.  [default: all available processors]")
@click.option("--offline", is_flag=True, help="Never download.")
def command(**values: Any) -> None:
    """Write the report of RUN again. RUN is a run folder of train or compare, or the JSON file of a comparison.

    Pictures need the models in a run folder and the data of the run. Without them the report has figures only.
    """
    from convlet.cli.signals import Signals

    run = Path(values["run"])
    output = values["output"] or (run / REPORT if reading.kind(run) == "folder" else _beside(run))
    options.check_file(str(output), "--output")
    if values["threads"] is not None:
        options.positive("--threads", values["threads"])
    with Signals():
        result, models, data, then = _read(run, values)
        for name, found in (("data", data), ("then", then)):
            if values[name] and found is None:
                raise SettingsError(f"--{name} {values[name]}: the report of {run} uses no such data; leave it out")
        write_report(output, result, data, models, then, values["threads"])
    click.echo(f"report: {output}")


def _beside(run: Path) -> Path:
    """The report of a comparison's JSON; a path without a name has none."""
    from convlet.errors import InputError

    if not run.name:
        raise InputError(f"{run}: is not a run; give its folder, or the JSON that compare wrote")
    return run.with_suffix(".html")


def write_report(
    path: str | Path,
    result: ComparisonResult,
    data: Any = None,
    models: Iterable[Any] = (),
    then: Any = None,
    threads: int | None = None,
) -> None:
    """Find out what a report shows and write it, whole or not at all; see `convlet.findings.findings`."""
    from convlet.findings.findings import findings
    from convlet.report.page import render
    from convlet.system.atomic import write_atomically

    write_atomically(path, [render(findings(result, data, models, then, threads=threads)).encode()])


@contextmanager
def interruptible(signals: Any, folder: Path | None) -> Iterator[None]:
    """Let a signal interrupt the report on the spot, and say that only the report is missing from the run's folder."""
    try:
        signals.interrupt_at_once()
        yield
    except KeyboardInterrupt:
        if folder is not None:
            again = f"convlet report {shlex.quote(str(folder))}"
            click.echo(f"\nconvlet: the run is finished, only its report is missing; make it with '{again}'", err=True)
        raise


def of_training(config: TrainConfig, measured: TrainingFigures) -> ComparisonResult:
    """A training in the form of a comparison of one network: `config` as in config.json, measured by `measure`."""
    word = config["architecture"]
    return {
        "data": config["data"],
        "settings": config["settings"],
        "machine": config["machine"],
        "versions": config["versions"],
        "command": config.get("command"),
        "loading": config.get("loading"),
        "results": [{"label": word, "architecture": word, **measured}],
        "best": word,
        "best_label": word,
        "then": None,
        "failed": [],
        "missing": [],
    }


def _read(run: Path, values: Values) -> tuple[ComparisonResult, list[Any], Any, Any]:
    """Result, models, data and second data of a run; no models, then no data either, for a JSON alone."""
    from convlet.errors import InputError
    from convlet.model import model_file
    from convlet.runs.folder import COMPARISON, CONFIG, MODEL, RESULT, read_config

    if reading.kind(run) != "folder":
        return _comparison(run), [], None, None
    if not reading.is_missing(run / COMPARISON):
        result = _comparison(run / COMPARISON)
        models = [model_file.load(path) for path in reading.entries(run, InputError) if path.suffix == ".safetensors"]
        loading, second = result.get("loading"), result["then"]
        data = _same_data(result["data"], loading, "data", values)
        then = _same_data(second["data"], loading, "then", values) if second else None
        return result, models, data, then
    if reading.is_missing(run / CONFIG):
        raise InputError(f"{run}: is no run folder; expected compare.json, or config.json and model.safetensors")
    config = read_config(run)
    if config["kind"] != "train" or reading.is_missing(run / RESULT):
        raise InputError(f"{run}: is not finished; go on with 'convlet {config['kind']} --resume {run}'")
    result = _training(run, config)
    return result, [model_file.load(run / MODEL)], _same_data(config["data"], config["loading"], "data", values), None


def _training(run: Path, config: TrainConfig) -> ComparisonResult:
    """What a finished training gave, checked."""
    from convlet.runs.folder import CONFIG, RESULT, read_result

    if not {*ASKED, "architecture"} <= set(config):
        raise _no_result(run / CONFIG)
    _, measured = read_result(run)
    if not set(MEASURED) <= set(measured):
        raise _no_result(run / RESULT)
    return of_training(config, measured)


def _comparison(path: Path) -> ComparisonResult:
    """What a comparison gave, checked."""
    from convlet.runs.folder import read_json

    result = read_json(path)
    if not {*ASKED, "results", "best_label", "then", "failed", "missing"} <= set(result):
        raise _no_result(path)
    for row in [*result["results"], *([result["then"]] if result["then"] else [])]:
        if not set(MEASURED) <= set(row):
            raise _no_result(path)
    return cast(ComparisonResult, result)  # what a report needs is there; the rest is not looked at


def _no_result(path: Path) -> Exception:
    from convlet.errors import InputError

    return InputError(f"{path}: is no result of convlet; expected what compare --json or a run folder holds")


def _same_data(facts: DataFacts, loading: Mapping[str, Any] | None, name: str, values: Values) -> Any:
    """The data of the run, loaded as it was then; refused where it has changed."""
    from convlet import data
    from convlet.cli import data_options
    from convlet.errors import DataError

    how = loading or {}
    where = values[name] or how.get(name) or facts["name"]
    size = how.get("size")
    found = data.load(
        where,
        size=tuple(size) if size else None,
        offline=values["offline"],
        train_images=how.get("train_images"),
        validation=how.get("validation", 0.1),
        **data_options.choices(how),
    )
    if found.fingerprint() != facts["fingerprint"]:
        raise DataError(
            f"{where}: is not the data of the run, whose images had the SHA-256 {facts['fingerprint'][:16]}..., "
            f"but {found.fingerprint()[:16]}...; give its place with --{name}"
        )
    return found
