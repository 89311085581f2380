"""A network's layers as an HTML table, for notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

TITLES = ("layer", "output", "parameters", "multiply-adds")


def layers_table(rows: Sequence[Mapping[str, Any]], input_shape: tuple[int, ...]) -> str:
    """One row a layer, and their sum; numbers are per image.

    Parameters
    ----------
    rows : as `convlet.network.costs.describe` gives them for images of `input_shape` (H, W, C)
    """
    lines = [
        (
            row["token"],
            " x ".join(map(str, row["output_shape"])),
            f"{row['parameters']:,}",
            f"{row['multiply_adds']:,}",
        )
        for row in rows
    ]
    totals = (f"{sum(row[key] for row in rows):,}" for key in ("parameters", "multiply_adds"))
    head = "".join(f"<th>{title}</th>" for title in TITLES)
    body = "".join(_row(line) for line in (*lines, ("total", "", *totals)))
    images = " x ".join(map(str, input_shape))
    return f"<table><caption>images {images}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _row(cells: tuple[str, ...]) -> str:
    first, *numbers = (escape(cell) for cell in cells)
    right = "".join(f'<td style="text-align:right">{number}</td>' for number in numbers)
    return f'<tr><td style="text-align:left">{first}</td>{right}</tr>'
