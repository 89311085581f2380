"""`convlet data info` of a place, and options for pictures from the command line to the run folder and back."""

from __future__ import annotations

import json

import pytest

from convlet.cli.main import main
from tests.cases.toy import folder


def info(capsys, *arguments):
    assert main(["data", "info", *map(str, arguments)]) == 0
    return capsys.readouterr().out.splitlines()


def test_info_of_a_place_is_its_survey(tmp_path, capsys):
    place = folder(tmp_path / "signs", 4)
    folder(place / "test", 2, seed=1)
    folder(place, 1, ("cross",), side=16, seed=5, write=lambda pixels, path: _save(pixels, path.with_name("large.png")))
    (place / "bar" / "Thumbs.db").write_bytes(b"x")
    (place / "ring" / "bad.png").write_text("x")
    file = tmp_path / "survey.json"
    assert info(capsys, place, "--json", file) == [
        f"{place}: one folder a class, test in test/",
        "  train: 14 images of 3 classes: bar 4, cross 5, ring 5",
        "  test: 6 images of 3 classes: bar 2, cross 2, ring 2",
        "  pictures: PNG 19; L 19; sizes 12x12 18, 16x16 1",
        "  passed over, files of the system: 1 (bar/Thumbs.db)",
        f"  cannot be read: 1 ({place}/ring/bad.png: is not a picture of a known format (PNG, JPEG, BMP, GIF, TIFF, WEBP, "
        "PPM))",
    ]
    found = json.loads(file.read_text())
    assert found["classes"] == ["bar", "cross", "ring"]
    assert found["images_per_class"] == {"train": [4, 5, 5], "test": [2, 2, 2]}
    assert found["passed_over"] == {"files of the system": ["bar/Thumbs.db"]}
    assert found["sizes"][1] == {"height": 16, "width": 16, "pictures": 1}
    assert len(found["unreadable"]) == 1


def _save(pixels, path):
    from tests.cases.toy import save

    save(pixels, path)


def test_options_reach_the_run_folder_and_come_back(tmp_path, capsys, monkeypatch):
    from convlet.cli import options
    from convlet.runs.folder import read_config

    place = tmp_path / "flat"
    folder(place, 6, write=lambda pixels, path: _save(pixels, path.parent.parent / f"{path.parent.name}_{path.name}"))
    (place / "bar_cut.png").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    pattern = "(?P<label>[a-z]+)_"
    given = ["--label-pattern", pattern, "--skip-unreadable", "--size", "8x8", "--pictures", "writing"]
    assert (
        main(["train", "flat", "-a", "conv2-relu-pool", "--epochs", "1", "--output", "run", "--threads", "1", *given])
        == 0
    )
    out = capsys.readouterr().out
    assert "  left out because they cannot be read: 1 (flat/bar_cut.png: is not a picture" in out
    config = read_config(tmp_path / "run")
    assert config["loading"] == {
        "data": str(place),
        "then": None,
        "size": [8, 8],
        "train_images": None,
        "validation": 0.1,
        "label_pattern": pattern,
        "skip_unreadable": True,
        "pictures": "writing",
    }
    values = dict.fromkeys((*options.data_options.NAMES, "size"), None)
    again = options.data_options.choices({**values, **config["loading"]})
    assert again == {"label_pattern": pattern, "skip_unreadable": True, "pictures": "writing"}
    assert main(["train", "--resume", "run"]) == 0
    assert main(["report", "run"]) == 0
    assert main(["evaluate", "run/model.safetensors", "flat", *given]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            ["--image-shape", "8"],
            "'8' is not an image shape: expected height x width, or with channels, as in 24x32 or 24x32x3",
        ),
        (["--class-level", "0"], "--class-level must be a whole number from 1, but got 0"),
        (["--labels", "a.csv", "--label-pattern", "(?P<label>x)"], "--labels and --label-pattern were both given"),
    ],
)
def test_options_outside_their_range(tmp_path, capsys, option, message):
    folder(tmp_path, 2)
    assert main(["data", "info", str(tmp_path), *option]) == 2
    assert message in capsys.readouterr().err


def test_options_for_places_are_not_for_named_sets(capsys):
    assert main(["data", "info", "digits", "--transpose"]) == 2
    said = "convlet: digits is a named set; --labels, --transpose and the like are for pictures of your own\n"
    assert capsys.readouterr().err == said
