"""`convlet report`, and the one way in which a report is written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from convlet.cli import options


@click.command("report")
@click.argument("run")
@click.option("--data", metavar="DATA", help="Where the run's data is now [default: where it was].")
@click.option("--then", metavar="DATA", help="The same for the second data set of a comparison.")
@click.option("--output", metavar="FILE", help="The file to write [default: report.html in the run folder].")
@click.option("--threads", type=int, help="Threads [default: all].")
@click.option("--offline", is_flag=True, help="Never download.")
def command(**values: Any) -> None:
    """Make the report of RUN again: a folder of train or compare, or the JSON that compare wrote.

    Pictures need the models of a folder and the data of the run; without them the report holds the figures alone.
    """
    run = Path(values["run"])
    output = values["output"] or (run / "report.html" if run.is_dir() else run.with_suffix(".html"))
    options.check_file(str(output), "--output")
    if values["threads"] is not None:
        options.positive("--threads", values["threads"])
    result, models, data, then = _read(run, values)
    write_report(output, result, data, models, then, values["threads"])
    click.echo(f"report: {output}")


def write_report(
    path: str | Path,
    result: dict[str, Any],
    data: Any = None,
    models: Iterable[Any] = (),
    then: Any = None,
    threads: int | None = None,
) -> None:
    """Find out what a report shows and write it, whole or not at all; see `convlet.findings.findings`."""
    from convlet.atomic import write_atomically
    from convlet.findings import findings
    from convlet.report.page import render

    write_atomically(path, [render(findings(result, data, models, then, threads=threads)).encode()])


def of_training(config: dict[str, Any], measured: dict[str, Any]) -> dict[str, Any]:
    """A training in the form of a comparison of one network: `config` as in config.json, measured by `measure`."""
    word = config["architecture"]
    return {
        **config,
        "results": [{"label": word, "architecture": word, **measured}],
        "best": word,
        "best_label": word,
        "then": None,
        "failed": [],
        "missing": [],
    }


def _read(run: Path, values: dict[str, Any]) -> tuple[dict[str, Any], list[Any], Any, Any]:
    """Result, models, data and second data of a run; no models, then no data either, for a JSON alone."""
    from convlet import model_file
    from convlet.errors import InputError

    if not run.is_dir():
        return _comparison(run), [], None, None
    models = [model_file.load(path) for path in sorted(run.glob("*.safetensors")) if "checkpoint" not in path.name]
    if (run / "compare.json").is_file():
        result = _comparison(run / "compare.json")
        data = _same_data(result["data"], result, "data", values)
        then = _same_data(result["then"]["data"], result, "then", values) if result["then"] else None
        return result, models, data, then
    if not (run / "config.json").is_file() or len(models) != 1:
        raise InputError(f"{run}: is no run folder; expected compare.json, or config.json and model.safetensors")
    config = _json(run / "config.json", ("data", "architecture", "settings", "machine", "versions"))
    data = _same_data(config["data"], config, "data", values)
    return of_training(config, _measured(run, models[0], data)), models, data, None


def _measured(run: Path, model: Any, data: Any) -> dict[str, Any]:
    """What `train` measured, from its history and the model."""
    from convlet.compare import measure
    from convlet.errors import InputError
    from convlet.training import TrainingResult

    try:
        rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
        history = {name: [row[name] for row in rows] for name in rows[0]}
        seconds = sum(history["seconds"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        raise InputError(
            f"{run / 'history.jsonl'}: cannot be read as a history; expected a line of JSON per epoch"
        ) from None
    rate = len(rows) * len(data.train) / seconds if seconds else 0.0
    return measure(TrainingResult(model, history, seconds, rate, len(rows)), data)


def _comparison(path: Path) -> dict[str, Any]:
    result = _json(
        path, ("data", "settings", "machine", "versions", "results", "best_label", "then", "failed", "missing")
    )
    for row in [*result["results"], *([result["then"]] if result["then"] else [])]:
        if not {"sha256", "history", "confusion_matrix"} <= set(row):
            raise _no_comparison(path)
    return result


def _json(path: Path, wanted: tuple[str, ...]) -> dict[str, Any]:
    """A JSON object with these names."""
    from convlet.errors import InputError

    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise _no_comparison(path) from None
    if not isinstance(found, dict) or not set(wanted) <= set(found):
        raise _no_comparison(path)
    return found


def _no_comparison(path: Path) -> Exception:
    from convlet.errors import InputError

    return InputError(f"{path}: is no result of convlet; expected what compare --json or a run folder holds")


def _same_data(facts: dict[str, Any], result: dict[str, Any], name: str, values: dict[str, Any]) -> Any:
    """The data of the run, loaded as it was then; refused where it has changed."""
    from convlet import data
    from convlet.errors import DataError

    how = result.get("loading") or {}
    where = values[name] or how.get(name) or facts["name"]
    size = how.get("size")
    found = data.load(
        where,
        size=tuple(size) if size else None,
        offline=values["offline"],
        train_images=how.get("train_images"),
        validation=how.get("validation", 0.1),
    )
    if found.fingerprint() != facts["fingerprint"]:
        raise DataError(
            f"{where}: is not the data of the run, whose images had the SHA-256 {facts['fingerprint'][:16]}..., "
            f"but {found.fingerprint()[:16]}...; give its place with --{name}"
        )
    return found
