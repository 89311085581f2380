"""What `predict` prints: on a terminal, off one, as a table and as JSON."""

from __future__ import annotations

import io

import numpy as np
from rich.console import Console

from convlet.report.prediction import as_csv, as_json, print_predictions

CLASSES = ("cat", "dog, old", "eel")


def row(**changes):
    form = {
        **{"image": "a.png", "class": "cat", "probability": 0.5, "probabilities": np.array([0.5, 0.2, 0.3])},
        **{"unsure": True, "notes": ["made grey"], "unlike": ["off-centre"]},
        **{"seen": np.full((12, 12, 1), 200, np.uint8), "prepared": ["scaled"]},
    }
    return {**form, **changes}


def printed(rows, seen=False, **console):
    out = io.StringIO()
    print_predictions(rows, Console(file=out, **console), seen=seen)
    return out.getvalue()


def test_off_a_terminal_no_line_is_wrapped():
    path = "a folder/" * 60 + "picture.png"
    rows = [as_json(row(image=path, notes=["a note " * 40]), CLASSES, 3, False), as_json(row(), CLASSES, 3, False)]
    lines = printed(rows, width=40).splitlines()
    assert len(lines) == 3
    assert lines[1].startswith(path)
    assert lines[2].endswith("cat 50.0%, eel 30.0%, dog, old 20.0%; off-centre; made grey")
    assert "cat (unsure)" in lines[2]
    assert not any(line.endswith(" ") for line in lines)


def test_a_rejected_picture_has_no_class():
    rejected = as_json(row(**{"class": None, "unsure": False}), CLASSES, 1, False)
    assert rejected["class"] is None
    assert rejected["top"] == [{"class": "cat", "probability": 0.5}]
    assert printed([rejected]).splitlines()[1].split()[1] == "none"


def test_a_terminal_draws_what_the_network_saw():
    rows = [as_json(row(), CLASSES, 3, True)]
    assert rows[0]["seen"] == [[200] * 12] * 12
    assert rows[0]["prepared"] == ["scaled"]
    shown = printed(rows, seen=True, width=100, force_terminal=True, color_system="truecolor", legacy_windows=False)
    assert "▀" in shown
    assert "▀" not in printed(rows, seen=True, width=100)


def test_colours_are_seen_as_triples():
    assert as_json(row(seen=np.zeros((1, 2, 3), np.uint8)), CLASSES, 3, True)["seen"] == [[[0, 0, 0], [0, 0, 0]]]


def test_the_table_quotes_and_keeps_the_order():
    rows = [("b, c.png", "dog, old", 0.75, [0.25, 0.75, 0]), ("a.png", None, 0.5, [0.5, 0.5, 0])]
    assert (
        as_csv(rows, CLASSES, False).decode()
        == 'path,class,probability\n"b, c.png","dog, old",0.750000\na.png,,0.500000\n'
    )
    assert as_csv(rows, CLASSES, True).decode().splitlines()[:2] == [
        'path,class,probability,cat,"dog, old",eel',
        '"b, c.png","dog, old",0.750000,0.250000,0.750000,0.000000',
    ]
