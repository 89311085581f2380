"""Folders of pictures: classes by sub-folder, parts by train/ and test/, and what can be wrong."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from convlet.data import decoding, load
from convlet.data.choices import Choices
from convlet.data.place import surveyed
from convlet.errors import DataError


def fill(folder, count=4, size=(6, 5), colour=False, value=0):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.full((*size, 3) if colour else size, value + number, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


def read(folder, **choices):
    """What a folder holds: images and labels of each part, and the classes."""
    with surveyed(folder, Choices(**choices)) as found:
        return found.read()


def refused(folder, message):
    with pytest.raises(DataError) as caught:
        read(folder)
    assert str(caught.value) == message


def test_one_sub_folder_per_class(tmp_path):
    fill(tmp_path / "cat", 3, value=10)
    fill(tmp_path / "ant", 2, value=100)
    (tmp_path / ".cache").mkdir()
    (tmp_path / "notes.txt").write_text("passed over")
    (tmp_path / "cat" / ".hidden").write_text("passed over")
    found = read(tmp_path)
    assert found.classes == ("ant", "cat")
    train = found.parts["train"]
    assert train.images.shape == (5, 6, 5, 1)
    assert train.labels.tolist() == [0, 0, 1, 1, 1]
    assert train.images[0, 0, 0, 0] == 100
    assert train.names[0] == str(tmp_path / "ant" / "0.png")
    assert set(found.parts) == {"train"}


def test_train_validation_and_test_folders(tmp_path):
    for part, count in (("train", 4), ("val", 2), ("test", 3)):
        for name in ("a", "b"):
            fill(tmp_path / part / name, count)
    data = load(tmp_path)
    assert [len(part) for _, part in data.parts] == [8, 4, 6]
    assert data.classes == ("a", "b")
    assert data.name == tmp_path.name


def test_one_colour_picture_makes_all_rgb(tmp_path):
    fill(tmp_path / "a")
    fill(tmp_path / "b", colour=True)
    assert read(tmp_path).parts["train"].images.shape == (8, 6, 5, 3)


def test_sizes_differ(tmp_path):
    fill(tmp_path / "a")
    fill(tmp_path / "b", size=(8, 9))
    refused(
        tmp_path,
        f"{tmp_path / 'b' / '0.png'}: is 8x9, but 0.png is 6x5; pictures must have one size, "
        "resize them with --size, as in --size 32x32",
    )
    assert read(tmp_path, size=(3, 4)).parts["train"].images.shape == (8, 3, 4, 1)


def test_what_is_missing_is_named(tmp_path):
    refused(
        tmp_path,
        f"{tmp_path}: there are no classes; expected one sub-folder of pictures for each class, or IDX files",
    )
    fill(tmp_path / "train" / "a")
    fill(tmp_path / "train" / "b")
    (tmp_path / "train" / "c").mkdir()
    with surveyed(tmp_path, Choices()) as found:
        assert found.passed == {"folders without a picture": ["train/c"]}
    fill(tmp_path / "test" / "c")
    refused(tmp_path, f"{tmp_path / 'test' / 'c'}: is no class of the training images (a, b)")


def test_a_single_class_is_no_data_set(tmp_path):
    fill(tmp_path / "a", 12)
    with pytest.raises(DataError) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{tmp_path}: there is only the class 'a'; at least two are needed"


def test_a_file_that_only_calls_itself_a_picture_is_named(tmp_path):
    fill(tmp_path / "a")
    fill(tmp_path / "b")
    bad = tmp_path / "a" / "notes.png"
    bad.write_text("hello")
    reason = f"{bad}: is not a picture of a known format (PNG, JPEG, BMP, GIF, TIFF, WEBP, PPM)"
    refused(tmp_path, f"{reason}; mend or remove it, or leave it out with --skip-unreadable")
    (tmp_path / "b" / "0.png").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert str(caught.value).startswith(
        f"{tmp_path}: 2 pictures cannot be read; mend or remove them, or leave them out"
    )
    assert reason in str(caught.value)
    assert str(tmp_path / "b" / "0.png") in str(caught.value)
    found = read(tmp_path, skip_unreadable=True)
    assert len(found.parts["train"]) == 7
    assert found.skipped[0] == reason
    assert len(found.skipped) == 2


def test_more_pixels_than_allowed(tmp_path, monkeypatch):
    fill(tmp_path / "a")
    fill(tmp_path / "b")
    monkeypatch.setattr(decoding, "MOST_BYTES", 100)
    with pytest.raises(DataError, match="8 pictures of 6x5 are more than"):
        read(tmp_path)
