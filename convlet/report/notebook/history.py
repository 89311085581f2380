"""The epochs of a training as an HTML table, for notebooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MOST_ROWS = 12
"""Epochs that are shown; of more, evenly chosen ones and the last."""

COLUMNS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("epoch", "epoch", str),
    ("train_loss", "loss", lambda value: f"{value:.4f}"),
    ("train_error", "error", lambda value: f"{100 * value:.2f} %"),
    ("validation_loss", "validation loss", lambda value: f"{value:.4f}"),
    ("validation_error", "validation error", lambda value: f"{100 * value:.2f} %"),
)
"""The name in the history, the title, and how a value is written."""


def history_table(history: Mapping[str, Any]) -> str:
    """One row an epoch; quantities that were not measured are left out."""
    shown = [item for item in COLUMNS if any(value is not None for value in history.get(item[0], ()))]
    count = len(history.get("epoch", ()))
    step = max(1, -(-count // MOST_ROWS))
    rows = sorted({*range(0, count, step), count - 1}) if count else []
    head = "".join(f"<th>{title}</th>" for _, title, _ in shown)
    body = "".join(
        f"<tr>{''.join(_cell(history[name][row], written) for name, _, written in shown)}</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any, written: Callable[[Any], str]) -> str:
    return f'<td style="text-align:right">{"-" if value is None else written(value)}</td>'
