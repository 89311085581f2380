"""The comparison in a terminal: a table of networks, the choice and its confusion matrix."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from convlet.report.confusion import print_confusion
from convlet.report.numbers import count, interval, percent, seconds
from convlet.report.tables import add, say, table

WIDE = 96
"""From this width on the table has all its columns."""


def print_comparison(result: dict[str, Any], console: Console) -> None:
    """Print a result as `convlet compare --json` writes it."""
    data = result["data"]
    shape = "x".join(map(str, data["image_shape"]))
    say(
        console,
        f"{data['name']}: {count(data['train_images'])} training, {count(data['validation_images'])} validation, "
        f"{count(data['test_images'])} test images, {shape}, {len(data['classes'])} classes",
    )
    rows = result["results"]
    if rows:
        say(console)
        _table(rows, result["best"], console)
        say(console)
        _choice(result, console)
    if result["missing"]:
        say(console, f"interrupted; missing: {', '.join(result['missing'])}", "yellow")
    if result["then"]:
        _then(result["then"], console)


def _table(rows: list[dict[str, Any]], best: str, console: Console) -> None:
    wide, repeated = console.width >= WIDE, "repeats" in rows[0]
    columns = [("network", False), ("parameters", True), ("validation", True), ("test error", True)]
    columns += [("95 % interval", True)] if console.width >= 72 else []
    columns += [("seconds", True)] + ([("images/s", True)] if wide else [])
    made = table(columns)
    for row in rows:
        error = percent(row["test_error"])
        if repeated:
            error += f" ± {100 * row['test_error_spread']:.2f}"
        chosen = row["architecture"] == best
        cells = [f"{'* ' if chosen else '  '}{row['label']}", count(row["parameters"])]
        cells += [percent(row["validation_error"]), error]
        cells += [interval(row["test_error_interval"])] if console.width >= 72 else []
        cells += [f"{row['train_seconds']:.1f}"] + ([count(row["images_per_second"])] if wide else [])
        add(made, cells, "bold" if chosen else "")
    console.print(made)


def _choice(result: dict[str, Any], console: Console) -> None:
    """What was chosen, why, and where it is wrong."""
    best = next(row for row in result["results"] if row["architecture"] == result["best"])
    repeats = f", means of {len(best['repeats'])} seeds" if "repeats" in best else ""
    say(console, f"best by validation error: {best['label']} ({best['architecture']}){repeats}", "bold")
    print_confusion(best["confusion_matrix"], result["data"]["classes"], console)


def _then(then: dict[str, Any], console: Console) -> None:
    """The best network on the other data set."""
    data = then["data"]
    say(console)
    say(console, f"then {then['architecture']} on {data['name']}", "bold")
    say(
        console,
        f"{count(data['train_images'])} training images, images' SHA-256 {data['fingerprint'][:16]}...; "
        f"test error {percent(then['test_error'])} (95 % interval {interval(then['test_error_interval'])}), "
        f"{seconds(then['train_seconds'])}",
    )
    print_confusion(then["confusion_matrix"], data["classes"], console)
