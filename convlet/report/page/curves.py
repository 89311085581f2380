"""Learning curves as a page shows them: one chart a quantity, all networks in it, and the numbers as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from convlet.records.comparison import ComparisonResult, NetworkResult
from convlet.records.findings import RateCurve
from convlet.records.training import mean_of_members
from convlet.report.final import of_rows
from convlet.report.numbers import percent
from convlet.report.page import charts
from convlet.report.page.scales import short
from convlet.report.page.view import View
from convlet.report.page.words import COLOURS, isolated, letter

Quantity = Literal["train_loss", "validation_loss", "train_error", "validation_error"]

QUANTITIES: tuple[tuple[Quantity, str, str, charts.Format], ...] = (
    ("train_loss", "Training loss", "loss", short),
    ("validation_loss", "Validation loss", "loss", short),
    ("train_error", "Training error", "error rate", charts.whole_percent),
    ("validation_error", "Validation error", "error rate", charts.whole_percent),
)

KINDS = ("training, last epoch", "validation", "test")

MOST_ROWS = 40
"""Epochs in a table of values; of more, evenly chosen ones and the last."""


def curves_view(result: ComparisonResult, schedules: dict[str, RateCurve]) -> View:
    """What `curves.html` shows.

    Parameters
    ----------
    schedules : for each label the learning rate as it went: "epoch" (fractions, from 0) and "rate"
    """
    rows = [_with_one_history(row) for row in result["results"]]
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


def _with_one_history(row: NetworkResult) -> NetworkResult:
    """The row with the mean over the members in place of an ensemble's history."""
    found = row.copy()
    found["history"] = mean_of_members(row["history"])
    return found


def _is_best(row: NetworkResult, result: ComparisonResult) -> bool:
    return row["label"] == result["best_label"]


def _chart(rows: list[NetworkResult], name: Quantity, title: str, unit: str, y_format: charts.Format) -> View | None:
    """One quantity of the history; None where no network has it."""
    longest = max(rows, key=lambda row: len(row["history"]["epoch"]), default=None)
    if longest is None:
        return None
    epochs = longest["history"]["epoch"]
    series = []
    for number, row in enumerate(rows):
        values = row["history"].get(name) or []
        padded: list[float | None] = [*values, *[None] * (len(epochs) - len(values))]
        series.append(charts.Series(letter(number), number % COLOURS, padded))
    if not any(value is not None for item in series for value in item.values):
        return None
    formatted = percent if unit == "error rate" else (lambda value: "-" if value is None else f"{value:.4f}")
    return {
        "title": title,
        "svg": charts.lines(series, epochs, ("epoch", unit), y_format),
        **_values(rows, series, epochs, [f"epoch {epoch}" for epoch in epochs], formatted),
    }


def _rate(rows: list[NetworkResult], schedules: dict[str, RateCurve]) -> View | None:
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
    rows: list[NetworkResult], series: list[charts.Series], xs: Sequence[float], names: list[str], formatted: Any
) -> View:
    """The numbers behind a chart: for its tooltip as JSON, and as a table."""
    written = [[formatted(value) for value in item.values] for item in series]
    columns = [
        {"letter": item.letter, "colour": item.colour, "values": values}
        for item, values in zip(series, written, strict=True)
    ]
    step = max(1, -(-len(xs) // MOST_ROWS))
    shown = sorted({*range(0, len(xs), step), len(xs) - 1})
    return {
        "data": {"places": names, "series": columns},
        "head": [
            {"letter": item.letter, "label": row["label"] if item.letter else "all networks"}
            for item, row in zip(series, rows, strict=False)
        ],
        "table": [[names[k], *(values[k] for values in written)] for k in shown],
        "left_out": len(xs) - len(shown),
    }


def _carried_over(rows: list[NetworkResult]) -> View:
    """How errors on training, validation and test images lie to each other."""
    shown: list[charts.Carried] = []
    for number, row in enumerate(rows):
        trained = row["history"]["train_error"][-1] if row["history"].get("train_error") else None
        values = [trained, row["validation_error"], row["test_error"]]
        said = ", ".join(f"{name} {percent(value)}" for name, value in zip(KINDS, values, strict=True))
        words = f"{letter(number)}  {isolated(row['label'])}: {said}"
        shown.append(charts.Carried(letter(number), number % COLOURS, row["label"], values, words))
    return {
        "svg": charts.carried_over(shown, KINDS),
        "table": [[row.letter, row.label, *(percent(value) for value in row.values)] for row in shown],
    }
