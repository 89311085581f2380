"""`convlet evaluate` in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from convlet.records.evaluation import EvaluationResult, SingleImage
from convlet.report.blocks import can_draw, print_pictures
from convlet.report.confusion import print_classes, print_confusion
from convlet.report.copies import copies_line
from convlet.report.headline import headline_lines, is_bad
from convlet.report.numbers import count, interval, percent
from convlet.report.tables import add, say, show, show_whole, table

PICTURES = 6
"""Mistakes that are drawn, where the terminal can."""


def print_evaluation(result: EvaluationResult, console: Console, images: Any = None) -> None:
    """Print what `convlet evaluate --json` writes.

    Parameters
    ----------
    images : (n, H, W, C), those that were evaluated; with them a terminal shows the worst mistakes themselves
    """
    say(
        console,
        f"{result['architecture']} on the {result['part']} images of {result['data']['name']}",
        "bold",
    )
    say(
        console,
        f"error {percent(result['error'])} of {count(result['images'])} images "
        f"(95 % interval {interval(result['error_interval'])})",
    )
    leaked = copies_line(result)
    if leaked:
        say(console, leaked, "yellow")
    for line in headline_lines(result.get("headline")):
        say(console, line, "yellow" if is_bad(line) else "")
    say(
        console,
        f"log-loss {result['log_loss']:.4f}; certainty and accuracy lie "
        f"{percent(result['calibration']['expected_calibration_error'])} apart (expected calibration error)",
    )
    say(console)
    print_confusion(result["confusion_matrix"], result["classes"], console)
    say(console)
    print_classes(result["per_class"], console)
    if result.get("coverage"):
        say(console)
        _print_coverage(result, console)
    if result.get("unlike"):
        say(console)
        say(console, f"{result['unlike']}, so the error may be another one on images like those", "yellow")
    wrong = [(row, row["predicted"]) for row in result["worst"]]
    _print_images(wrong, "worst mistakes, the surest first", "taken for", console)
    doubtful = [(row, row["suggested"]) for row in result.get("suspected", [])]
    _print_images(doubtful, "perhaps labelled wrongly", "rather", console)
    if images is not None and result["worst"] and can_draw(console):
        say(console)
        shown = result["worst"][:PICTURES]
        captions = [(f"{row['label']}, not {row['predicted']}", percent(row["probability"])) for row in shown]
        print_pictures(images[[row["image"] for row in shown]], captions, console)


def _print_images(rows: Sequence[tuple[SingleImage, str]], title: str, heading: str, console: Console) -> None:
    """Single images, each with the class that the network says, as a table; with their files if these are known."""
    if not rows:
        return
    say(console)
    say(console, title, "bold")
    named = any("name" in row for row, _ in rows)
    columns = [("image", True), ("label", False), (heading, False), ("sure", True), ("label got", True)]
    made = table(columns + [("file", False)] * named)
    for row, said in rows:
        cells = [count(row["image"]), row["label"], said, percent(row["probability"])]
        add(made, [*cells, percent(row["label_probability"]), *([row["name"]] if named else [])])
    (show_whole if named else show)(console, made)


def _print_coverage(result: EvaluationResult, console: Console) -> None:
    """What rejecting images of low confidence would leave, and what the options of rejection left."""
    say(console, "coverage against error, if images below a confidence are rejected", "bold")
    made = table([("confidence", True), ("kept", True), ("coverage", True), ("error of the kept", True)])
    for row in result["coverage"]:
        cells = [f"{row['threshold']:g}", count(row["kept"]), percent(row["coverage"]), percent(row["error"])]
        add(made, cells)
    show(console, made)
    rejected = result.get("rejected")
    if rejected:
        also = ", unlike images rejected too" if rejected["unlike"] else ""
        say(
            console,
            f"with confidence from {rejected['threshold']:.4g}{also}: {percent(rejected['coverage'])} of the images "
            f"are kept, {percent(rejected['error'])} of these are wrong",
        )
