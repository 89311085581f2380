"""Pictures to predict: files, folders, patterns and archives, in the order given."""

from __future__ import annotations

import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from convlet.data.brought import brought, read
from convlet.data.reading_rules import ReadingRules
from convlet.errors import DataError


@pytest.fixture
def place(tmp_path):
    """Pictures in a folder with folders, others beside them, and a zip of it."""
    folder = tmp_path / "new"
    (folder / "inner").mkdir(parents=True)
    for number, name in enumerate(("b.png", "a.png", "inner/c.PNG", "d[1].png")):
        Image.new("L", (6, 4), 40 * number).save(folder / name)
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / "notes.txt").write_text("x")
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
    return tmp_path


def names(*words):
    with brought([str(word) for word in words]) as found:
        return [os.path.basename(one.path) for one in found.pictures]


def test_words_are_taken_in_the_order_given(place):
    folder = place / "new"
    assert names(folder / "b.png", folder / "a.png", folder / "b.png") == ["b.png", "a.png", "b.png"]
    assert names(folder) == ["a.png", "b.png", "d[1].png", "c.PNG"]
    assert names(place / "new.zip") == ["a.png", "b.png", "d[1].png", "c.PNG"]
    assert names(folder / "*.png") == ["a.png", "b.png", "d[1].png"]
    assert names(folder / "**" / "*.P*", folder / "a.png") == ["c.PNG", "a.png"]
    assert names(folder / "inn*") == ["c.PNG"]
    assert names(folder / "d[1].png") == ["d[1].png"]  # a file of that name, not a pattern


def test_what_is_passed_over_is_counted(place):
    with brought([str(place / "new"), str(place / "new.zip")]) as found:
        assert found.notes() == ["passed over, files of the system: 2 files", "passed over, not pictures: 2 files"]


def test_pictures_in_archives_are_read(place):
    with brought([str(place / "new.zip")]) as found:
        pixels, own = read(found.pictures[3], (2, 3))
        assert (pixels.shape, own, int(pixels.max())) == ((2, 3, 1), (4, 6), 80)
        assert found.pictures[3].path == str(place / "new.zip" / "new" / "inner" / "c.PNG")


def test_nothing_to_predict_is_one_line(place):
    (place / "empty").mkdir()
    for word, message in (
        ("no*.png", "no file has such a name; expected pictures, folders, zip archives or a pattern"),
        ("empty", "holds no picture; expected PNG, JPEG, BMP, GIF, TIFF, WEBP, PPM files"),
    ):
        with pytest.raises(DataError) as caught:
            names(place / word)
        assert str(caught.value) == f"{place / word}: {message}"
    with brought([str(place / "no.png")]) as found, pytest.raises(DataError, match="there is no such file"):
        read(found.pictures[0], None)


def test_pictures_are_read_by_the_rules_of_the_training_set(place):
    deep = np.array([[1000, 2000], [3000, 3000]], np.uint16)
    Image.fromarray(deep).save(place / "deep.png")
    rules = ReadingRules(scale=2000.0, offset=1000.0)
    with brought([str(place / "deep.png")]) as found:
        assert read(found.pictures[0], None, rules)[0][..., 0].tolist() == [[0, 128], [255, 255]]


@pytest.mark.parametrize(("ground", "shown"), [("black", 0), ("white", 255)])
def test_transparent_pictures_lie_over_the_ground_of_the_training_set(place, ground, shown):
    Image.new("LA", (3, 3), (9, 0)).save(place / "clear.png")
    with brought([str(place / "clear.png")]) as found:
        assert (read(found.pictures[0], None, ReadingRules(ground=ground))[0] == shown).all()


@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (255, 0)])
def test_without_such_a_rule_they_lie_over_what_shows_them(place, ink, ground):
    picture = Image.new("RGBA", (5, 5), (ink, ink, ink, 0))
    picture.putpixel((2, 2), (ink, ink, ink, 255))
    picture.save(place / "clear.png")
    with brought([str(place / "clear.png")]) as found:
        pixels = read(found.pictures[0], None)[0]
    assert (int(pixels[2, 2, 0]), int(pixels[0, 0, 0])) == (ink, ground)


def test_a_large_picture_is_made_small_before_it_is_looked_at(place):
    Image.new("L", (3000, 2000), 7).save(place / "large.png")
    with brought([str(place / "large.png")]) as found:
        pixels, own = read(found.pictures[0], None)
    assert (own, pixels.shape) == ((2000, 3000), (683, 1024, 1))
