"""What objects show of themselves in a notebook."""

from __future__ import annotations

from html.parser import HTMLParser

import convlet as cv
from convlet.learning.settings import Settings
from convlet.training.loop import train
from tests.report.page import made


class Cells(HTMLParser):
    """The text of every cell, row by row; tags must be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.other = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        else:
            self.other.append(data)


def test_a_network_shows_its_layers():
    shown = Cells(cv.Sequential([cv.Conv(8), cv.ReLU(), cv.Dense(10)])._repr_html_())
    assert [row[1].partition("(")[0] for row in shown.rows] == ["layer", "Conv", "ReLU", "Dense"]
    assert shown.other == ["conv8-relu-dense10"]


def test_a_model_and_a_training_show_what_they_know(monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    data = made.dataset()
    model = made.model(data, "conv4-relu-pool")
    shown = Cells(model._repr_html_())
    assert ["conv4", "9 x 8 x 4", "112", "7,776"] in shown.rows
    assert made.SCRIPT in "".join(shown.other)
    settings = Settings(epochs=40, batch=30, threads=1)
    result = train(model.network, data.train, data.validation, classes=data.classes, settings=settings)
    rows = Cells(result._repr_html_()).rows
    assert rows[0] == ["epoch", "loss", "error", "validation loss", "validation error"]
    assert rows[1][1] == f"{result.history['train_loss'][0]:.4f}"
    epochs = [row[0] for row in rows[1 : rows.index(["layer", "output", "parameters", "multiply-adds"])]]
    assert epochs[0] == "1"
    assert epochs[-1] == "40"
    assert len(epochs) <= 13
    without = train(model.network, data.train, classes=data.classes, settings=Settings(epochs=1, threads=1))
    assert Cells(without._repr_html_()).rows[0] == ["epoch", "loss", "error"]
