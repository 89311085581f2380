"""Plots are well-formed and keep their points on the paper."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from plot import HEIGHT, WIDTH, Panel, short, svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    "lines",
    [
        {"a": [(1, 5.0)]},
        {"a": [(1, 5.0), (2, 5.0)]},
        {"a": [(1, 1e-3), (1e6, 1e6)], "b & c": [(10, 7.0), (2e5, 0.2)]},
        {"a": [(2**k, 3.0**k) for k in range(12)]},
    ],
)
def test_points_stay_inside(lines):
    panels = [Panel("title <1>", "x", "y & z", lines)] * 4
    root = ElementTree.fromstring(svg(panels, 'said "so"'))
    assert root.get("viewBox") == f"0 0 {3 * WIDTH} {2 * HEIGHT}"
    assert root.get("aria-label") == 'said "so"'
    circles = list(root.iter(f"{SVG}circle"))
    assert len(circles) == 4 * sum(map(len, lines.values()))
    for circle in circles:
        assert 0 < float(circle.get("cx")) < WIDTH
        assert 0 < float(circle.get("cy")) < HEIGHT
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count("title <1>") == 4
    assert ("b & c" in texts) == (len(lines) > 1)


def test_larger_values_stand_higher_and_further_right():
    root = ElementTree.fromstring(svg([Panel("t", "x", "y", {"a": [(1, 2.0), (10, 30.0)]})], "about"))
    low, high = root.iter(f"{SVG}circle")
    assert float(low.get("cx")) < float(high.get("cx"))
    assert float(low.get("cy")) > float(high.get("cy"))


def named(panel):
    return [text.text for text in ElementTree.fromstring(svg([panel], "about")).iter(f"{SVG}text")]


def test_points_or_round_numbers_are_named():
    line = {"a": [(3, 6.0), (41, 8.0)]}
    assert {"3", "41"} <= set(named(Panel("t", "x", "y", line)))
    texts = named(Panel("t", "x", "y", line, every=False))
    assert {"5", "10", "20"} <= set(texts)
    assert not {"3", "41"} & set(texts)
    assert {"6", "7", "8", "9"} <= set(texts)  # of y, which has too few of 1, 2 and 5


@pytest.mark.parametrize(
    ("value", "text"), [(16, "16"), (1024, "1024"), (5000, "5k"), (20000, "20k"), (1e6, "1M"), (0.25, "0.25")]
)
def test_short_numbers(value, text):
    assert short(value) == text
