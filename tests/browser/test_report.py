"""The report in headless Chromium, at two widths, light and dark: nothing fails, overflows, asks a server or shuts out.

Needs Chromium, Node.js and `npm ci` in this folder; where CONVLET_BROWSER_TESTS is `required`, as in CI, they must be there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from convlet.findings.findings import findings
from convlet.report.page import render
from tests.report.page import made

HERE = Path(__file__).parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = [
    name
    for name, there in (
        ("Chromium", CHROMIUM),
        ("Node.js", shutil.which("node")),
        ("tests/browser/node_modules", (HERE / "node_modules").is_dir()),
    )
    if not there
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What the browser says about two pages: a comparison with a second data set, and one network on grey digits."""
    if MISSING and os.environ.get("CONVLET_BROWSER_TESTS") == "required":
        pytest.fail(f"not there: {', '.join(MISSING)}")
    if MISSING:
        pytest.skip(f"not there: {', '.join(MISSING)}")
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVLET_BACKEND", "reference")
        data, other = made.dataset(test=120), made.dataset("other", shape=(9, 8, 3), count=24)
        words = ("conv4-relu-pool", "pool-conv4-relu", "dense6-tanh")
        models = [made.model(data, word, seed) for seed, word in enumerate(words)]
        result = made.result_of(data, models)
        second = made.model(other, result["best"])
        result["then"] = {"data": other.describe(), **made.row(second, other, result["best"])}
        both = findings(result, data, [*models, second], other)
        digits = made.dataset("digits", tuple("0123456789"), (8, 8, 1), 200, 300)
        alone = made.found(digits, ("conv4-relu-pool",), epochs=1)[1]
    paths = []
    for name, found in (("both", both), ("alone", alone)):
        (folder / f"{name}.html").write_text(render(found))
        paths.append(str(folder / f"{name}.html"))
    done = subprocess.run(["node", HERE / "look.mjs", CHROMIUM, *paths], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), {"both": both, "alone": alone}


def test_the_console_is_silent_and_no_server_is_asked(seen):
    for view in seen[0]:
        assert view["messages"] == []
        assert view["requests"] == []


def test_nothing_overflows(seen):
    for view in seen[0]:
        assert view["too_wide"] == {"page": 0, "elements": []}, (view["width"], view["scheme"])


def test_axe_finds_no_serious_fault(seen):
    checked = [view for view in seen[0] if "accessibility" in view]
    assert {(view["width"], view["scheme"]) for view in checked} == {(1440, "light"), (390, "dark")}
    for view in checked:
        assert view["accessibility"] == [], (view["path"], view["width"], view["scheme"])


def test_a_cell_shows_exactly_its_images(seen):
    views, pages = seen
    for view in views:
        for item in view.get("cells", ()):
            test = pages[Path(view["path"]).stem]["studies"][int(item["study"][1:])]["of_test"]
            row, column = map(int, item["cell"].split("-"))
            wanted = np.flatnonzero((test["labels"] == row) & (test["predicted"] == column))
            assert sorted(item["shown"]) == wanted.tolist()
            assert item["count"] == len(wanted) > 0
            assert item["drawn"]
            assert item["current"] == 1
    opened = {
        (Path(view["path"]).stem, item["study"], item["cell"]) for view in views for item in view.get("cells", ())
    }
    for name, page in pages.items():
        for number, study in enumerate(page["studies"]):
            matrix = np.array(study["of_test"]["confusion_matrix"])
            wanted = {(name, f"s{number}", f"{row}-{column}") for row, column in np.argwhere(matrix)}
            assert wanted <= opened


def test_keyboard_and_pointer(seen):
    both, alone = (view["behaviour"] for view in seen[0] if "behaviour" in view)
    assert both["first_stop"] == "Skip to the results"
    assert "epoch 3" in both["tip"]
    assert "0.5" in both["tip"]
    assert both["tip_gone"]
    assert "epoch" in both["hovered"]
    assert both["arrow"] == both["opened"]
    assert both["arrow"] != "0-0"
    assert both["stops"] == 2  # one in each matrix
    assert both["rate"].strip().replace(".", "").isdigit()
    assert both["panels"] == [2] * 8  # one class at a time, in each study
    assert alone["panels"] == [1] * 10
    assert both["curves"][1] == both["curves"][0] - 4  # one network less in each of four charts
    assert len(set(both["grounds"])) == 2
