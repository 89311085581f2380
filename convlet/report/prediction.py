"""`convlet predict` in a terminal, in a pipe, and as CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from rich.console import Console

from convlet.records.prediction import Prediction, PredictionRow
from convlet.report.blocks import can_draw, print_pictures
from convlet.report.tables import add, say, show_whole, table

MOST_DRAWN = 24
"""Pictures that are drawn as the network saw them."""


def print_predictions(rows: Sequence[PredictionRow], console: Console, *, seen: bool = False) -> None:
    """Print one line for each picture; off a terminal no line is wrapped or cut.

    Parameters
    ----------
    rows : as `as_json` makes them, with `seen`
    seen : whether to draw what the network saw, if the terminal can
    """
    if seen and rows and can_draw(console):
        drawn = rows[:MOST_DRAWN]
        captions = [(row["image"].rpartition("/")[2], row["class"] or "none") for row in drawn]
        images = np.stack([np.array(row["seen"], np.float32) for row in drawn])
        print_pictures(images if images.ndim == 4 else images[..., None], captions, console)
        say(console)
    made = table([("image", False), ("class", False), ("probabilities", False)])
    for row in rows:
        shown = ", ".join(f"{item['class']} {item['probability']:.1%}" for item in row["top"])
        mark = " (unsure)" if row["unsure"] else ""
        name = "none" if row["class"] is None else row["class"]
        add(made, [row["image"], name + mark, "; ".join([shown, *row["unlike"], *row["notes"]])])
    show_whole(console, made)


def as_json(row: Prediction, classes: Sequence[str], top: int, with_seen: bool) -> PredictionRow:
    """One prediction (see `predicting.predictions`) in values that JSON knows, with the `top` classes."""
    order = np.argsort(-row["probabilities"], kind="stable")[:top]
    found: PredictionRow = {
        "image": row["image"],
        "class": row["class"],
        "probability": row["probability"],
        "unsure": row["unsure"],
        "top": [{"class": classes[k], "probability": float(row["probabilities"][k])} for k in order],
        "notes": row["notes"],
        "unlike": row["unlike"],
    }
    if with_seen:
        found["prepared"], found["seen"] = row["prepared"], _numbers(row["seen"])
    return found


def _numbers(pixels: Any) -> Any:
    """Rows of pixel values; of colours, rows of triples."""
    values = np.round(pixels.astype(np.float64), 4) if pixels.dtype.kind == "f" else pixels
    return (values[..., 0] if pixels.shape[2] == 1 else values).tolist()


def as_csv(rows: Iterable[tuple[str, str | None, float, Any]], classes: Sequence[str], every: bool) -> bytes:
    """A table: path, class (empty if rejected), probability, and with `every` the probability of each class."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "class", "probability", *(classes if every else [])])
    for path, name, probability, probabilities in rows:
        each = [f"{value:.6f}" for value in probabilities] if every else []
        writer.writerow([path, "" if name is None else name, f"{probability:.6f}", *each])
    return text.getvalue().encode("utf-8", "surrogateescape")
