"""The live view: curves in braille, and when there is none."""

from __future__ import annotations

import io
import threading
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from convlet.report import live
from convlet.report.braille import characters, dots
from convlet.report.progress import LiveProgress, LiveStages


def state(step, loss):
    return SimpleNamespace(
        epoch=1, epochs=1, step=step, steps=10, loss=loss, images_per_second=1234.0, seconds_left=75.0
    )


@pytest.fixture(autouse=True)
def _colour(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def view_of(width=80, height=30, losses=(2.0, 1.0, 0.5, 0.1), **more):
    text = io.StringIO()
    console = Console(file=text, width=width, height=height, force_terminal=True, **{"color_system": None, **more})
    with LiveProgress(console) as progress:
        progress.start("conv", 1, 2)
        for step, loss in enumerate(losses, start=1):
            progress.update(state(step, loss))
        shown = list(progress._view.__rich_console__(console, console.options))
    return [line.plain for line in shown]


def test_a_falling_line_goes_from_corner_to_corner():
    found = dots([0, 1], [1, 0], 0, 1, 2, 1)
    assert found.astype(int).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert characters(found) == ["⠑⢄"]


def test_a_line_has_no_gap_however_steep():
    found = dots([0, 0.5, 1], [0, 9, 0], 0, 9, 4, 5)
    columns = [np.flatnonzero(column) for column in found.T]
    for before, after in pairwise(columns):
        assert min(abs(int(a) - int(b)) for a in before for b in after) <= 1
    assert all(len(column) == np.ptp(column) + 1 for column in columns)


def test_what_lies_beyond_is_cut_and_an_unfinished_line_ends():
    found = dots([0, 0.5], [-5, 50], 0, 1, 4, 2)
    assert found[:, 5:].sum() == 0
    assert found[-1, 0]
    assert not dots([], [], 0, 1, 3, 2).any()


def test_the_curve_stands_below_the_bar():
    lines = view_of()
    assert len(lines) == 1 + live.CURVE_ROWS
    assert lines[0].startswith("[1/2] conv ━━━━━━━━ 1,234 images/s, loss 0.1000, 1 min 15 s left")
    assert lines[1].startswith("       2 ")
    assert lines[2].startswith("    loss ")
    assert lines[live.CURVE_ROWS].startswith("     0.1 ")
    assert all(len(line) <= 80 for line in lines)
    assert set(lines[1][9:]) > {chr(0x2800)}


@pytest.mark.parametrize(
    "more",
    [{"width": 50}, {"height": 10}, {"losses": (2.0,)}, {"losses": ()}],
    ids=["narrow", "low", "one point", "compiling"],
)
def test_without_room_or_points_there_is_the_bar_alone(more):
    (line,) = view_of(**more)
    assert line.startswith("[1/2")
    assert line.endswith("left" if more.get("losses", True) else "compiling")


def test_earlier_networks_stay_behind_the_one_that_trains():
    text = io.StringIO()
    console = Console(file=text, width=80, height=30, force_terminal=True, color_system="standard")
    with LiveProgress(console) as progress:
        for number in (1, 2):
            progress.start(f"net {number}", number, 2)
            for step, loss in enumerate((2.0, 1.0, 0.5), start=1):
                progress.update(state(step * (3 if number == 1 else 1), loss * number))
            if number == 1:
                progress.finish("done")
        rows = list(progress._view.__rich_console__(console, console.options))[1:]
    styles = {str(span.style) for row in rows for span in row.spans if row.plain[span.start] != chr(0x2800)}
    assert styles == {"cyan", "bright_black"}


@pytest.mark.parametrize("variable", [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_plain_lines_where_colour_is_not_wanted(monkeypatch, variable):
    monkeypatch.setenv(*variable)
    text = io.StringIO()
    with LiveProgress(Console(file=text, width=80, force_terminal=True)) as progress:
        progress.start("conv", 1, 1)
        progress.update(state(3, 1.0))
        progress.finish("done")
    assert text.getvalue() == "conv: done\n"


def test_a_long_training_keeps_a_bounded_curve():
    view = live.LiveView(Console(file=io.StringIO(), force_terminal=True))
    for step in range(3 * live.MOST_POINTS):
        view.update(step / 10_000, 1.0, "")
    assert len(view._curve) <= live.MOST_POINTS
    assert [x for x, _ in view._curve] == sorted(x for x, _ in view._curve)


def test_a_refused_thread_leaves_a_view_that_draws_itself(monkeypatch):
    def refused(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    text = io.StringIO()
    console = Console(file=text, width=80, height=30, force_terminal=True, color_system=None)
    with LiveProgress(console) as progress:
        progress.start("conv", 1, 1)
        progress.update(state(5, 0.25))
    assert "loss 0.2500" in text.getvalue()
    with LiveStages(console) as stages:
        stages.begin("measuring")
    assert text.getvalue().rindex("\x1b[?25h") > text.getvalue().rindex("\x1b[?25l")  # the cursor is shown again
