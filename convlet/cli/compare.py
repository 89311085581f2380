"""`convlet compare`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from convlet.cli import options, setting_options, streams
from convlet.cli.values import Values
from convlet.records.comparison import ComparisonResult
from convlet.records.run import CompareConfig


@click.command("compare")
@click.argument("data", default="digits")
@click.argument("architectures", nargs=-1, metavar="[ARCHITECTURE]...")
@click.option("--preset", metavar="[six|six-linear|methods]", help="Compare the networks of a preset.")
@click.option("--then", "then_data", metavar="DATA", help="Then train the best network on this data set.")
@click.option(
    "--repeats",
    type=int,
    default=1,
    show_default=True,
    help="Number of trainings of each network, with different seeds.",
)
@options.add(setting_options.SETTINGS)
@options.add(options.DATA)
@click.option("--json", "json_file", metavar="FILE", help="Write the results to a JSON file.")
@click.option("--report", "report_file", metavar="FILE", help="Write a report to one HTML file.")
@click.option("--output", metavar="FOLDER", help="Write results, models and report to a new folder.")
@options.add(options.RUN)
@click.option("--quiet", is_flag=True, help="Hide progress.")
def command(**values: Any) -> int:
    """Train several networks on DATA, choose the one with the lowest validation error, and report its test error.

    DATA is a name (digits, mnist, fashion-mnist) or a path: a folder with one sub-folder per class, or another form
    listed in docs/pictures.md. ARCHITECTURE is an architecture string such as conv8-relu-pool, or the name of a recipe:
    fast, standard or best. If none is given, the candidates depend on the images: six small networks for handwriting,
    else conv16-relu-pool, fast and standard.

    A comparison with --output can be resumed after an interruption with --resume FOLDER.
    """
    from contextlib import ExitStack

    from convlet.cli.signals import Signals
    from convlet.system.lock import Lock

    options.check_file(values["json_file"], "--json")
    options.check_file(values["report_file"], "--report")
    options.check_folder(values["output"] if not values["resume"] else None, "--output")
    if any(values[name] for name in ("output", "resume", "json_file", "report_file")):
        streams.go_on()
    with ExitStack() as stack:
        signals = stack.enter_context(Signals())
        folder = config = None
        if values["resume"]:
            folder = options.resumed_folder(values)
            stack.enter_context(Lock(folder))
            config = _config_before(folder, values)
        comparison = _comparison(values, config)
        if config is None and values["output"]:
            folder = options.new_folder(values["output"], "--output")
            stack.enter_context(Lock(folder))
        if folder is not None:
            _keep_in(folder, comparison, values, config, signals.stop)
        command = options.typed() if config is None else config.get("command")
        return _run(comparison, folder, command, values, signals)


def _config_before(folder: Path, values: Values) -> CompareConfig:
    """What the run to go on with was asked for; what was not given again is taken from it."""
    from convlet.runs.folder import read_config

    config = read_config(folder, "compare")
    options.as_before(values, {**config["loading"], "repeats": config["origin"].get("repeats", 1)})
    return config


def _comparison(values: Values, config: CompareConfig | None) -> Any:
    """The comparison that was asked for, now or when the run was begun."""
    from convlet.errors import SettingsError
    from convlet.recipes import presets
    from convlet.trials.choice import candidates, check_words
    from convlet.trials.comparison import Comparison

    words, preset = values["architectures"], values["preset"]
    if words and preset:
        raise SettingsError(f"--preset {preset} and architectures were both given; give one of them")
    given = setting_options.given_settings(values)
    if config is not None and not words and not preset:
        entries = tuple(presets.Entry(**entry) for entry in config["origin"]["entries"])
    else:
        check_words(words)
        entries = presets.preset(preset) if preset else ()
    if config is not None:
        given = {**config["origin"]["given"], **given}
    options.positive("--repeats", values["repeats"])
    presets.settings_for(presets.Entry("", ""), 1, given)
    data = options.load_data(values["data"], values)
    entries = entries or candidates(words, data)
    then = options.load_data(values["then_data"], values) if values["then_data"] else None
    return Comparison(data, entries, given, values["repeats"], then)


def _keep_in(folder: Path, comparison: Any, values: Values, config: CompareConfig | None, stop: Any) -> None:
    """Let the comparison keep its trainings in the folder; refuse to go on with another one than was begun."""
    from convlet.measure.conditions import machine, versions
    from convlet.runs.folder import CONFIG, RunFolder, check_origin

    made_from = comparison.origin()
    if config is not None:
        check_origin(folder, config, made_from)
    else:
        begun: CompareConfig = {
            "kind": "compare",
            "machine": machine(),
            "versions": versions(),
            "command": options.typed(),
            "origin": made_from,
            "loading": options.loading(values),
        }
        options.write_json(folder / CONFIG, begun)
    comparison.folder = RunFolder(folder, options.save_seconds(values), stop)


def _run(comparison: Any, folder: Path | None, command: str | None, values: Values, signals: Any) -> int:
    """Train everything, write what was asked for and show it; `command` is what the user typed when it was begun."""
    from rich.console import Console

    from convlet.cli.report import REPORT, write_report
    from convlet.errors import RunError
    from convlet.report.comparison import print_comparison
    from convlet.report.plan import plan_line
    from convlet.report.progress import LiveProgress
    from convlet.report.tables import say

    console = Console()
    if not values["quiet"] and not values["resume"]:
        for name, word, settings, expected in comparison.recipes():
            images, shape = len(comparison.data.validation), comparison.data.image_shape
            say(console, plan_line(name, word, settings, expected, images, shape))
    reports = [path for path in (values["report_file"], folder and folder / REPORT) if path]
    with nullcontext() if folder is None else options.resumable("compare", folder):
        with LiveProgress(console, quiet=values["quiet"]) as progress:
            result: ComparisonResult = comparison.run(progress)
        result["command"], result["loading"] = command, options.loading(values)
        try:
            if values["json_file"]:
                options.write_json(values["json_file"], result)
            if folder is not None:
                _write_folder(folder, result, comparison.models)
        finally:  # a full disk does not take the table away
            print_comparison(result, console)
        if result["missing"]:  # the figures alone: who interrupts does not wait for pictures
            for path in reports:
                write_report(path, result)
    if not result["missing"]:
        for path in reports:
            _report(path, result, comparison, signals, folder)
    if result["missing"]:
        if folder is not None:
            click.echo(options.how_to_go_on("compare", folder), err=True)
        return int(signals.exit_code)
    if result["failed"]:
        names = ", ".join(failure["label"] for failure in result["failed"])
        raise RunError(f"could not be trained: {names}; the output says why")
    return 0


def _report(path: str | Path, result: ComparisonResult, comparison: Any, signals: Any, folder: Path | None) -> None:
    """The report of a finished comparison."""
    from convlet.cli.report import interruptible, write_report

    models, threads = comparison.models.values(), comparison.given.get("threads")
    with interruptible(signals, folder):
        write_report(path, result, comparison.data, models, comparison.then, threads)


def _write_folder(folder: Path, result: ComparisonResult, models: Mapping[str, Any]) -> None:
    """compare.json, table.txt and a model file for each network (the first repeat's)."""
    import io

    from rich.console import Console

    from convlet.model import model_file
    from convlet.report.comparison import print_comparison
    from convlet.runs.folder import COMPARISON
    from convlet.system.atomic import write_atomically

    options.write_json(folder / COMPARISON, result)
    text = io.StringIO()
    print_comparison(result, Console(file=text, width=100))
    write_atomically(folder / "table.txt", [text.getvalue().encode(errors="backslashreplace")])
    for name, model in models.items():
        model_file.save(model, folder / f"{name}.safetensors")
