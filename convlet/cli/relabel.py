"""`convlet evaluate --relabel-csv`: the images of all parts whose label looks wrong, as a table."""

from __future__ import annotations

import shlex
from typing import Any

import click

from convlet.records.evaluation import Doubtful


def write(path: str, model: Any, data: Any, known: tuple[str, Any], place: str) -> None:
    """Write the table and say what to do with it.

    Parameters
    ----------
    known : a part and the logits (n, classes) of its images, which are there already
    place : where the data is, as the user named it
    """
    from convlet.data import relabel
    from convlet.report.plain import plain
    from convlet.system.atomic import write_atomically

    rows = _doubtful(model, data, *known)
    write_atomically(path, [relabel.as_csv(rows)])
    said = f"{path}: {len(rows):,} images whose label looks wrong"
    if rows and not data.in_files:
        said += "; the labels are in the file of the images, correct them there"
    elif rows:
        again = shlex.join(["convlet", "train", place, "--labels", path])
        said += f"; delete the rows whose label is right, then train with the suggested classes: {again} ..."
    click.echo(plain(said))


def _doubtful(model: Any, data: Any, known: str, logits: Any) -> list[Doubtful]:
    """Each part compared with its own thresholds, as in the report; the clearest first."""
    from convlet.cli.model_data import in_channels
    from convlet.errors import images_called
    from convlet.evaluation.mistakes import suspects
    from convlet.learning.losses import softmax

    rows: list[Doubtful] = []
    for name, part in data.parts:
        if not len(part):
            continue
        with images_called(name):
            own = logits if name == known else model.logits(in_channels(part.images, model.input_shape[2]))
        rows += suspects(softmax(own), part.labels, tuple(data.classes), part.names)
    return sorted(rows, key=lambda row: row["label_probability"] - row["probability"])
