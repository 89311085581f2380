"""Timing in turn, spreads and ratios, and tables that find their place."""

from __future__ import annotations

import json
import sys

import pytest

import measure
from measure import Spread, Table, interleaved, number, options, percent, write_block


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0042, "0.004"),
        (0.094, "0.094"),
        (0.1, "0.10"),
        (9.5, "9.50"),
        (12.34, "12.3"),
        (1234.5, "1,234"),
        (0, "0.000"),
    ],
)
def test_numbers_keep_about_three_figures(value, text):
    assert number(value) == text


def test_a_spread_shows_its_median_least_and_most():
    own = Spread((0.003, 0.001, 0.002))
    assert own.shown(1e3) == "2.00 (1.00-3.00)"
    assert own.as_dict() == {"median": 0.002, "least": 0.001, "most": 0.003, "runs": [0.003, 0.001, 0.002]}


def test_a_ratio_is_that_of_the_medians_and_its_spread_that_of_the_runs():
    ratio = Spread((6.0, 2.0, 4.0)) / Spread((1.0, 2.0, 4.0))
    assert ratio.median == 2.0
    assert ratio.runs == (6.0, 1.0, 1.0)
    assert ratio.shown() == "2.00 (1.00-6.00)"


def test_shares_as_percent():
    assert percent([0.99, 0.98, 1.0]) == "99.00 (98.00-100.00)"


def test_sides_are_taken_in_turn():
    calls = []
    sides = {name: lambda name=name: calls.append(name) for name in "abc"}
    times = interleaved(sides, runs=4, seconds=0.0)
    assert list(times) == ["a", "b", "c"]
    assert all(len(own.runs) == 4 and all(seconds > 0 for seconds in own.runs) for own in times.values())
    # one call each at first, then in each run one unmeasured and one measured call of each side
    assert "".join(calls) == "abc" + "aabbcc" + "bbccaa" + "ccaabb" + "aabbcc"


def test_a_table_is_printed_kept_and_written(tmp_path, monkeypatch, capsys):
    results, file = tmp_path / "RESULTS.md", tmp_path / "figures.json"
    results.write_text("above\n<!-- things -->\nold\n<!-- /things -->\nbelow\n")
    monkeypatch.setattr(measure, "RESULTS", results)
    monkeypatch.setattr(sys, "argv", ["benchmarks/thing.py", "--threads", "1", "--json", str(file), "--write", "a b"])
    parser = options("A thing.")
    parser.add_argument("name")
    table = Table("things", ("name", "figure"), parser.parse_args(), ["numpy", "nosuch"], {"batch": 3})
    table.row(["a b", 4], name="a b", figure=Spread((4.0,)), other={"x": Spread((1.0,))}, none=None)
    table.note("A note.", noted=7)
    table.done()

    text = results.read_text()
    assert text.startswith("above\n<!-- things -->\n\n    python benchmarks/thing.py --threads 1 'a b'\n\n")
    assert "1 thread, batch 3" in text
    assert "nosuch not installed" in text
    assert text.endswith("| name | figure |\n|---|---|\n| a b | 4 |\n\nA note.\n\n<!-- /things -->\nbelow\n")
    assert "| a b | 4 |" in capsys.readouterr().out
    kept = json.loads(file.read_text())
    assert (kept["table"], kept["threads"], kept["batch"], kept["noted"]) == ("things", 1, 3, 7)
    assert kept["rows"][0]["figure"] == {"median": 4.0, "least": 4.0, "most": 4.0, "runs": [4.0]}
    assert kept["rows"][0]["other"]["x"]["runs"] == [1.0]
    assert {"machine", "versions", "load", "command"} <= set(kept)


def test_a_block_that_is_not_there_is_refused(tmp_path):
    path = tmp_path / "RESULTS.md"
    path.write_text("<!-- things -->\n<!-- /things -->\n<!-- other -->\n")
    for name in ("nothing", "other"):
        with pytest.raises(SystemExit) as caught:
            write_block(name, "text", path)
        assert str(caught.value) == f"{path}: expected one '<!-- {name} -->' and one '<!-- /{name} -->'"
    assert "text" not in path.read_text()
