"""The page as text: everything is in it, every figure is the result's, nothing from data is read as markup."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from convlet.findings.findings import findings
from convlet.report import page
from convlet.report.numbers import count, interval, percent
from convlet.report.page import render
from convlet.report.page.gallery import Gallery
from convlet.report.page.scales import Scale, even_ticks, log_ticks
from convlet.report.page.study import STRONG_RIGHT, STRONG_WRONG
from convlet.report.page.words import made_plain, p_value
from tests.report.page import made


@pytest.fixture(autouse=True)
def _reference(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")


class Reader(HTMLParser):
    """Every element, every attribute, and the text outside of scripts and styles."""

    VOID = frozenset(("meta", "link", "img", "br", "hr"))

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.text, self.scripts, self.wrong = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif not self.open or self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self):
        return re.sub(r"\s+", " ", " ".join(self.text))


@pytest.fixture(scope="module")
def made_page():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVLET_BACKEND", "reference")
        result, found = made.found()
    text = render(found)
    return result, found, text, Reader(text)


def test_it_is_well_formed_and_asks_nobody(made_page):
    _, _, text, reader = made_page
    assert not reader.wrong
    assert not reader.open
    for _, attributes in reader.elements:
        for name in ("src", "href", "srcset", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), value
        assert not [name for name in attributes if name.startswith("on")]
    assert "http://" not in text
    assert "https://" not in text
    assert "@import" not in text
    policy = next(a["content"] for tag, a in reader.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-")


def test_names_from_data_are_text_and_nothing_else(made_page):
    result, _, text, reader = made_page
    assert made.SCRIPT not in text
    assert "<b>bold" not in text
    assert "<img src=x" not in text
    assert "\u202e" not in text
    for name in (made.SCRIPT, made.QUOTES, made.HEBREW, "safe\\u202egnp.exe", result["data"]["name"]):
        assert name in reader.words or re.sub(r"\s+", " ", name) in reader.words, name
    runnable = [
        s
        for s, (tag, a) in zip(reader.scripts, [e for e in reader.elements if e[0] == "script"], strict=True)
        if "type" not in a
    ]
    assert len(runnable) == 1
    assert "got in" not in runnable[0]
    data = json.loads(next(s for s in reader.scripts if s.startswith('{"classes"') or '"classes"' in s[:400]))
    assert data["classes"][:3] == [made.SCRIPT, made.QUOTES, made.HEBREW]


def test_the_script_is_the_one_the_policy_allows(made_page):
    import base64
    import hashlib

    _, _, text, _ = made_page
    script = text[text.rindex("<script>") + len("<script>") : text.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_every_figure_is_that_of_the_result(made_page):
    result, found, _, reader = made_page
    for row in result["results"]:
        for wanted in (
            *(percent(row["test_error"]), interval(row["test_error_interval"]), percent(row["validation_error"])),
            *(count(row["parameters"]), row["sha256"], row["label"]),
        ):
            assert wanted in reader.words, wanted
    test = found["studies"][0]["of_test"]
    for row in test["per_class"]:
        assert percent(row["precision"]) in reader.words
        assert percent(row["recall"]) in reader.words
    assert percent(test["calibration"]["expected_calibration_error"]) in reader.words
    assert f"{test['log_loss']:.4f}" in reader.words
    for wanted in (result["command"], result["data"]["fingerprint"], "one of ours"):
        assert wanted in reader.words
    for item in found["differences"]:
        assert f"{p_value(item['p_value'])}; {item['only_other']} : {item['only']}" in reader.words


def test_every_chart_has_its_values_as_a_table(made_page):
    _, _, text, reader = made_page
    figures = text.count('<figure class="chart')
    tables = text.count('<details class="values">')
    assert figures - tables == 2  # the two of the comparison stand beside the table of results
    for value in made.history(4)["validation_loss"]:
        assert f"{value:.4f}" in reader.words


def test_every_picture_has_a_name(made_page):
    _, _, _, reader = made_page
    for tag, attributes in reader.elements:
        if tag == "img":
            assert "alt" in attributes
        if tag == "svg" and attributes.get("aria-hidden") != "true":
            assert attributes["aria-label"]


def test_a_gallery_holds_the_images_of_each_cell(made_page):
    _, found, _, _ = made_page
    study = found["studies"][0]
    test = study["of_test"]
    gallery = Gallery.of("s0", study, 10**6)
    matrix = test["confusion_matrix"]
    for row in range(4):
        for column in range(4):
            assert gallery.shown(row, column) == (matrix[row][column], matrix[row][column])
            part = gallery.right if row == column else gallery.wrong
            first, shown, _ = part.cells.get(f"{row}-{column}", (0, 0, 0))
            numbers = part.numbers[first : first + shown]
            wanted = np.flatnonzero((test["labels"] == row) & (test["predicted"] == column))
            assert sorted(numbers.tolist()) == wanted.tolist()
            sure = test["probabilities"][numbers].max(axis=1)
            assert (np.diff(sure) >= 0).all() if row == column else (np.diff(sure) <= 0).all()


def test_a_gallery_that_must_be_small_keeps_mistakes_before_right_answers(made_page):
    _, found, _, _ = made_page
    study = found["studies"][0]
    whole = Gallery.of("s0", study, 10**6)
    wrong = whole.wrong.sheet.size
    small = Gallery.of("s0", study, wrong + whole.right.sheet.size // 3)
    assert len(small.wrong.numbers) == len(whole.wrong.numbers)
    assert 0 < len(small.right.numbers) < len(whole.right.numbers)
    for cell, (_, shown, total) in small.right.cells.items():
        assert 0 < shown <= total == whole.right.cells[cell][2]
    assert Gallery.of("s0", study, 0).sheets == []


def test_a_page_is_never_larger_than_it_may_be():
    data = made.dataset(shape=(40, 40, 3), count=40, test=900)
    trained = made.model(data, "pool")
    found = findings(made.result_of(data, [trained]), data, [trained])
    text = render(found)
    assert len(text.encode()) <= page.MOST_BYTES
    assert "So that this file stays small" in text


@pytest.mark.parametrize("words", [("conv4-relu-pool",), ("dense6-tanh", "gap")], ids=["one network", "no convolution"])
@pytest.mark.parametrize("epochs", [1, 30])
def test_other_comparisons_become_pages_too(words, epochs):
    data = made.dataset(classes=tuple(f"class {k}" for k in range(3)), shape=(8, 9, 1))
    _, found = made.found(data, words, epochs)
    reader = Reader(render(found))
    assert not reader.wrong
    assert ("Which network" in reader.words) == (len(words) > 1)
    assert ("took one epoch" in reader.words) == (epochs == 1)


def test_many_classes_float_images_and_no_mistakes():
    data = made.dataset(classes=tuple(f"class {k}" for k in range(70)), shape=(8, 8, 2), count=140, test=140)
    trained = made.model(data, "pool")
    data.test.labels[:] = trained.predict(data.test.images)
    reader = Reader(render(findings(made.result_of(data, [trained]), data, [trained])))
    assert "0 of 140 test images are wrong" in reader.words
    assert "There are none: every test image is right." in reader.words
    assert not any(a.get("class") == "confusion" for _, a in reader.elements)


def test_beside_the_curves_stands_how_final_errors_were_measured_and_what_stopped_early():
    data = made.dataset()
    result = made.result_of(data, [made.model(data, "pool")])
    (row,) = result["results"]
    row |= {"stopped": "stopped after 1 of 9 epochs", "settings": {"views": "shift1"}}
    words = Reader(render(findings(result))).words
    assert f"{row['label']} stopped after 1 of 9 epochs." in words
    assert (
        f"{row['label']} : its final errors are measured with test-time augmentation (shift1), its curves without, so "
        "a curve may end elsewhere than the final validation error."
    ) in words


def test_what_is_left_of_an_interrupted_run():
    data = made.dataset()
    result = made.result_of(data, [made.model(data, "pool")]) | {"missing": ["conv <8>"]}
    result["failed"] = [{"label": "wild", "error": "the loss is nan"}]
    words = Reader(render(findings(result))).words
    assert "Missing: conv <8>" in words
    assert "wild could not be trained: the loss is nan" in words
    nothing = result | {"results": [], "best": None, "best_label": None}
    assert "No network was finished" in Reader(render(findings(nothing))).words


@pytest.mark.parametrize(
    ("ticks", "wanted"),
    [
        (even_ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (even_ticks(0.012, 0.031), [0.015, 0.02, 0.025, 0.03]),
        (even_ticks(3, 3), [3]),
        (log_ticks(900, 120_000), [1000, 10_000, 100_000]),
        (log_ticks(0.5, 400), [1, 10, 100]),
    ],
)
def test_ticks_are_round(ticks, wanted):
    assert ticks == pytest.approx(wanted)


def test_a_scale_goes_from_end_to_end():
    for scale in (Scale(2, 10, 50, 450), Scale(2, 10, 50, 450, True)):
        assert (scale(2), scale(10)) == (50, 450)
    assert Scale(1, 100, 0, 200, True)(10) == pytest.approx(100)
    assert Scale(3, 3, 0, 100)(3) == 50


def test_texts_are_made_plain_wherever_they_stand():
    assert made_plain({"a\x1b": ["b\u202e", ("c", 1, None)]}) == {"a\\x1b": ["b\\u202e", ["c", 1, None]]}


@pytest.mark.parametrize(("value", "wanted"), [(0.0001, "p < 0.001"), (0.0177, "p = 0.018"), (0.5, "p = 0.50")])
def test_p_values(value, wanted):
    assert p_value(value) == wanted


def colours(css, *names):
    found = (re.search(f"--{name}:#([0-9a-f]{{3,6}})", css)[1] for name in names)
    return [
        np.array([int(text[k : k + 2], 16) for k in (0, 2, 4)]) for text in (t * 2 if len(t) == 3 else t for t in found)
    ]


def contrast(first, second):
    """Of two colours, as the accessibility guidelines of the web define it."""
    shares = (np.array([first, second]) / 255).clip(0, 1)
    linear = np.where(shares <= 0.03928, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    low, high = sorted(linear @ [0.2126, 0.7152, 0.0722])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("sheet", ["style.css", "dark.css"])
@pytest.mark.parametrize(("kind", "strong"), [("right", STRONG_RIGHT), ("wrong", STRONG_WRONG)])
def test_a_number_can_be_read_in_a_cell_of_any_fill(sheet, kind, strong):
    css = (page.TEMPLATES / sheet).read_text()
    ground, full, ink = colours(css, "bg", kind, "cell-ink")
    for fill in np.linspace(0, 1, 401):
        written = np.array([255, 255, 255]) if fill > strong else ink
        assert contrast(np.rint(full * fill + ground * (1 - fill)), written) >= 4.5, fill
