"""Pictures in a terminal."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from convlet.report import blocks
from convlet.report.confusion import cell_style
from convlet.report.evaluation import print_evaluation


def console_of(width=80, colour="truecolor", terminal=True):
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=colour, legacy_windows=False)


def printed(console, images, captions, side=blocks.SIDE):
    blocks.print_pictures(images, captions, console, side)
    return console.file.getvalue()


def test_each_half_block_holds_two_pixels():
    pixels = np.array([[[10, 20, 30]], [[40, 50, 60]], [[70, 80, 90]]], np.uint8)
    first, second = blocks.picture(pixels, console_of())
    assert (first.plain, second.plain) == ("▀", "▀")
    assert str(first.spans[0].style) == "rgb(10,20,30) on rgb(40,50,60)"
    assert str(second.spans[0].style) == "rgb(70,80,90) on rgb(0,0,0)"


def test_without_colour_there_are_shades():
    pixels = np.array([[0, 64, 128, 191, 255]] * 2, np.uint8)[..., None]
    (line,) = blocks.picture(pixels, console_of(colour=None))
    assert line.plain == blocks.SHADES


@pytest.mark.parametrize(("width", "rows"), [(80, 2), (200, 1), (20, 5)])
def test_as_many_stand_beside_each_other_as_fit(width, rows):
    images = np.full((5, 16, 20, 1), 200, np.uint8)
    text = printed(console_of(width, None), images, [(f"number {k}",) for k in range(5)])
    lines = text.splitlines()
    assert sum("number" in line for line in lines) == rows
    assert max(map(len, lines)) <= max(width, 20)
    assert len([line for line in lines if "▓" in line]) == 8 * rows


def test_small_pictures_are_enlarged_and_large_ones_averaged():
    small = printed(console_of(80, None), np.full((1, 8, 8, 1), 255, np.uint8), [("a",)])
    assert small.splitlines()[0] == "█" * 16
    large = printed(console_of(80, None), np.full((1, 96, 96, 3), 255, np.uint8), [("a",)])
    assert large.splitlines()[0] == "█" * 32


def test_captions_are_cut_and_plain():
    text = printed(console_of(80, None), np.zeros((1, 12, 12, 1), np.uint8), [("a\x1b[2J very long name",)])
    assert text.splitlines()[-1] == "a\\x1b[2J ve…"


def test_nothing_is_drawn_where_it_makes_no_sense(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert blocks.can_draw(console_of())
    assert not blocks.can_draw(console_of(terminal=False))
    monkeypatch.setenv("TERM", "dumb")
    assert not blocks.can_draw(console_of())


def test_cells_are_deeper_the_more_they_hold():
    assert cell_style(0, 100, False) == "bright_black"
    assert cell_style(100, 100, True) == "bold white on #1c60a0"
    reds = [int(cell_style(count, 11, False)[-6:-4], 16) for count in (1, 2, 5, 11)]
    assert reds == sorted(reds)
    assert reds[0] < reds[-1] == 176


def test_an_evaluation_draws_its_worst_mistakes_in_a_terminal_alone(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    row = {"image": 1, "label": "cat", "predicted": "dog", "probability": 0.9, "label_probability": 0.1}
    result = {"architecture": "conv8", "part": "test", "data": {"name": "tiny"}, "error": 0.5, "images": 2}
    result |= {
        "error_interval": [0.1, 0.9],
        "log_loss": 1.0,
        "calibration": {"expected_calibration_error": 0.5},
        "confusion_matrix": [[1, 1], [0, 0]],
    }
    result |= {"classes": ["cat", "dog"], "per_class": [], "worst": [row]}
    images = np.stack([np.zeros((12, 12, 1), np.uint8), np.full((12, 12, 1), 255, np.uint8)])
    for terminal in (True, False):
        console = console_of(80, None, terminal)
        print_evaluation(result, console, images)
        text = console.file.getvalue()
        assert ("█" * 12 in text) == terminal
        assert ("cat, not dog" in text) == terminal
