"""`convlet predict`."""

from __future__ import annotations

from typing import Any

import click

from convlet.cli import options
from convlet.records.prediction import PredictionRow


@click.command("predict")
@click.argument("model")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--top", type=int, default=3, show_default=True, help="Number of classes to show.")
@click.option("--all", "every", is_flag=True, help="Show all classes, also in --csv and --json.")
@click.option(
    "--prepare",
    type=click.Choice(["off", "auto"]),
    default="off",
    show_default=True,
    help="auto: make pictures of handwriting like the training images (background, ink, size, stroke width, position).",
)
@click.option("--reject", type=float, metavar="P", help="Predict no class if the confidence is below this.")
@click.option(
    "--reject-error",
    type=float,
    metavar="E",
    help="Predict no class if the picture is unlike the training images, or if the confidence is below the one that "
    "reached this error on validation images.",
)
@click.option("--transpose", is_flag=True, help="Swap rows and columns of every picture first.")
@click.option("--skip-unreadable", is_flag=True, help="Skip pictures that cannot be read.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write path, class and probability to a CSV file.")
@click.option("--json", "json_file", metavar="FILE", help="Write classes, probabilities and notes to a JSON file.")
def command(**values: Any) -> None:
    """Predict the classes of pictures: files, folders, zip archives or quoted patterns such as 'new/*.png'.

    MODEL is a model file or a run folder. Pictures are resized, and converted to grey or RGB, to match the training
    images. A prediction is marked unsure if its confidence is below 80 %, or if the picture is unlike the training
    images.
    """
    from rich.console import Console

    from convlet.cli import streams
    from convlet.data.brought import brought
    from convlet.model import model_file
    from convlet.model.predicting import predictions, rejection
    from convlet.report.prediction import MOST_DRAWN, as_csv, as_json, print_predictions
    from convlet.report.tables import say
    from convlet.system.atomic import write_atomically

    for option in ("csv", "json"):
        options.check_file(values[f"{option}_file"], f"--{option}")
    options.positive("--top", values["top"])
    model = model_file.load(options.model_path(values["model"]))
    reject = rejection(model, values["reject"], values["reject_error"])
    prepare, top = values["prepare"] == "auto", len(model.classes) if values["every"] else values["top"]
    console = Console()
    if values["csv_file"] or values["json_file"]:
        streams.go_on()
    with brought(values["images"]) as found:
        chosen = {"skip_unreadable": values["skip_unreadable"], "transpose": values["transpose"]}
        rows: list[PredictionRow] = []
        table: list[tuple[str, str | None, float, Any]] = []
        for row in predictions(model, found.pictures, prepare=prepare, reject=reject, **chosen):
            table.append((row["image"], row["class"], row["probability"], row["probabilities"]))
            # what the network saw is held only if somebody will see it
            is_seen = prepare and (values["json_file"] is not None or len(rows) < MOST_DRAWN)
            rows.append(as_json(row, model.classes, top, is_seen))
    if values["csv_file"]:
        write_atomically(values["csv_file"], [as_csv(table, model.classes, values["every"])])
    if values["json_file"]:
        options.write_json(values["json_file"], rows)
    print_predictions(rows, console, seen=prepare)
    for line in found.notes():
        say(console, line, "dim")
    if len(rows) < len(found.pictures):
        say(console, f"left out because they cannot be read: {len(found.pictures) - len(rows):,} pictures", "yellow")
    if prepare and not (model.training_images and model.training_images.drawn):
        reason = "show no ink on an even ground" if model.training_images else "are not known, as in older model files"
        say(console, f"--prepare auto: the training images {reason}, so pictures are only resized", "yellow")
    _advise(rows, model, prepare)


def _advise(rows: list[PredictionRow], model: Any, prepare: bool) -> None:
    """Say in one line, on the error stream, that pictures are unlike the training images, and what helps."""
    from convlet.report.numbers import count

    unlike = sum(bool(row["unlike"]) for row in rows)
    if not unlike:
        return
    known = model.training_images
    hint = "; try --prepare auto" if not prepare and known is not None and known.drawn else ""
    said = f"{count(unlike)} of {count(len(rows))} pictures are unlike the training images"
    click.echo(f"convlet: warning: {said}, so their classes may be wrong{hint}", err=True)
