"""Copies and groups stay on one side of every split; copies between given parts are said."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from convlet import data
from convlet.cli.main import main
from convlet.data import guess
from convlet.errors import DataError
from convlet.report.numbers import percent
from tests.cases.toy import counts, folder, loaded, save
from tests.data.test_near import photographs
from tests.data.test_near import saved as near_copy


def leaky(root, kinds=12, copies=4):
    """Noise with classes that say nothing, each picture saved several times."""
    rng = np.random.default_rng(0)
    for name in ("benign", "malignant"):
        for k in range(kinds):
            pixels = rng.integers(0, 256, (8, 8), np.uint8)
            for copy in range(copies):
                save(pixels, root / name / f"patient{k:02}_{copy}.png")
    return root


def test_copies_stay_on_one_side(tmp_path):
    found, lines = loaded(leaky(tmp_path), validation=0.2)
    assert "  72 images are exact copies of others; copies stay on one side of every split" in lines
    shown = [{image.tobytes() for image in part.images} for _, part in found.parts]
    assert not shown[0] & shown[1]
    assert not shown[0] & shown[2]
    assert not shown[1] & shown[2]
    assert 16 <= len(found.test) <= 24
    assert set(found.test.labels) == set(found.validation.labels) == {0, 1}


def test_copies_between_given_parts_are_said(tmp_path):
    folder(tmp_path / "train", 4)
    folder(tmp_path / "test", 2)
    (tmp_path / "test" / "bar" / "9.png").write_bytes((tmp_path / "train" / "bar" / "003.png").read_bytes())
    (tmp_path / "test" / "bar" / "000.png").unlink()
    found, lines = loaded(tmp_path, validation=0)
    shared = found.describe()["reading"]["copies_in_test"]
    assert f"  {shared} of {len(found.test)} test images are training images too: its error is too low" in lines
    assert shared == found.test_copies.sum() >= 1
    assert found.test_copies[[name.endswith("9.png") for name in found.test.names]].all()


def test_the_error_without_copies_stands_beside_the_error(tmp_path, capsys):
    folder(tmp_path / "train", 6)
    shutil.copytree(tmp_path / "train", tmp_path / "test")
    folder(tmp_path / "test", 1, seed=3)  # the first of each class is another picture
    given = ["train", str(tmp_path), "-a", "conv2-relu-pool", "--epochs", "1", "--threads", "1"]
    assert main([*given, "--output", str(tmp_path / "run")]) == 0
    result = json.loads((tmp_path / "run" / "result.json").read_text())["result"]
    assert result["test_copies"] == 15
    said = f"15 test images are training images too; test error without them {percent(result['test_error_without_copies'])}"
    assert said in capsys.readouterr().out.splitlines()


def test_groups_between_given_parts_are_said(tmp_path):
    folder(tmp_path / "train", 4)
    folder(tmp_path / "test", 2, seed=1)
    found, lines = loaded(tmp_path, validation=0, group_pattern=r"(?P<group>\d+)\.png")
    assert "  2 groups of the test images have training images too: its error may be too low" in lines
    assert found.describe()["reading"]["groups_in_test"] == 2


def test_groups_by_a_pattern(tmp_path):
    folder(tmp_path, 12, write=lambda pixels, path: save(pixels, path.with_name(f"p{int(path.stem) // 3}_{path.name}")))
    found, lines = loaded(tmp_path, group_pattern=r"(?P<group>p\d+)_", validation=0.2)
    assert "  4 groups, each on one side of every split" in lines
    groups = [{name.rpartition("/")[2].partition("_")[0] for name in part.names} for _, part in found.parts]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    assert sum(counts(found)) == 36
    with pytest.raises(DataError) as caught:
        data.load(tmp_path, group_pattern="(?P<group>zebra)")
    assert str(caught.value) == "--group-pattern '(?P<group>zebra)': fits no picture, as bar/p0_000.png"


def test_sets_without_copies_are_split_as_ever(tmp_path):
    """The split of a set without copies and groups is the one of `splits.split`, which no release changed."""
    folder(tmp_path, 10)
    found, _ = loaded(tmp_path)
    assert counts(found) == [21, 3, 6]
    assert found.fingerprint() == loaded(tmp_path)[0].fingerprint()


@pytest.mark.parametrize(
    ("classes", "colour", "named", "kind"),
    [
        (("a", "b", "c"), False, True, guess.WRITING),
        (("0", "1", "2"), False, True, guess.WRITING),
        (("0", "1", "2"), False, False, guess.UNKNOWN),
        (("cat", "dog"), False, True, guess.UNKNOWN),
        (("cat", "dog"), True, True, guess.PHOTOGRAPHS),
        (("1", "10"), True, True, guess.UNKNOWN),
    ],
)
def test_what_images_show_is_guessed(classes, colour, named, kind):
    rng = np.random.default_rng(0)
    images = np.zeros((40, 16, 16, 1), np.uint8)
    images[:, 4:12, 6:9] = 255
    if colour:
        images = rng.integers(0, 256, (40, 16, 16, 3), np.uint8)
    assert guess.guess(images, np.arange(40) % len(classes), classes, named) == guess.Guess(kind)


def test_a_spectrogram_is_no_photograph():
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (40, 16, 16), np.uint8)
    mapped = np.stack([grey, 255 - grey, grey // 2 + 60], -1)
    assert guess.guess(mapped, np.arange(40) % 2, ("high", "low"), True).kind == guess.UNKNOWN
    long = rng.integers(0, 256, (40, 16, 50, 3), np.uint8)
    assert guess.guess(long, np.arange(40) % 2, ("high", "low"), True).kind == guess.UNKNOWN


@pytest.mark.parametrize(("kind", "recipes"), [("writing", "writing"), ("photographs", "objects"), ("unknown", "")])
def test_what_images_show_may_be_given(tmp_path, kind, recipes):
    folder(tmp_path, 4)
    found, lines = loaded(tmp_path, pictures=kind)
    assert found.pictures == recipes
    assert not any("a guess" in line for line in lines)
    with pytest.raises(DataError) as caught:
        data.load(tmp_path, pictures="paintings")
    assert str(caught.value) == "--pictures 'paintings': expected writing, objects, photographs, unknown"


def resaved(root, quality=90, count=12):
    """Photographs of two kinds, each saved again as JPEG."""
    images = photographs(2 * count)
    for k, pixels in enumerate(images):
        save(pixels, root / "ab"[k % 2] / f"{k:02}.png")
        save(near_copy(pixels, quality), root / "ab"[k % 2] / f"{k:02}-again.png")
    return root


def test_near_copies_stay_on_one_side(tmp_path):
    found, lines = loaded(resaved(tmp_path), validation=0.2)
    said = "  24 images are near copies of others (saved again, resized, brightened); these stay together too"
    assert said in lines
    assert found.describe()["reading"]["near_copies"] == 24
    shown = [{name.rpartition("/")[2][:2] for name in part.names} for _, part in found.parts]
    assert not shown[0] & shown[1]
    assert not shown[0] & shown[2]
    assert not shown[1] & shown[2]
    assert all(shown)


def test_near_copies_between_given_parts_stand_beside_every_error(tmp_path, capsys):
    """In the survey, in the results of train, compare and evaluate, and in both reports."""
    images = photographs(40)
    for k, pixels in enumerate(images):
        save(pixels, tmp_path / "set" / "train" / "ab"[k % 2] / f"{k:02}.png")
    for k in range(8):
        save(near_copy(images[k], 85), tmp_path / "set" / "test" / "ab"[k % 2] / f"{k}.png")
    for k, pixels in enumerate(photographs(32, seed=1)):
        save(pixels, tmp_path / "set" / "test" / "ab"[k % 2] / f"new{k:02}.png")
    place, run, file = str(tmp_path / "set"), tmp_path / "run", tmp_path / "out.json"
    found, lines = loaded(place)
    assert "  8 of 40 test images are nearly training images too: its error may be too low" in lines
    assert found.test_copies.sum() == found.describe()["reading"]["near_copies_in_test"] == 8
    assert all("new" not in name for name in found.test.names[found.test_copies])
    few = ["--epochs", "1", "--threads", "1", "--quiet"]
    assert main(["train", place, "-a", "conv2-relu-pool", *few, "--output", str(run)]) == 0
    assert main(["evaluate", str(run), place, "--json", str(file)]) == 0
    result, evaluated = json.loads((run / "result.json").read_text())["result"], json.loads(file.read_text())
    said = (
        f"8 test images are training images too; test error without them {percent(result['test_error_without_copies'])}"
    )
    assert capsys.readouterr().out.splitlines().count(said) == 2
    assert evaluated["test_error_without_copies"] == result["test_error_without_copies"]
    assert f'<p class="warning">{said}.</p>' in (run / "report.html").read_text()
    given = ["compare", place, "conv2-relu-pool", "pool", *few, "--output", str(tmp_path / "two")]
    assert main(given) == 0
    page, shown = (tmp_path / "two" / "report.html").read_text(), capsys.readouterr().out
    compared = json.loads((tmp_path / "two" / "compare.json").read_text())
    for row in compared["results"]:
        assert f"without copies {percent(row['test_error_without_copies'])}" in page
        assert percent(row["test_error_without_copies"]) in shown
    assert "8 test images are training images too; test error without them" in shown
    assert "near copies in test 8" in page


def test_alike_by_nature_is_split_as_ever(tmp_path):
    """One part on one spot, photographed 40 times: no near copies are claimed, and every part gets images."""
    image = photographs(1)[0].astype(np.int64)
    rng = np.random.default_rng(0)
    for k in range(40):
        pixels = np.clip(image + rng.integers(-4, 5, image.shape), 0, 255).astype(np.uint8)
        pixels[:6, :6] = 255 * (k % 2)
        save(pixels, tmp_path / ("good", "bad")[k % 2] / f"{k:02}.png")
    found, lines = loaded(tmp_path)
    assert not any("near copies" in line for line in lines)
    assert counts(found) == [29, 3, 8]
