"""`convlet predict`."""

from __future__ import annotations

from typing import Any

import click

from convlet.cli import options


@click.command("predict")
@click.argument("model")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--top", type=int, default=3, show_default=True, help="How many classes to show.")
@click.option("--json", "json_file", metavar="FILE", help="Write classes and probabilities as JSON.")
def command(**values: Any) -> None:
    """Classes and probabilities for image files.

    A picture of another size is resized, and one in colour made grey (or the reverse), to what the model
    was trained on.
    """
    import numpy as np
    from rich.console import Console

    from convlet import model_file
    from convlet.data import pictures
    from convlet.errors import DataError, PredictionError
    from convlet.report.tables import add, show, table

    options.check_file(values["json_file"], "--json")
    options.positive("--top", values["top"])
    model = model_file.load(options.model_path(values["model"]))
    height, width, channels = model.input_shape
    read: list[Any] = []
    notes: list[list[str]] = []
    for path in values["images"]:
        picture = pictures.read(path)
        notes.append([])
        if picture.shape[:2] != (height, width):
            notes[-1].append(f"resized from {picture.shape[0]}x{picture.shape[1]} to {height}x{width}")
            picture = pictures.read(path, (height, width))
        if channels not in (1, 3):
            raise DataError(
                f"{path}: has {picture.shape[2]} channels, but the model was trained on images of {channels}, which no "
                "picture file holds; predict arrays in Python"
            )
        if picture.shape[2] != channels:
            notes[-1].append("made grey" if channels == 1 else "made RGB")
            picture = pictures.with_channels(picture, channels)
        read.append(picture)
    try:
        probabilities = model.probabilities(np.stack(read))
    except PredictionError as error:
        raise PredictionError(values["images"][error.number], error.reason) from None
    rows = []
    for path, row, note in zip(values["images"], probabilities, notes, strict=True):
        order = np.argsort(-row, kind="stable")[: values["top"]]
        top = [{"class": model.classes[k], "probability": float(row[k])} for k in order]
        rows.append({"image": path, "class": top[0]["class"], "top": top, "notes": note})
    if values["json_file"]:
        options.write_json(values["json_file"], rows)
    made = table([("image", False), ("class", False), ("probabilities", False)])
    for row in rows:
        shown = ", ".join(f"{item['class']} {item['probability']:.1%}" for item in row["top"])
        add(made, [row["image"], row["class"], "; ".join([shown, *row["notes"]])])
    show(Console(), made)
