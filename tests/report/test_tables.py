"""Tables word for word at fixed widths, and names from data that look like markup."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from convlet.report.comparison import print_comparison
from convlet.report.confusion import print_confusion
from convlet.report.evaluation import print_evaluation
from convlet.report.layers import print_layers
from convlet.report.progress import LiveProgress, LiveStages

MATRIX = [[40, 2], [1, 57]]


def row(label, word, error, **more):
    base = {"label": label, "architecture": word, "parameters": 15_770, "train_seconds": 1.24}
    figures = {"images_per_second": 98_765.4, "validation_error": error, "test_error": error + 0.001}
    return base | figures | {"test_error_interval": [0.01, 0.062], "confusion_matrix": MATRIX} | more


def result(**more):
    data = {"name": "tiny", "train_images": 1200, "validation_images": 100, "test_images": 100}
    data |= {"image_shape": [8, 8, 1], "classes": ["[red]cat", "dog"], "fingerprint": "0123456789abcdef" * 4}
    rows = [row("conv + pool", "conv8-pool", 0.03), row("conv + conv + pool", "conv8-conv8-pool", 0.02)]
    choice = {"best": "conv8-conv8-pool", "best_label": "conv + conv + pool"}
    return {"data": data, "results": rows, **choice, "then": None, "failed": [], "missing": []} | more


def shown(function, value, width):
    text = io.StringIO()
    function(value, Console(file=text, width=width, color_system=None))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def test_a_comparison_of_80_columns():
    assert shown(print_comparison, result(), 80) == (
        "tiny: 1,200 training, 100 validation, 100 test images, 8x8x1, 2 classes\n"
        "\n"
        "                                validation         test error\n"
        "  network            parameters      error    (95 % interval) seconds\n"
        "  conv + pool            15,770     3.00 % 3.10 % (1.00-6.20)     1.2\n"
        "* conv + conv + pool     15,770     2.00 % 2.10 % (1.00-6.20)     1.2\n"
        "\n"
        "best by validation error (*): conv + conv + pool (conv8-conv8-pool)\n"
        "3 of 100 test images wrong; rows: true class, columns: predicted class\n"
        "         [red]cat      dog\n"
        "[red]cat       40        2\n"
        "dog             1       57\n"
        "most frequent mistakes: [red]cat as dog (2), dog as [red]cat (1)"
    )


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_table_is_wider_than_the_terminal(width):
    rows = [row(label, label, 0.02) for label in ("conv + conv + conv + pool", "pool")]
    text = shown(print_comparison, result(results=rows, best_label="pool"), width)
    table = text.split("\n\n")[1]
    assert max(map(len, table.splitlines())) <= width


@pytest.mark.parametrize(
    ("p_value", "within", "text"),
    [
        (
            0.4178,
            True,
            "not significantly different from conv + pool, the runner-up (McNemar p = 0.42; 1,200 test images only it "
            "gets wrong, 13 only conv + pool)",
        ),
        (
            1.234e-7,
            False,
            "significantly different from conv + pool, the runner-up (McNemar p = 1.2e-07; 1,200 test images only it "
            "gets wrong, 13 only conv + pool)",
        ),
    ],
)
def test_the_difference_of_the_two_best(p_value, within, text):
    paired = {"other": "conv + pool", "only": 1200, "only_other": 13, "p_value": p_value, "within_chance": within}
    lines = shown(print_comparison, result(paired=paired), 300).splitlines()
    assert lines[lines.index("best by validation error (*): conv + conv + pool (conv8-conv8-pool)") + 1] == text


def test_repeats_then_and_missing():
    repeated = row("pool", "pool", 0.02, test_error_spread=0.0012, repeats=[1, 2, 3])
    then = row("pool", "pool", 0.1, data=result()["data"] | {"name": "other"})
    text = shown(print_comparison, result(results=[repeated], best_label="pool", then=then, missing=["conv"]), 100)
    assert "2.10 % ± 0.12 (1.00-6.20)" in text
    assert "best by validation error (*): pool, means of 3 seeds" in text
    assert "interrupted; missing: conv" in text
    assert "then pool on other\n1,200 training images, images' SHA-256 0123456789abcdef...; test error 10.10 %" in text


def test_nothing_finished():
    text = shown(print_comparison, result(results=[], best_label=None, missing=["a", "b"]), 80)
    assert text.endswith("interrupted; missing: a, b")


def test_an_evaluation():
    found = {
        "architecture": "conv8",
        "part": "test",
        "data": {"name": "tiny"},
        "error": 0.03,
        "images": 100,
        "error_interval": [0.01, 0.08],
        "log_loss": 0.1234,
        "calibration": {"bins": [], "expected_calibration_error": 0.0123},
        "confusion_matrix": MATRIX,
        "classes": ["cat", "dog"],
        "per_class": [{"class": "cat", "precision": 0.975, "recall": None, "images": 42}],
        "worst": [{"image": 7, "label": "cat", "predicted": "dog", "probability": 0.9, "label_probability": 0.1}],
    }
    assert shown(print_evaluation, found, 80) == (
        "conv8 on the test images of tiny\n"
        "error 3.00 % of 100 images (95 % interval 1.00 to 8.00 %)\n"
        "log-loss 0.1234; expected calibration error 1.23 % (mean gap between confidence and accuracy)\n"
        "\n"
        "3 of 100 test images wrong; rows: true class, columns: predicted class\n"
        "    cat dog\n"
        "cat  40   2\n"
        "dog   1  57\n"
        "most frequent mistakes: cat as dog (2), dog as cat (1)\n"
        "\n"
        "class precision recall images\n"
        "cat     97.50 %      -     42\n"
        "\n"
        "worst mistakes, most confident first\n"
        "image label predicted as confidence of label\n"
        "    7 cat   dog             90.00 %  10.00 %"
    )


def test_layers():
    rows = [{"token": "conv8", "output_shape": (28, 28, 8), "parameters": 80}]
    rows[0] |= {"activation_bytes": 25_088, "multiply_adds": 56_448}
    found = {"architecture": "conv8", "input_shape": [28, 28, 1], "layers": rows}
    assert shown(print_layers, found, 80) == (
        "conv8\n"
        "images 28 x 28 x 1\n"
        "layer                   output parameters activations multiply-adds\n"
        "conv8              28 x 28 x 8         80    24.5 KiB        56,448\n"
        "total for an image                     80    24.5 KiB        56,448\n"
        "parameters take 320 B"
    )


STATE = SimpleNamespace(epoch=2, epochs=3, step=5, steps=9, loss=0.5, images_per_second=1234.0, seconds_left=75.0)


def test_plain_lines_without_a_terminal(monkeypatch):
    clock = iter([0.0, 1.0, 11.0, 11.0])
    monkeypatch.setattr("convlet.report.progress.monotonic", lambda: next(clock))
    text = io.StringIO()
    with LiveProgress(Console(file=text, width=80)) as progress:
        progress.start("conv [8]", 1, 2)
        progress.update(STATE)
        progress.update(STATE)
        progress.finish("done")
    assert text.getvalue() == (
        "[1/2] conv [8]: epoch 2 of 3, 1,234 images/s, loss 0.5000, 1 min 15 s left\n[1/2] conv [8]: done\n"
    )


def test_a_bar_in_a_terminal():
    text = io.StringIO()
    with LiveProgress(Console(file=text, width=90, force_terminal=True, color_system=None)) as progress:
        progress.start("conv [8]", 1, 1)
        progress.update(STATE)
        progress._view.refresh()
        progress.finish("done")
    assert "1,234 images/s, loss 0.5000, 1 min 15 s left" in text.getvalue()
    assert "conv [8]: done" in text.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_bar_cuts_the_heading_and_never_the_time_left(width):
    text = io.StringIO()
    with LiveProgress(Console(file=text, width=width, force_terminal=True, color_system=None)) as progress:
        progress.start("conv + pool + conv + pool", 6, 6)
        progress.update(STATE)
        progress._view.refresh()
    lines = [line for line in re.split(r"[\r\n]|\x1b\[[0-9;?]*[a-zA-Z]", text.getvalue()) if "images/s" in line]
    assert lines
    for line in lines:
        assert line.startswith("[6/6]" if width < 120 else "[6/6] conv + pool + conv + pool ")
        assert line.rstrip().endswith("1,234 images/s, loss 0.5000, 1 min 15 s left")
        assert len(line) <= width


def test_quiet_says_nothing():
    text = io.StringIO()
    with LiveProgress(Console(file=text, width=80, force_terminal=True), quiet=True) as progress:
        progress.start("a", 1, 1)
        progress.update(STATE)
        progress.finish("done")
    assert text.getvalue() == ""


def test_stages_are_lines_now_and_then_without_a_terminal(monkeypatch):
    clock = iter([0.0, 1.0, 11.0, 11.0, 12.0])
    monkeypatch.setattr("convlet.report.progress.monotonic", lambda: next(clock))
    text = io.StringIO()
    with LiveStages(Console(file=text, width=80)) as stages:
        for name in ("one", "two", "three"):
            stages.begin(name)
    assert text.getvalue() == "two\n"


def test_a_stage_is_a_spinner_in_a_terminal_and_gone_afterwards():
    text = io.StringIO()
    with LiveStages(Console(file=text, width=80, force_terminal=True, color_system=None)) as stages:
        stages.begin("measuring [training]")
        stages._status._live.refresh()
    assert "measuring [training]" in text.getvalue()
    assert text.getvalue().endswith("\x1b[2K")


def test_class_names_that_do_not_fit_beside_each_other_are_written_downwards():
    matrix = [[900, 3, 0], [1, 800, 7], [0, 0, 10]]
    names = ["ankle boot", "bag", "T-shirt/top"]
    assert shown(lambda value, console: print_confusion(value, names, console), matrix, 30) == (
        "11 of 1,721 test images wrong; rows: true class, columns: predicted class\n"
        "                      T\n"
        "              a       -\n"
        "              n       s\n"
        "              k       h\n"
        "              l       i\n"
        "              e       r\n"
        "                      t\n"
        "              b       /\n"
        "              o   b   t\n"
        "              o   a   o\n"
        "              t   g   p\n"
        "ankle boot  900   3   .\n"
        "bag           1 800   7\n"
        "T-shirt/top   .   .  10\n"
        "most frequent mistakes: bag as T-shirt/top (7), ankle boot as bag (3), bag as ankle boot (1)"
    )


def test_a_better_recipe_that_was_not_tried_is_said():
    text = shown(print_comparison, result(untried=["standard"]), 200)
    assert "not tried: the recipe standard, which is usually better; try 'convlet train DATA --recipe standard'" in text


def test_what_ended_early_and_how_final_errors_were_measured_is_said():
    rows = [row("a", "conv8", 0.03, stopped="stopped after 4 of 9 epochs: ...")]
    rows += [row("b", "conv9", 0.04, settings={"views": "flip"})]
    text = shown(print_comparison, result(results=rows, best_label="a", settings={"views": ""}), 200)
    assert (
        "\n\na: stopped after 4 of 9 epochs: ...\n"
        "b: final errors are measured with test-time augmentation (flip), learning curves without\n"
        "best by validation error (*): a (conv8)\n"
    ) in text
