"""`convlet evaluate`."""

from __future__ import annotations

from typing import Any

import click

from convlet.cli import options


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
    from convlet.errors import DataError
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
    part = dict(data.parts)[values["part"]]
    if not len(part):
        remedy = "; raise --validation, as in --validation 0.1" if values["part"] == "validation" else ""
        raise DataError(f"{data.name} has no {values['part']} images to evaluate on{remedy}")
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


def _short(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown}, ... ({len(names)})" if len(names) > 5 else shown
