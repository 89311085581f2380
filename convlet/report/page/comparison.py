"""The comparison as a page shows it: every network with its interval, cost, and what is within chance."""

from __future__ import annotations

from typing import Any

from convlet.report.copies import copies_line, without_copies
from convlet.report.numbers import count, interval, percent, seconds
from convlet.report.page import charts
from convlet.report.page.words import COLOURS, isolated, letter, natural, p_value


def comparison_view(findings: dict[str, Any]) -> dict[str, Any]:
    """What `comparison.html` shows."""
    result = findings["result"]
    rows = [_row(number, row, result) for number, row in enumerate(result["results"])]
    differences = {item["label"]: item for item in findings["differences"]}
    for row in rows:
        row["difference"] = _difference(row, differences, result["best_label"])
    view = {
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


def _row(number: int, row: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
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
    }


def _difference(row: dict[str, Any], differences: dict[str, Any], best: str) -> dict[str, Any] | None:
    """How a network and the best differ, in words."""
    found = differences.get(row["label"])
    if row["label"] == best or found is None:
        return None
    return {
        **found,
        "p": p_value(found["p_value"]),
        "better": found["only_other"] < found["only"],
        "words": "within chance" if found["within_chance"] else "beyond chance",
    }


def _interval_scale(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The error at the right end of the bars in the table; at the left stands 0."""
    highest = max((row["high"] for row in rows), default=1.0)
    return {"high": highest or 1.0}


def _charts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Error against parameters and against seconds."""
    found = []
    for key, title, shown in (
        ("parameters", "parameters", "parameters_shown"),
        ("seconds", "seconds of training", "seconds_shown"),
    ):
        points = [
            charts.Point(
                row["letter"],
                row["colour"],
                max(float(row[key]), 1e-3),
                row["test_error"],
                row["low"],
                row["high"],
                f"{row['letter']}  {isolated(row['label'])}: test error {row['test']} "
                f"({row['interval']}), {row[shown]}{' parameters' if key == 'parameters' else ''}",
                row["chosen"],
            )
            for row in rows
        ]
        found.append({"title": f"Test error against {title}", "svg": charts.tradeoff(points, title)})
    return found
