"""What `predict` accepts and refuses, in one line each."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from convlet.cli.main import main
from convlet.errors import SettingsError
from convlet.model import model_file
from convlet.model.predicting import Rejection, rejection
from tests.cases import drawn


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A model, and a folder of four digits with a damaged picture among them."""
    root = tmp_path_factory.mktemp("predicting")
    model_file.save(drawn.model(), root / "model.safetensors")
    (root / "new").mkdir()
    images = drawn.digits(1, 6).images
    for digit in (3, 1, 4, 5):
        Image.fromarray(images[digit][..., 0]).save(root / "new" / f"{digit}.png")
    (root / "new" / "2.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    return root


def run(capsys, *arguments):
    """Exit code, output and error output of `predict`."""
    code = main(["predict", *map(str, arguments)])
    came = capsys.readouterr()
    return code, came.out, came.err


def test_the_table_is_in_the_order_given(capsys, place, tmp_path):
    table, words = tmp_path / "out.csv", [place / "new" / f"{digit}.png" for digit in (5, 3, 4, 3)]
    assert run(capsys, place / "model.safetensors", *words, "--csv", table)[0] == 0
    with table.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["path"] for row in rows] == list(map(str, words))
    assert [row["class"] for row in rows] == ["5", "3", "4", "3"]
    assert list(rows[0]) == ["path", "class", "probability"]


def test_every_picture_that_cannot_be_read_is_named_or_left_out(capsys, place, tmp_path):
    (tmp_path / "more").mkdir()
    for name in ("a.png", "b.jpg"):
        (tmp_path / "more" / name).write_text("text")
    code, _, said = run(capsys, place / "model.safetensors", place / "new", tmp_path / "more")
    assert code == 2
    assert said.startswith("convlet: 3 of 7 pictures cannot be read; mend them, or go on with --skip-unreadable: ")
    assert all(name in said for name in ("2.png", "a.png", "b.jpg"))
    assert said.count("\n") == 1
    code, out, _ = run(capsys, place / "model.safetensors", place / "new", tmp_path / "more", "--skip-unreadable")
    assert code == 0
    assert "left out because they cannot be read: 3 pictures" in out
    assert run(capsys, place / "model.safetensors", tmp_path / "more", "--skip-unreadable")[0] == 2


def test_an_archive_is_read_as_its_folder_is(capsys, place, tmp_path):
    archive = tmp_path / "new.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for digit in (1, 3):
            file.write(place / "new" / f"{digit}.png", f"inner/{digit}.png")
    out = tmp_path / "out.json"
    assert run(capsys, place / "model.safetensors", archive, "--json", out)[0] == 0
    rows = json.loads(out.read_text())
    assert [(row["image"], row["class"]) for row in rows] == [
        (str(archive / "inner" / f"{k}.png"), str(k)) for k in (1, 3)
    ]


def test_pictures_that_lie_on_their_side_are_turned(capsys, place, tmp_path):
    Image.open(place / "new" / "4.png").transpose(Image.Transpose.TRANSPOSE).save(tmp_path / "side.png")
    out = tmp_path / "out.json"
    for more in ([], ["--prepare", "auto"]):
        run(capsys, place / "model.safetensors", tmp_path / "side.png", "--transpose", "--json", out, *more)
        assert json.loads(out.read_text())[0]["class"] == "4"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--reject", "1.5"], "--reject must be between 0 and 1, but got 1.5; give it as in --reject 0.95"),
        (["--reject", "nan"], "--reject must be between 0 and 1, but got nan; give it as in --reject 0.95"),
        (
            ["--reject-error", "0"],
            "--reject-error must be between 0 and 1, but got 0; give it as in --reject-error 0.01",
        ),
        (["--reject", "0.5", "--reject-error", "0.1"], "--reject and --reject-error were both given; give one of them"),
        (["--top", "0"], "--top must be a whole number from 1, but got 0"),
        (["--csv", "no/such/out.csv"], None),
        (["--prepare", "all"], None),
    ],
)
def test_options_that_cannot_be_used_are_one_line(capsys, place, arguments, message):
    code, out, said = run(capsys, place / "model.safetensors", place / "new" / "3.png", *arguments)
    assert (code, out, said.count("\n")) == (2, "", 1)
    if message is not None:
        assert said == f"convlet: {message}\n"


def test_a_model_without_validation_images_knows_no_threshold():
    model = drawn.model()
    bare = replace(model, training_images=replace(model.training_images, scores=None))
    for other in (bare, replace(model, training_images=None)):
        with pytest.raises(SettingsError) as caught:
            rejection(other, None, 0.01)
        assert str(caught.value) == (
            "--reject-error needs a threshold found on validation images, but this model has none; train it again with "
            "validation images, or give --reject 0.95"
        )
    assert rejection(model, 0.95, None) == Rejection(0.95, False)
    assert rejection(model, None, None) is None
    assert rejection(model, None, 0.01).unlike


def test_preparing_says_if_nothing_is_known(capsys, place, tmp_path):
    older = tmp_path / "older.safetensors"
    model_file.save(replace(drawn.model(), training_images=None), older)
    _, out, _ = run(capsys, older, place / "new" / "3.png", "--prepare", "auto")
    assert (
        "--prepare auto: the training images are not known, as in older model files, so pictures are only resized"
        in out
    )


def test_colours_and_sizes_are_noted(capsys, place, tmp_path):
    Image.fromarray(np.repeat(drawn.digits(1, 6).images[3], 3, axis=2).repeat(2, axis=0).repeat(2, axis=1)).save(
        tmp_path / "c.png"
    )
    out = tmp_path / "out.json"
    run(capsys, place / "model.safetensors", tmp_path / "c.png", "--json", out)
    row = json.loads(out.read_text())[0]
    assert row["notes"] == ["resized from 56x56 to 28x28", "made grey"]
    assert row["class"] == "3"
