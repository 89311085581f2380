"""`convlet evaluate`."""

from __future__ import annotations

from typing import Any

import click

from convlet.cli import model_data, options, relabel
from convlet.cli.values import Values
from convlet.records.evaluation import EvaluationResult, Rejected


@click.command("evaluate")
@click.argument("model")
@click.argument("data")
@click.option(
    "--part",
    default="test",
    show_default=True,
    type=click.Choice(["test", "validation", "train"]),
    help="Part of the data to evaluate on.",
)
@options.add(options.DATA[1:])
@click.option(
    "--reject",
    type=float,
    metavar="P",
    help="Reject images below this confidence, and report coverage and error of the rest.",
)
@click.option(
    "--reject-error",
    type=float,
    metavar="E",
    help="The same, with the confidence that reached this error on validation images; images unlike the training "
    "images are rejected too.",
)
@click.option(
    "--relabel-csv",
    metavar="FILE",
    help="Write a table of the images of all parts whose label looks wrong, with a suggested class; "
    "'train --labels FILE' reads it.",
)
@click.option("--json", "json_file", metavar="FILE", help="Write the results to a JSON file.")
def command(**values: Any) -> None:
    """Evaluate MODEL on the test images of DATA: error rate, confusion matrix and worst mistakes.

    MODEL is a model file or a run folder.
    """
    from rich.console import Console

    from convlet.errors import DataError, images_called
    from convlet.evaluation.figures import evaluate
    from convlet.learning.losses import softmax
    from convlet.model import model_file
    from convlet.model.predicting import rejection
    from convlet.report.evaluation import print_evaluation
    from convlet.trials.trial import without_copies

    options.check_file(values["json_file"], "--json")
    options.check_file(values["relabel_csv"], "--relabel-csv")
    model = model_file.load(options.model_path(values["model"]))
    reject = rejection(model, values["reject"], values["reject_error"])
    data = model_data.load_as_trained(values["data"], values, model)
    if tuple(model.classes) != tuple(data.classes):
        raise DataError(
            f"{data.name} has the classes {_short(data.classes)}, but the model knows {_short(model.classes)}; "
            "evaluate it on data with its own classes"
        )
    part = _part(model, data, values)
    images = model_data.in_channels(part.images, model.input_shape[2])
    with images_called(values["part"]):
        logits = model.logits(images)
        found = evaluate(model, images, part.labels, softmax(logits), part.names)
    copies = data.test_copies if values["part"] == "test" else None
    leaked = without_copies(logits.argmax(axis=1) != part.labels, copies)
    result: EvaluationResult = {
        "model": values["model"],
        "architecture": model.architecture,
        "part": values["part"],
        "data": data.describe(),
        "classes": list(model.classes),
        **found,
        **leaked,
        "unlike": _unlike(model, images, logits),
        "rejected": _rejected(model, images, part.labels, logits, reject) if reject is not None else None,
    }
    if values["json_file"]:
        options.write_json(values["json_file"], result)
    print_evaluation(result, Console(), images)
    if values["relabel_csv"]:
        relabel.write(values["relabel_csv"], model, data, (values["part"], logits), values["data"])


LOOKED_AT = 1_000
"""Images that are compared with the training images, spread evenly, unless each one may be rejected."""


def _unlike(model: Any, images: Any, logits: Any) -> str | None:
    """In what the images are unlike the training images, as one line; None if they are like them."""
    from convlet.likeness import batch_note

    known = model.training_images
    return batch_note(images, known, logits, LOOKED_AT) if known is not None else None


def _rejected(model: Any, images: Any, labels: Any, logits: Any, reject: Any) -> Rejected:
    """What is left of the images if some are rejected: threshold, coverage and error of the kept, None without any."""
    from convlet.learning.losses import softmax

    probabilities = softmax(logits)
    kept = probabilities.max(axis=1) >= reject.threshold
    if reject.unlike:
        scores = model.training_images.scores
        kept &= ~scores.unlike(logits, strict=True)
        kept &= [not notes for notes in model.unlike(images, logits)]
    wrong = probabilities.argmax(axis=1)[kept] != labels[kept]
    error = float(wrong.mean()) if kept.any() else None
    return {
        "threshold": reject.threshold,
        "unlike": reject.unlike,
        "kept": int(kept.sum()),
        "coverage": float(kept.mean()),
        "error": error,
    }


def _part(model: Any, data: Any, values: Values) -> Any:
    """The images to evaluate on, or DataError if there are none or the model takes others."""
    from convlet.errors import DataError
    from convlet.trials.trial import no_validation

    name = values["part"]
    model_data.check_shape(model, data, values["data"])
    part = dict(data.parts)[name]
    if len(part):
        return part
    if name == "validation":
        raise no_validation(data, "evaluate on")
    raise DataError(f"{data.name} has no {name} images to evaluate on; give data with some, or another --part")


def _short(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown}, ... ({len(names)})" if len(names) > 5 else shown
