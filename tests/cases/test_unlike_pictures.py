"""Pictures unlike the training images: drawn by hand, of another range, of nothing known; what is said, and what helps."""

from __future__ import annotations

import csv
import json
import warnings

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from convlet import ConvNetClassifier
from convlet.cli.main import main
from convlet.data import pictures
from convlet.model import model_file
from convlet.model.model import Model
from tests.cases import drawn, toy


@pytest.fixture(scope="module")
def model():
    return drawn.model()


@pytest.fixture(scope="module")
def file(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    model_file.save(model, path)
    return path


def predicted(capsys, *arguments):
    """The rows of `predict --json`, and what it said on the error stream."""
    assert main(["predict", *map(str, arguments)]) == 0
    return capsys.readouterr().err


def plain(model: Model, picture):
    """A picture as it would be resized without being prepared: (1, H, W, C)."""
    image = Image.fromarray(picture).convert("L").resize((28, 28), Image.Resampling.BOX)
    return np.asarray(image)[None, ..., None]


def saved(folder, style, seed=0):
    folder.mkdir(exist_ok=True)
    for digit in range(10):
        Image.fromarray(drawn.brought(digit, style, seed)).save(folder / f"{digit}-{style}.png")
    return folder


@pytest.mark.parametrize("style", drawn.STYLES)
@pytest.mark.parametrize("seed", range(2))
def test_digits_that_people_draw_are_read_once_prepared_and_warned_of_before(model, style, seed):
    right, warned = 0, 0
    for digit in range(10):
        picture = drawn.brought(digit, style, seed)
        warned += bool(model.unlike(plain(model, picture))[0])
        right += int(model.predict(model.prepare(picture)[None])[0]) == digit
    assert right >= 9
    assert warned == 10


def test_digits_like_the_training_images_are_left_as_they_are(model):
    images = drawn.digits(30, 5).images
    assert sum(map(bool, model.unlike(images))) <= 3
    changed = [not np.array_equal(model.prepare(image), image) for image in images]
    assert sum(changed) <= 3


def test_predict_says_it_and_prepare_mends_it(capsys, tmp_path, file):
    folder, out = saved(tmp_path / "paint", "paint"), tmp_path / "out.json"
    said = predicted(capsys, file, folder, "--json", out)
    assert said == (
        "convlet: warning: 10 of 10 pictures are unlike the training images, so their classes may be wrong; "
        "try --prepare auto\n"
    )
    rows = json.loads(out.read_text())
    assert sum(row["class"] == row["image"][-11] for row in rows) <= 3
    assert all(row["unlike"][0] == "dark on light, but the training images are light on dark" for row in rows)
    assert all(row["unsure"] for row in rows)
    assert predicted(capsys, file, folder, "--prepare", "auto", "--json", out) == ""
    rows = json.loads(out.read_text())
    assert sum(row["class"] == row["image"][-11] for row in rows) >= 9
    assert rows[0]["prepared"] == ["ground taken away", "inverted", "cut out", "scaled", "centred"]
    assert np.array(rows[0]["seen"]).shape == (28, 28)


@pytest.mark.parametrize("scale", ["/255", "0/1", "inverted", "other"])
def test_the_estimator_warns_of_another_scale_in_one_line(scale):
    X, y = toy.arrays(40)
    clf = ConvNetClassifier("conv8-relu-pool", epochs=6, random_state=0, n_jobs=1).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clf.score(X, y) > 0.9
    given, message = {
        "/255": (
            (X / 255).astype(np.float32),
            "values from 0 to 1, but the training images have 0 to 255: compute x * 255",
        ),
        "0/1": (
            (X > 127).astype(np.uint8),
            "values from 0 to 1, but the training images have 0 to 255: compute x * 255",
        ),
        "inverted": (255 - X, "dark on light, but the training images are light on dark"),
        "other": (X * 257.0, "values from 0 to 65535, but the training images have 0 to 255: compute x / 257"),
    }[scale]
    with pytest.warns(UserWarning, match="^X: ") as caught:
        clf.predict(given)
    assert len(caught) == 1
    assert str(caught[0].message).endswith(message)
    if scale == "/255":
        assert clf.score(given * 255, y) == clf.score(X, y)


def unknown_pictures():
    """Pictures of no digit: five kinds."""
    rng = np.random.default_rng(0)
    yield "noise", rng.integers(0, 256, (28, 28), np.uint8)
    yield "blank", np.zeros((28, 28), np.uint8)
    yield "white", np.full((28, 28), 255, np.uint8)
    yield "board", (np.indices((28, 28)).sum(axis=0) // 4 % 2 * 255).astype(np.uint8)
    yield "ramp", np.linspace(60, 200, 784).reshape(28, 28).astype(np.uint8)
    yield "stripes", np.repeat(np.arange(28) // 3 % 2 * 255, 28).reshape(28, 28).astype(np.uint8)
    for letter in "AKMX":
        image = Image.new("L", (28, 28))
        ImageDraw.Draw(image).text((14, 14), letter, 255, ImageFont.load_default(20), anchor="mm")
        yield f"letter-{letter}", np.asarray(image)


def test_pictures_of_nothing_known_are_rejected_and_digits_are_kept(capsys, tmp_path, file):
    folder, out, table = tmp_path / "unknown", tmp_path / "out.json", tmp_path / "out.csv"
    folder.mkdir()
    for name, pixels in unknown_pictures():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    predicted(capsys, file, folder, "--reject-error", "0.01", "--json", out, "--csv", table)
    rows = {row["image"].rpartition("/")[2]: row for row in json.loads(out.read_text())}
    for name in ("noise", "blank", "white", "board", "ramp", "stripes"):
        assert rows[f"{name}.png"]["class"] is None
        assert "rejected: unlike the training images" in rows[f"{name}.png"]["notes"]
    assert sum(row["class"] is None for row in rows.values()) >= 8
    with table.open(newline="") as lines:
        assert all(
            row["class"] == (rows[row["path"].rpartition("/")[2]]["class"] or "") for row in csv.DictReader(lines)
        )
    for number, image in enumerate(drawn.digits(10, 8).images):
        Image.fromarray(image[..., 0]).save(folder / f"digit-{number}.png")
    predicted(capsys, file, folder / "digit*.png", "--reject-error", "0.01", "--json", out)
    assert sum(row["class"] is not None for row in json.loads(out.read_text())) >= 97


def test_below_a_confidence_no_class_is_named(capsys, tmp_path, file):
    folder, out = saved(tmp_path / "corner", "corner"), tmp_path / "out.json"
    predicted(capsys, file, folder, "--reject", "0.95", "--json", out)
    rows = json.loads(out.read_text())
    assert [row["class"] is None for row in rows] == [row["probability"] < 0.95 for row in rows]
    first = next(row for row in rows if row["class"] is None)
    assert first["notes"][0] == f"rejected: {100 * first['probability']:.1f} % is below 95 %"
    assert first["top"][0]["probability"] == first["probability"]


def test_names_in_other_alphabets_reach_table_and_terminal(capsys, tmp_path):
    names = ("دائرة", "वर्ग", "十字 <b>&")
    place = toy.folder(tmp_path / "data", 12, classes=names)
    run, table = tmp_path / "run", tmp_path / "out.csv"
    assert main(["train", str(place), "-a", "pool-conv4-relu", "--epochs", "2", "--output", str(run), "--quiet"]) == 0
    capsys.readouterr()
    assert main(["predict", str(run), str(place / names[2]), "--csv", str(table), "--all"]) == 0
    shown = capsys.readouterr().out
    with table.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0])[3:] == sorted(names)
    assert len(rows) == 12
    for row in rows:
        assert row["class"] in names
        assert row["path"] in shown
        assert row[row["class"]] == row["probability"] == max(row[name] for name in names)


def test_a_model_keeps_how_its_pictures_were_read(tmp_path, capsys):
    place = tmp_path / "data"
    rng = np.random.default_rng(0)
    for number in range(40):
        kind = toy.CLASSES[number % 2]
        deep = toy.picture(kind, rng, side=16).astype(np.uint16) * 4 + 100
        toy.save(deep, place / kind / f"{number}.png")
    run = tmp_path / "run"
    arguments = ["--epochs", "3", "--size", "12x12", "--output", str(run), "--quiet"]
    assert main(["train", str(place), "-a", "conv4-relu-pool", *arguments]) == 0
    model = model_file.load(run / "model.safetensors")
    assert (model.rules.size, model.rules.offset, model.rules.scale) == ((12, 12), 100, 1020)
    out = tmp_path / "out.json"
    predicted(capsys, run, place / "bar", "--json", out)
    assert not any(row["unlike"] for row in json.loads(out.read_text()))
    capsys.readouterr()
    assert main(["evaluate", str(run), str(place), "--json", str(out)]) == 0
    assert json.loads(out.read_text())["unlike"] is None


def test_pictures_module_reads_what_the_tests_save(tmp_path):
    folder = saved(tmp_path / "thin", "thin")
    assert pictures.read(folder / "3-thin.png").shape == (200, 300, 1)


def test_evaluate_says_what_rejecting_leaves_and_what_is_unlike(capsys, tmp_path, file):
    test, out = drawn.digits(40, 9), tmp_path / "out.json"
    names = np.array(list(map(str, range(10))))
    for name, images in (("like", test.images), ("inverted", 255 - test.images)):
        np.savez(tmp_path / f"{name}.npz", images=images, labels=names[test.labels])
    assert main(["evaluate", str(file), str(tmp_path / "like.npz"), "--reject-error", "0.01", "--json", str(out)]) == 0
    shown, found = capsys.readouterr().out, json.loads(out.read_text())
    assert "coverage against error, if images below a confidence are rejected" in shown
    assert found["unlike"] is None
    assert found["rejected"]["coverage"] > 0.9
    assert found["rejected"]["error"] <= 0.01
    kept = [row["kept"] for row in found["coverage"]]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == found["images"]
    assert (
        main(["evaluate", str(file), str(tmp_path / "inverted.npz"), "--reject-error", "0.01", "--json", str(out)]) == 0
    )
    shown, found = capsys.readouterr().out, json.loads(out.read_text())
    assert found["unlike"] in shown
    assert "dark on light, but the training images are light on dark" in found["unlike"]
    assert found["rejected"] == {"threshold": 0.0, "unlike": True, "kept": 0, "coverage": 0.0, "error": None}
