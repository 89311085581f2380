"""`convlet train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from convlet.cli import options, setting_options, starting, streams
from convlet.cli.values import Values
from convlet.records.run import FromStart, TrainConfig, TrainOrigin
from convlet.records.training import TrainingFigures

RUNS = Path("runs")
"""Where run folders go that were given no place."""


@click.command("train")
@click.argument("data", required=False)
@click.option("-a", "--architecture", help="Architecture string such as conv16-relu-pool-conv32-relu-pool.")
@click.option("--recipe", metavar="[fast|standard|best]", help="Choose architecture and settings to suit the images.")
@click.option("--find-lr", is_flag=True, help="Only suggest a learning rate, by a short training; nothing is written.")
@options.add(starting.OPTIONS)
@options.add(setting_options.SETTINGS)
@options.add(options.DATA)
@click.option("--output", metavar="FOLDER", help="Run folder.  [default: a new one in runs/]")
@options.add(options.RUN)
@click.option("--quiet", is_flag=True, help="Hide progress.")
def command(**values: Any) -> None:
    """Train one network on DATA and write the results to a run folder.

    The run folder has config.json (everything needed to repeat the training), history.jsonl (one line per epoch),
    checkpoints, model.safetensors, result.json and report.html. Resume an interrupted run with --resume RUN; the
    resulting model is bit-identical.
    """
    from convlet.cli.signals import Signals
    from convlet.system.lock import Lock

    starting.check_options(values)
    with Signals() as signals:
        if values["find_lr"]:
            from convlet.cli.find_rate import find_and_show

            find_and_show(values)
        elif values["resume"]:
            streams.go_on()
            folder = options.resumed_folder(values)
            with Lock(folder):
                _go_on(folder, values, signals)
        else:
            streams.go_on()
            _begin(values, signals)


def _begin(values: Values, signals: Any) -> None:
    """A new run in a new folder."""
    from convlet.measure.conditions import machine, versions
    from convlet.runs.folder import CONFIG, origin
    from convlet.system.atomic import check_folder
    from convlet.system.lock import Lock

    if values["output"]:
        options.check_folder(values["output"], "--output")
    else:
        check_folder(RUNS, f"{RUNS}, where a run without --output goes")
    plan = starting.planned(values)
    data, word, settings, start = plan.data, plan.architecture, plan.settings, plan.start
    wanted = values["output"] or options.free_folder(RUNS / f"{data.name}-{values['recipe'] or word}"[:120])
    described = data.describe()
    begun = starting.record(values, start, data, word) if start is not None else None
    made_from = origin(described, word, settings.as_dict(), begun)
    from_start: FromStart = {"from": begun} if begun is not None else {}
    config: TrainConfig = {
        "kind": "train",
        "data": described,
        "architecture": word,
        "settings": settings.as_dict(),
        "recipe": values["recipe"],
        **from_start,
        "machine": machine(),
        "versions": versions(),
        "command": options.typed(),
        "origin": made_from,
        "loading": options.loading(values),
    }
    folder = options.new_folder(wanted, "--output")
    with Lock(folder):
        options.write_json(folder / CONFIG, config)
        if start is not None:
            starting.keep(folder, start)
        _train(folder, config, data, settings, made_from, values, signals)


def _go_on(folder: Path, values: Values, signals: Any) -> None:
    """A run that is there already, from where it stopped."""
    from convlet.learning.settings import Settings
    from convlet.network.word import format_word, parse
    from convlet.runs.folder import check_origin, origin, read_config

    config = read_config(folder, "train")
    options.as_before(values, config["loading"])
    word = format_word(parse(values["architecture"] or config["origin"].get("architecture")))
    settings = Settings.from_dict(config["origin"].get("settings", {}))
    settings = settings.changed(**setting_options.given_settings(values))
    data = options.load_data(values["data"], values)
    made_from = origin(data.describe(), word, settings.as_dict(), starting.recorded(folder, config))
    check_origin(folder, config, made_from)
    _train(folder, config, data, settings, made_from, values, signals)


def _train(
    folder: Path,
    config: TrainConfig,
    data: Any,
    settings: Any,
    made_from: TrainOrigin,
    values: Values,
    signals: Any,
) -> None:
    """Train from the beginning, or from where the folder's checkpoints stand; show what came of it, and report."""
    from rich.console import Console

    from convlet.cli.report import REPORT, interruptible, of_training, write_report
    from convlet.errors import PredictionError
    from convlet.report.plan import plan_line
    from convlet.report.progress import LiveProgress
    from convlet.report.tables import say
    from convlet.runs.folder import RunFolder
    from convlet.trials.trial import expected_seconds, measure, train_on

    word = made_from["architecture"]
    part = RunFolder(folder, options.save_seconds(values), signals.stop).whole(made_from)
    console = Console()
    finished = part.finished()
    if finished is not None:
        found, model = finished
    else:
        start, begun = starting.of_run(folder, config), config.get("from")
        frozen, freeze = (begun.get("frozen_layers", 0), begun.get("freeze", False)) if begun else (0, False)
        with options.resumable("train", folder), LiveProgress(console, quiet=values["quiet"]) as progress:
            if config["recipe"] and not values["resume"] and not values["quiet"]:
                expected = expected_seconds(data, word, settings, frozen)
                images, shape = len(data.validation), data.image_shape
                say(console, plan_line(config["recipe"], word, settings, expected, images, shape))
            progress.start(word, 1, 1)
            trained = train_on(data, word, settings, progress.update, part, start, freeze)
            progress.finish(f"{trained.train_seconds:.1f} s, {trained.images_per_second:,.0f} images/s")
        try:
            found, model = measure(trained, data), trained.model
        except PredictionError as error:
            part.fail(error)
            raise
        if begun:
            found["from"] = begun
        part.finish(trained, found)
        starting.forget(folder)
    _show(folder, found, settings, console)
    with interruptible(signals, folder):
        write_report(folder / REPORT, of_training(config, found), data, [model], None, settings.threads)
    say(console, f"report: {folder / REPORT}")


def _show(folder: Path, found: TrainingFigures, settings: Any, console: Any) -> None:
    from convlet.report.copies import copies_line
    from convlet.report.final import final_line
    from convlet.report.headline import headline_lines, is_bad
    from convlet.report.numbers import count, percent
    from convlet.report.tables import say
    from convlet.runs.folder import MODEL

    for reason in found["rollbacks"]:
        say(console, f"went back and halved the learning rate: {reason}", "yellow")
    if found.get("stopped"):
        say(console, found["stopped"])
    low, high = found["test_error_interval"]
    validated = found["validation_error"]
    shown = "no validation images, " if validated is None else f"validation error {percent(validated)}, "
    say(
        console,
        f"{count(found['parameters'])} parameters, {shown}"
        f"test error {percent(found['test_error'])} (95 % interval {percent(low)} to {percent(high)})",
    )
    line = final_line(settings.as_dict())
    if line:
        say(console, line)
    leaked = copies_line(found)
    if leaked:
        say(console, leaked, "yellow")
    for line in headline_lines(found.get("headline")):
        say(console, line, "yellow" if is_bad(line) else "")
    say(console, f"model: {folder / MODEL}")
