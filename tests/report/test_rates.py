"""A learning-rate range test as a terminal shows it."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from convlet.report.rates import print_rates

RATES = [10 ** (k / 10 - 4) for k in range(31)]
LOSSES = [2.0] * 10 + [2.0 - 0.1 * k for k in range(15)] + [0.7, 0.9, 1.5, 3.0, 6.0, 12.0]


def shown(width, encoding="utf-8", rates=RATES, smoothed=LOSSES, suggestion=0.01):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    scan = SimpleNamespace(rates=rates, smoothed=smoothed, suggestion=suggestion)
    print_rates(scan, "a title", Console(file=file, width=width, color_system=None))
    file.flush()
    return raw.getvalue().decode(encoding).splitlines()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_plot_fits_and_names_its_ends(width):
    lines = shown(width)
    assert lines[0] == "a title"
    assert lines[1] == "loss, smoothed, of 31 steps over their learning rate"
    plot = lines[2:12]
    assert all(len(line) == min(width, 100) for line in plot)
    assert plot[0].startswith("     2.2 ")
    assert plot[-1].startswith("     0.6 ")
    assert lines[12].split() == ["1e-04", "0.1"]
    assert len(lines[12]) == min(width, 100)


def test_the_suggestion_is_marked_and_said():
    lines = shown(80)
    place = 9 + round(2 / 3 * 70)
    assert [line[place] for line in lines[2:5]] == ["│", "│", "│"]
    assert lines[-2:] == [
        "lowest loss 0.6000 at a learning rate of 0.025",
        "suggestion, for the peak of a schedule: --learning-rate 0.01",
    ]


def test_where_there_is_no_braille_there_is_no_plot():
    assert len(shown(80, "ascii")) == 3


def test_a_scan_of_nothing():
    assert shown(80, rates=[], smoothed=[], suggestion=1e-6)[-1].endswith("--learning-rate 1e-06")
