"""`convlet train`."""

from __future__ import annotations

import json
from typing import Any

import click

from convlet.cli import options


@click.command("train")
@click.argument("data")
@click.option("-a", "--architecture", required=True, help="A word such as conv16-relu-pool-conv32-relu-pool.")
@options.add(options.SETTINGS)
@options.add(options.DATA)
@click.option("--output", metavar="FOLDER", help="The run folder [default: a new one in runs/].")
@click.option("--quiet", is_flag=True, help="No progress.")
def command(**values: Any) -> None:
    """Train one network on DATA into a run folder.

    The folder holds config.json (everything needed to train it again), history.jsonl (a line per epoch),
    model.safetensors and report.html.
    """
    from pathlib import Path

    from rich.console import Console

    from convlet import model_file
    from convlet.architecture import format_word, parse, with_head
    from convlet.atomic import write_atomically
    from convlet.cli.report import of_training, write_report
    from convlet.compare import measure, train_on
    from convlet.machine import machine, versions
    from convlet.recipes import Entry, settings_for
    from convlet.report.numbers import count, percent
    from convlet.report.progress import LiveProgress

    word = format_word(parse(values["architecture"]))
    given = options.given_settings(values)
    settings_for(Entry(word, word), 1, given)
    data = options.load_data(values["data"], values)
    settings = settings_for(Entry(word, word), len(data.train), given)
    with_head(parse(word), len(data.classes)).output_shape(data.image_shape)
    wanted = values["output"] or options.free_folder(Path("runs") / f"{data.name}-{word}"[:120])
    folder = options.new_folder(wanted, "--output")
    config = {"data": data.describe(), "architecture": word, "settings": settings.as_dict()}
    config |= {"machine": machine(), "versions": versions()}
    config |= {"command": options.typed(), "loading": options.loading(values)}
    options.write_json(folder / "config.json", config)

    console = Console()
    with LiveProgress(console, quiet=values["quiet"]) as progress:
        progress.start(word, 1, 1)
        trained = train_on(data, word, settings, progress.update)
        progress.finish(f"{trained.train_seconds:.1f} s, {trained.images_per_second:,.0f} images/s")
    rows = [dict(zip(trained.history, row, strict=True)) for row in zip(*trained.history.values(), strict=True)]
    write_atomically(folder / "history.jsonl", [json.dumps(row).encode() + b"\n" for row in rows])
    model_file.save(trained.model, folder / "model.safetensors")
    found = measure(trained, data)
    low, high = found["test_error_interval"]
    shown = "" if found["validation_error"] is None else f"validation error {percent(found['validation_error'])}, "
    console.print(
        f"{count(found['parameters'])} parameters, {shown}"
        f"test error {percent(found['test_error'])} (95 % interval {percent(low)} to {percent(high)})",
        highlight=False,
    )
    console.print(f"model: {folder / 'model.safetensors'}", highlight=False, soft_wrap=True)
    write_report(folder / "report.html", of_training(config, found), data, [trained.model], None, settings.threads)
    console.print(f"report: {folder / 'report.html'}", highlight=False, soft_wrap=True)
