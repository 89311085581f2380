"""The comparison as a page shows it: every network with its interval, cost, and what is within chance."""

from __future__ import annotations

from typing import TypedDict

from convlet.records.comparison import ComparisonResult, NetworkResult
from convlet.records.conditions import SettingValues
from convlet.records.findings import Difference, Findings
from convlet.report.copies import copies_line, without_copies
from convlet.report.numbers import count, interval, percent, seconds
from convlet.report.page import charts
from convlet.report.page.view import View
from convlet.report.page.words import COLOURS, isolated, letter, natural, p_value


class DifferenceView(Difference):
    """How a network and the best differ, in words."""

    p: str
    better: bool
    words: str


class RowView(TypedDict):
    """A network as the table and the charts show it."""

    letter: str
    colour: int
    label: str
    architecture: str
    chosen: bool
    parameters: int
    parameters_shown: str
    seconds: float
    seconds_shown: str
    rate_shown: str
    validation: str
    validation_error: float | None
    test: str
    copies: str | None
    without_copies: str
    test_error: float
    low: float
    high: float
    interval: str
    sha256: str
    settings: SettingValues
    difference: DifferenceView | None


def comparison_view(findings: Findings) -> View:
    """What `comparison.html` shows."""
    result = findings["result"]
    differences = {item["label"]: item for item in findings["differences"]}
    rows = [_row(number, row, result, differences) for number, row in enumerate(result["results"])]
    view: View = {
        "data": result["data"],
        "name": result["data"]["name"],
        "shape": " × ".join(map(str, result["data"]["image_shape"])),
        "rows": rows,
        "scale": _interval_scale(rows),
        "many": len(rows) > 1,
        "number": natural(len(rows)),
        "best": next((row for row in rows if row["chosen"]), None),
        "failed": result["failed"],
        "missing": result["missing"],
        "repeats": result["settings"].get("repeats", 1),
        "tested": bool(differences),
        "within": [row for row in rows if row["difference"] and row["difference"]["within_chance"]],
        "apart": [row for row in rows if row["difference"] and not row["difference"]["within_chance"]],
    }
    return view | {"charts": _charts(rows) if len(rows) > 1 else []}


def _row(number: int, row: NetworkResult, result: ComparisonResult, differences: dict[str, Difference]) -> RowView:
    spread = f" ± {100 * row['test_error_spread']:.2f}" if "test_error_spread" in row else ""
    return {
        "letter": letter(number),
        "colour": number % COLOURS,
        "label": row["label"],
        "architecture": row["architecture"] if row["architecture"] != row["label"] else "",
        "chosen": row["label"] == result["best_label"],
        "parameters": row["parameters"],
        "parameters_shown": count(row["parameters"]),
        "seconds": row["train_seconds"],
        "seconds_shown": seconds(row["train_seconds"]),
        "rate_shown": count(row["images_per_second"]),
        "validation": percent(row["validation_error"]),
        "validation_error": row["validation_error"],
        "test": percent(row["test_error"]) + spread,
        "copies": copies_line(row),
        "without_copies": without_copies(row),
        "test_error": row["test_error"],
        "low": row["test_error_interval"][0],
        "high": row["test_error_interval"][1],
        "interval": interval(row["test_error_interval"]),
        "sha256": row["sha256"],
        "settings": row.get("settings", {}),
        "difference": _difference(row["label"], differences, result["best_label"]),
    }


def _difference(label: str, differences: dict[str, Difference], best: str | None) -> DifferenceView | None:
    """How the network with this label and the best differ, in words."""
    found = differences.get(label)
    if label == best or found is None:
        return None
    return {
        **found,
        "p": p_value(found["p_value"]),
        "better": found["only_other"] < found["only"],
        "words": "within chance" if found["within_chance"] else "beyond chance",
    }


def _interval_scale(rows: list[RowView]) -> dict[str, float]:
    """The error at the right end of the bars in the table; at the left stands 0."""
    highest = max((row["high"] for row in rows), default=1.0)
    return {"high": highest or 1.0}


def _charts(rows: list[RowView]) -> list[View]:
    """Error against parameters and against seconds."""
    costs = (
        ("parameters", [(row["parameters"], f"{row['parameters_shown']} parameters") for row in rows]),
        ("seconds of training", [(row["seconds"], row["seconds_shown"]) for row in rows]),
    )
    found: list[View] = []
    for title, values in costs:
        points = [
            charts.Point(
                row["letter"],
                row["colour"],
                max(float(value), 1e-3),
                row["test_error"],
                row["low"],
                row["high"],
                f"{row['letter']}  {isolated(row['label'])}: test error {row['test']} ({row['interval']}), {shown}",
                row["chosen"],
            )
            for row, (value, shown) in zip(rows, values, strict=True)
        ]
        found.append({"title": f"Test error against {title}", "svg": charts.tradeoff(points, title)})
    return found
