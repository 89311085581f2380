"""Many images of one class, few of another: the headline says what the error hides."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from convlet.cli.main import main
from convlet.learning.settings import Settings
from convlet.network.word import parse, with_head
from convlet.training.loop import train
from tests.cases import toy


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """400 rings and 12 rings with a small dot, and a test folder of a fifth of them."""
    root, rng = tmp_path_factory.mktemp("uneven") / "data", np.random.default_rng(0)
    for part, share in (("train", 1), ("test", 5)):
        for name, count in (("good", 400), ("defect", 12)):
            for number in range(count // share):
                pixels = toy.picture("ring", rng).astype(int) + rng.normal(0, 30, (12, 12)).astype(int)
                if name == "defect":
                    y, x = rng.integers(1, 10, 2)
                    pixels[y, x] = 140
                toy.save(np.clip(pixels, 0, 255).astype(np.uint8), root / part / name / f"{number:03}.png")
    return root


def test_terminal_report_and_json_say_that_nothing_was_learned(place, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["train", str(place), "-a", "pool-conv4-relu", "--epochs", "1", "--output", str(run), "--quiet"]) == 0
    lines = [
        "baseline, always 'good': error 2.44 %, balanced error 50.00 %; the network's balanced error is 50.00 %",
        "worst class 'defect': recall 0.00 % of 2 images",
        "no better than always 'good'",
    ]
    shown, page = capsys.readouterr().out, (run / "report.html").read_text()
    for line in lines:
        assert line in shown
        assert line[1:].replace("'", "&#39;") in page
    headline = json.loads((run / "result.json").read_text())["result"]["headline"]
    assert headline["balanced_error"] == 0.5
    assert headline["baseline"] == pytest.approx({"class": "good", "error": 2 / 82, "balanced_error": 0.5})
    assert headline["worst"] == {"class": "defect", "recall": 0.0, "images": 2}
    assert headline["better_than_baseline"] is False
    out = tmp_path / "evaluate.json"
    assert main(["evaluate", str(run), str(place), "--json", str(out)]) == 0
    shown = capsys.readouterr().out
    assert all(line in shown for line in lines)
    assert json.loads(out.read_text())["headline"] == headline
    assert main(["compare", str(place), "pool-conv4-relu", "--epochs", "1", "--json", str(out), "--quiet"]) == 0
    assert lines[-1] in capsys.readouterr().out
    assert json.loads(out.read_text())["results"][0]["headline"] == headline


def two_classes(few, many, seed):
    """Dark images and, few of them, slightly lighter ones."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [many, few])
    images = rng.normal(100 + 14 * labels, 12, (6, 6, len(labels))).transpose(2, 0, 1)[..., None]
    return SimpleNamespace(images=np.clip(images, 0, 255).astype(np.uint8), labels=labels)


def balanced_error(model, data):
    wrong = model.predict(data.images) != data.labels
    return float(np.mean([wrong[data.labels == k].mean() for k in (0, 1)]))


def test_balanced_weights_stop_by_the_balanced_error_and_keep_its_best_epoch():
    settings = Settings(epochs=12, class_weights="balanced", patience=4, learning_rate=0.02, seed=2)
    assert settings.watched == "balanced-error"
    network, held_out = with_head(parse("conv2-relu-pool"), 2), two_classes(30, 300, 1)
    errors = []
    result = train(
        network, two_classes(12, 400, 0), held_out, classes=("good", "defect"), settings=settings,
        on_epoch=lambda end: errors.append(balanced_error(result_of(network, end, held_out), held_out)),
    )  # fmt: skip
    assert errors[result.best_epoch - 1] == min(errors)
    assert balanced_error(result.model, held_out) == pytest.approx(min(errors))
    assert min(errors) < 0.3


def result_of(network, end, data):
    """The model after an epoch."""
    from convlet.learning.preprocessing import Preprocessing
    from convlet.model.model import Model
    from convlet.network.word import format_word, without_head

    shown = Preprocessing.from_images(two_classes(12, 400, 0).images)
    form = (format_word(without_head(network)), data.images.shape[1:], ("good", "defect"), shown)
    return Model(*form, *end.vectors(), Settings().as_dict())


@pytest.mark.parametrize("monitor", ["loss", "error", "balanced-error"])
def test_the_best_epoch_is_kept_if_that_is_asked_for(monitor):
    network, held_out = with_head(parse("conv2-relu-pool"), 2), two_classes(40, 60, 1)
    settings = Settings(epochs=8, learning_rate=0.1, schedule="constant", monitor=monitor, keep="best")
    given = (network, two_classes(40, 60, 0), held_out)
    best = train(*given, classes=("a", "b"), settings=settings)
    last = train(*given, classes=("a", "b"), settings=settings.changed(keep="last"))
    assert len(best.history["epoch"]) == 8
    assert last.best_epoch == 8
    name = "loss" if monitor == "loss" else "error"
    column = best.history[f"validation_{name}"]
    if monitor != "balanced-error":
        assert column[best.best_epoch - 1] == min(column)
    assert best.validation_loss == best.history["validation_loss"][best.best_epoch - 1]


def test_too_few_test_pictures_are_said_and_nothing_is_computed(tmp_path, capsys):
    place, run = toy.folder(tmp_path / "data", 6), tmp_path / "run"
    assert main(["train", str(place), "-a", "pool-conv4-relu", "--epochs", "1", "--output", str(run), "--quiet"]) == 0
    assert " images are wrong; these are too few to say how good the network is" in capsys.readouterr().out
    headline = json.loads((run / "result.json").read_text())["result"]["headline"]
    assert headline["too_few"]
    assert headline["balanced_accuracy"] is None
