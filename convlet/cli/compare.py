"""`convlet compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from convlet.cli import options


@click.command("compare")
@click.argument("data", default="digits")
@click.argument("architectures", nargs=-1, metavar="[ARCHITECTURE]...")
@click.option("--preset", help="six, six-linear or methods [default: six].")
@click.option("--then", "then_data", metavar="DATA", help="Train the best network on this data set afterwards.")
@click.option("--repeats", type=int, default=1, show_default=True, help="Trainings of each network.")
@options.add(options.SETTINGS)
@options.add(options.DATA)
@click.option("--json", "json_file", metavar="FILE", help="Write the results as JSON.")
@click.option("--report", "report_file", metavar="FILE", help="Write a report as one HTML file.")
@click.option("--output", metavar="FOLDER", help="Write results, models and report into a new folder.")
@click.option("--quiet", is_flag=True, help="No progress.")
def command(**values: Any) -> int:
    """Train several networks on DATA, choose by validation error, report.

    DATA is a name (digits, mnist, fashion-mnist), a folder of IDX files, a folder with one sub-folder per class, or an
    .npz file. ARCHITECTURE is a word such as conv8-relu-pool; without any, the preset's networks are compared.
    """
    from rich.console import Console

    from convlet import recipes
    from convlet.cli.report import write_report
    from convlet.compare import Comparison, architectures
    from convlet.errors import RunError, SettingsError
    from convlet.report.comparison import print_comparison
    from convlet.report.progress import LiveProgress

    words, preset = values["architectures"], values["preset"]
    if words and preset:
        raise SettingsError(f"--preset {preset} and architectures were both given; give one of them")
    entries = tuple(architectures(words)) if words else recipes.preset(preset or "six")
    options.positive("--repeats", values["repeats"])
    options.check_file(values["json_file"], "--json")
    options.check_file(values["report_file"], "--report")
    given = options.given_settings(values)
    recipes.settings_for(entries[0], 1, given)
    data = options.load_data(values["data"], values)
    then = options.load_data(values["then_data"], values) if values["then_data"] else None
    comparison = Comparison(data, entries, given, values["repeats"], then)
    folder = options.new_folder(values["output"], "--output") if values["output"] else None

    console = Console()
    with LiveProgress(console, quiet=values["quiet"]) as progress:
        result = comparison.run(progress)
    result |= {"command": options.typed(), "loading": options.loading(values)}
    try:
        if values["json_file"]:
            options.write_json(values["json_file"], result)
        if folder is not None:
            _write_folder(folder, result, comparison.models)
        for path in (values["report_file"], folder and folder / "report.html"):
            if path:
                write_report(path, result, data, comparison.models.values(), then, given.get("threads"))
    finally:  # a full disk does not take the table away
        print_comparison(result, console)
    if result["missing"]:
        return 130
    if result["failed"]:
        names = ", ".join(failure["label"] for failure in result["failed"])
        raise RunError(f"could not be trained: {names}; the output says why")
    return 0


def _write_folder(folder: Path, result: dict[str, Any], models: dict[str, Any]) -> None:
    """compare.json, table.txt and a model file for each network (the first repeat's)."""
    import io

    from rich.console import Console

    from convlet import model_file
    from convlet.atomic import write_atomically
    from convlet.report.comparison import print_comparison

    options.write_json(folder / "compare.json", result)
    text = io.StringIO()
    print_comparison(result, Console(file=text, width=100))
    write_atomically(folder / "table.txt", [text.getvalue().encode()])
    for name, model in models.items():
        model_file.save(model, folder / f"{name}.safetensors")
