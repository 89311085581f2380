"""The comparison in a terminal: a table of networks, the choice and its confusion matrix."""

from __future__ import annotations

from rich.console import Console

from convlet.records.comparison import ComparisonResult, NetworkResult, RunnerUp, SecondResult
from convlet.report.confusion import print_confusion
from convlet.report.copies import copies_line, without_copies
from convlet.report.final import final_line
from convlet.report.headline import headline_lines, is_bad
from convlet.report.numbers import count, interval, percent, seconds
from convlet.report.tables import add, say, show, table

WIDE, MEDIUM = 92, 74
"""From these widths on the table has images/s, and parameters."""


def print_comparison(result: ComparisonResult, console: Console) -> None:
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
        _table(rows, result["best_label"], console)
        say(console)
        _said_of_rows(result, console)
        _choice(result, console)
    for failure in result["failed"]:
        say(console, f"failed: {failure['label']}: {failure['error']}", "red")
    if result["missing"]:
        say(console, f"interrupted; missing: {', '.join(result['missing'])}", "yellow")
    if result["then"]:
        _then(result["then"], console)


def _table(rows: list[NetworkResult], best: str | None, console: Console) -> None:
    """One line a network; what fits into 60 columns is there always, images/s only where there is room."""
    wide, medium = console.width >= WIDE, console.width >= MEDIUM
    leaked = any(row.get("test_copies") for row in rows)
    titles = ["parameters", "validation\nerror", "test error\n(95 % interval)"]
    titles += ["without\ncopies"] * leaked + ["seconds"] + ["images/s"] * wide
    made = table([("", False), ("network", False), *((title, True) for title in titles[0 if medium else 1 :])])
    for row in rows:
        chosen, error = row["label"] == best, percent(row["test_error"])
        if "test_error_spread" in row:
            error += f" ± {100 * row['test_error_spread']:.2f}"
        low, high = (100 * end for end in row["test_error_interval"])
        cells = [count(row["parameters"])] if medium else []
        cells += [
            percent(row["validation_error"]),
            f"{error} ({low:.2f}-{high:.2f})",
            *([without_copies(row)] if leaked else []),
            f"{row['train_seconds']:.1f}",
        ]
        cells += [count(row["images_per_second"])] if wide else []
        add(made, ["*" if chosen else " ", row["label"], *cells], "bold" if chosen else "")
    show(console, made)


def _said_of_rows(result: ComparisonResult, console: Console) -> None:
    """Which networks stopped early, and whose final errors are not measured as their curves are."""
    for row in result["results"]:
        if row.get("stopped"):
            say(console, f"{row['label']}: {row['stopped']}")
        line = final_line({**result.get("settings", {}), **row.get("settings", {})}, row["label"])
        if line:
            say(console, line)


def _choice(result: ComparisonResult, console: Console) -> None:
    """What was chosen, why, and where it is wrong."""
    best = next(row for row in result["results"] if row["label"] == result["best_label"])
    repeats = f", means of {len(best['repeats'])} seeds" if "repeats" in best else ""
    word = f" ({best['architecture']})" if best["label"] != best["architecture"] else ""
    say(console, f"best by validation error (*): {best['label']}{word}{repeats}", "bold")
    paired = result.get("paired")
    if paired:
        say(console, _paired(paired))
    for name in result.get("untried", ()):
        say(console, f"not tried: the recipe {name}, which is usually better; try 'convlet train DATA --recipe {name}'")
    leaked = copies_line(best)
    if leaked:
        say(console, leaked, "yellow")
    for line in headline_lines(best.get("headline")):
        say(console, line, "yellow" if is_bad(line) else "")
    print_confusion(best["confusion_matrix"], result["data"]["classes"], console)


def _paired(paired: RunnerUp) -> str:
    """Whether the best and the runner-up differ significantly on the test images."""
    verdict = "not significantly different from" if paired["within_chance"] else "significantly different from"
    return (
        f"{verdict} {paired['other']}, the runner-up (McNemar p = {paired['p_value']:.2g}; {count(paired['only'])} "
        f"test images only it gets wrong, {count(paired['only_other'])} only {paired['other']})"
    )


def _then(then: SecondResult, console: Console) -> None:
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
    leaked = copies_line(then)
    if leaked:
        say(console, leaked, "yellow")
    for line in headline_lines(then.get("headline")):
        say(console, line, "yellow" if is_bad(line) else "")
    print_confusion(then["confusion_matrix"], data["classes"], console)
