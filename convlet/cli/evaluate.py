"""`convlet evaluate`."""

from __future__ import annotations

from typing import Any

import click

from convlet.cli import options
from convlet.system import reading


@click.command("evaluate")
@click.argument("model")
@click.argument("data")
@click.option(
    "--part",
    default="test",
    show_default=True,
    type=click.Choice(["test", "validation", "train"]),
    help="Which images.",
)
@options.add(options.DATA[1:])
@click.option("--json", "json_file", metavar="FILE", help="Write the figures as JSON.")
def command(**values: Any) -> None:
    """Error rate, confusion matrix and worst mistakes of MODEL on the test images of DATA."""
    from rich.console import Console

    from convlet import model_file
    from convlet.errors import DataError, images_called
    from convlet.evaluation import evaluate
    from convlet.report.evaluation import print_evaluation

    options.check_file(values["json_file"], "--json")
    model = model_file.load(options.model_path(values["model"]))
    data = options.load_data(values["data"], values)
    if tuple(model.classes) != tuple(data.classes):
        raise DataError(
            f"{data.name} has the classes {_short(data.classes)}, but the model knows {_short(model.classes)}; "
            "evaluate it on data with its own classes"
        )
    part = _part(model, data, values)
    with images_called(values["part"]):
        found = evaluate(model, part.images, part.labels)
    result = {
        "model": values["model"],
        "architecture": model.architecture,
        "part": values["part"],
        "data": data.describe(),
        "classes": list(model.classes),
        **found,
    }
    if values["json_file"]:
        options.write_json(values["json_file"], result)
    print_evaluation(result, Console(), part.images)


def _part(model: Any, data: Any, values: dict[str, Any]) -> Any:
    """The images to evaluate on, or DataError if there are none or the model takes others."""
    from convlet.errors import DataError
    from convlet.training.inputs import times
    from convlet.trial import no_validation

    name = values["part"]
    if data.image_shape != model.input_shape:
        size = f"{model.input_shape[0]}x{model.input_shape[1]}"
        only_size = data.image_shape[2] == model.input_shape[2] and reading.kind(values["data"]) == "folder"
        remedy = f"for a folder of pictures, give --size {size}" if only_size else "give images like the model's own"
        raise DataError(
            f"{data.name} has images of {times(data.image_shape)}, but the model was trained on images of "
            f"{times(model.input_shape)}; {remedy}"
        )
    part = dict(data.parts)[name]
    if len(part):
        return part
    if name == "validation":
        raise no_validation(data, "evaluate on")
    raise DataError(f"{data.name} has no {name} images to evaluate on; give data with some, or another --part")


def _short(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown}, ... ({len(names)})" if len(names) > 5 else shown
