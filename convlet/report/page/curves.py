"""Learning curves as a page shows them: one chart a quantity, all networks in it, and the numbers as tables."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import numpy as np

from convlet.report.final import of_rows
from convlet.report.numbers import percent
from convlet.report.page import charts
from convlet.report.page.scales import short
from convlet.report.page.words import COLOURS, isolated, letter

QUANTITIES = (
    ("train_loss", "Training loss", "loss", short),
    ("validation_loss", "Validation loss", "loss", short),
    ("train_error", "Training error", "error rate", charts.whole_percent),
    ("validation_error", "Validation error", "error rate", charts.whole_percent),
)

KINDS = ("training, last epoch", "validation", "test")

MOST_ROWS = 40
"""Epochs in a table of values; of more, evenly chosen ones and the last."""


def curves_view(result: dict[str, Any], schedules: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """What `curves.html` shows.

    Parameters
    ----------
    schedules : for each label the learning rate as it went: "epoch" (fractions, from 0) and "rate"
    """
    rows = [row | {"history": _one_history(row["history"])} for row in result["results"]]
    epochs = max((len(row["history"]["epoch"]) for row in rows), default=0)
    found = [chart for item in QUANTITIES if (chart := _chart(rows, *item)) and epochs > 1]
    rate = _rate(rows, schedules)
    return {
        "epochs": epochs,
        "charts": found + ([rate] if rate else []),
        "carried_over": _carried_over(rows) if rows else None,
        "kinds": KINDS,
        "of_members": any("member" in row["history"] for row in result["results"]),
        "rollbacks": [(row["label"], reason) for row in rows for reason in row.get("rollbacks", [])],
        "stopped": [(row["label"], row["stopped"]) for row in rows if row.get("stopped")],
        "final": list(of_rows(result).items()),
        "key": [
            {"letter": letter(k), "colour": k % COLOURS, "label": row["label"], "chosen": _is_best(row, result)}
            for k, row in enumerate(rows)
        ],
    }


def _one_history(history: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Of an ensemble's history, whose epochs stand one member after the other, the mean over the members."""
    if "member" not in history:
        return history
    epochs = sorted(set(history["epoch"]))
    found: dict[str, list[Any]] = {"epoch": epochs}
    for name in set(history) - {"member", "epoch"}:
        at = [
            [value for value, own in zip(history[name], history["epoch"], strict=True) if own == epoch]
            for epoch in epochs
        ]
        found[name] = [None if None in values else fmean(values) for values in at]
    return found


def _is_best(row: dict[str, Any], result: dict[str, Any]) -> bool:
    return bool(row["label"] == result["best_label"])


def _chart(
    rows: list[dict[str, Any]], name: str, title: str, unit: str, y_format: charts.Format
) -> dict[str, Any] | None:
    """One quantity of the history; None where no network has it."""
    longest = max(rows, key=lambda row: len(row["history"]["epoch"]), default=None)
    if longest is None:
        return None
    epochs = longest["history"]["epoch"]
    series = []
    for number, row in enumerate(rows):
        values = row["history"].get(name) or []
        padded = values + [None] * (len(epochs) - len(values))
        series.append(charts.Series(letter(number), number % COLOURS, padded))
    if not any(value is not None for item in series for value in item.values):
        return None
    formatted = percent if unit == "error rate" else (lambda value: "-" if value is None else f"{value:.4f}")
    return {
        "title": title,
        "svg": charts.lines(series, epochs, ("epoch", unit), y_format),
        **_values(rows, series, epochs, [f"epoch {epoch}" for epoch in epochs], formatted),
    }


def _rate(rows: list[dict[str, Any]], schedules: dict[str, dict[str, list[float]]]) -> dict[str, Any] | None:
    """The learning rate."""
    known = [(number, row) for number, row in enumerate(rows) if row["label"] in schedules]
    if not known:
        return None
    places = [max(schedules[row["label"]]["epoch"]) for _, row in known]
    longest = schedules[known[places.index(max(places))][1]["label"]]["epoch"]
    series = []
    for number, row in known:
        schedule = schedules[row["label"]]
        last = schedule["epoch"][-1]
        rates = np.interp(longest, schedule["epoch"], schedule["rate"]).tolist()
        values = [rate if place <= last else None for place, rate in zip(longest, rates, strict=True)]
        series.append(charts.Series(letter(number), number % COLOURS, values))
    if all(item.values == series[0].values for item in series):
        series = [charts.Series("", 7, series[0].values)]
    return {
        "title": "Learning rate",
        "svg": charts.lines(series, longest, ("epoch", "learning rate"), short, may_be_log=False),
        **_values(
            [rows[k] for k, _ in known],
            series,
            longest,
            [f"epoch {place:.2f}" for place in longest],
            lambda value: "-" if value is None else f"{value:.3g}",
        ),
    }


def _values(
    rows: list[dict[str, Any]], series: list[charts.Series], xs: list[float], names: list[str], formatted: Any
) -> dict[str, Any]:
    """The numbers behind a chart: for its tooltip as JSON, and as a table."""
    columns: list[dict[str, Any]] = [
        {"letter": item.letter, "colour": item.colour, "values": [formatted(value) for value in item.values]}
        for item in series
    ]
    step = max(1, -(-len(xs) // MOST_ROWS))
    shown = sorted({*range(0, len(xs), step), len(xs) - 1})
    return {
        "data": {"places": names, "series": columns},
        "head": [
            {"letter": item.letter, "label": row["label"] if item.letter else "all networks"}
            for item, row in zip(series, rows, strict=False)
        ],
        "table": [[names[k], *(column["values"][k] for column in columns)] for k in shown],
        "left_out": len(xs) - len(shown),
    }


def _carried_over(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How errors on training, validation and test images lie to each other."""
    shown = []
    for number, row in enumerate(rows):
        trained = row["history"]["train_error"][-1] if row["history"].get("train_error") else None
        values = [trained, row["validation_error"], row["test_error"]]
        said = ", ".join(f"{name} {percent(value)}" for name, value in zip(KINDS, values, strict=True))
        shown.append(
            {"letter": letter(number), "colour": number % COLOURS, "values": values, "label": row["label"]}
            | {"words": f"{letter(number)}  {isolated(row['label'])}: {said}"}
        )
    return {
        "svg": charts.carried_over(shown, KINDS),
        "table": [[row["letter"], row["label"], *(percent(value) for value in row["values"])] for row in shown],
    }
