"""Folders of pictures as people lay them down: parts, wrappers, sessions, and files that are no pictures."""

from __future__ import annotations

import os
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from convlet import data
from convlet.data import tree
from convlet.errors import DataError
from tests.cases.toy import CLASSES, counts, folder, loaded, picture, save


def refused(place, message, **options):
    with pytest.raises(DataError) as caught:
        data.load(place, **options)
    assert str(caught.value) == message.format(place=place)


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "valid", "test"),
        ("Train", "Val", "Test"),
        ("TRAINING", "VALIDATION", "TESTING"),
        ("train_set", "dev_set", "test_set"),
        ("training_set", "validation_set", "test_set"),
        ("seg_train", "seg_dev", "seg_test"),
        ("pets-train", "pets-val", "pets-test"),
        ("images_train", "images_val", "images_test"),
    ],
)
def test_parts_by_the_names_people_use(tmp_path, train, validation, test):
    folder(tmp_path / train, 5)
    folder(tmp_path / validation, 2, seed=1)
    folder(tmp_path / test, 3, seed=2)
    found, _ = loaded(tmp_path)
    assert found.classes == CLASSES
    assert counts(found) == [15, 6, 9]


def test_a_test_folder_beside_class_folders(tmp_path):
    folder(tmp_path, 5)
    folder(tmp_path / "Test", 2, seed=1)
    (tmp_path / "data.csv").write_text("image,label\n")
    found, lines = loaded(tmp_path, validation=0)
    assert found.classes == CLASSES
    assert counts(found) == [15, 0, 6]
    assert lines[0] == f"{tmp_path}: one folder a class, test in Test/"
    assert "  passed over, not pictures: 1 (data.csv)" in lines


def test_a_class_may_be_called_train(tmp_path):
    folder(tmp_path, 5, ("bus", "car", "train"))
    found, _ = loaded(tmp_path)
    assert found.classes == ("bus", "car", "train")
    folder(tmp_path / "all" / "train", 5, ("bus", "test", "train"))
    folder(tmp_path / "all" / "test", 2, ("bus", "test", "train"), seed=1)
    found, _ = loaded(tmp_path / "all")
    assert found.classes == ("bus", "test", "train")
    assert len(found.test) == 6


def test_test_pictures_without_classes_beside_class_folders(tmp_path):
    folder(tmp_path, 5)
    folder(tmp_path, 3, ("test",))
    found, lines = loaded(tmp_path)
    assert found.classes == CLASSES
    assert "  passed over, test pictures without a class: 1 (test/ (3))" in lines
    assert loaded(tmp_path, class_level=1)[0].classes == (*CLASSES, "test")
    folder(tmp_path / "tickets", 4, ("invalid", "valid"))
    assert loaded(tmp_path / "tickets")[0].classes == ("invalid", "valid")


@pytest.mark.parametrize("inner", ["data", "data/pictures", "archive/seg_train/seg_train"])
def test_folders_around_the_classes(tmp_path, inner):
    folder(tmp_path / inner, 5)
    (tmp_path / "README.md").write_text("about")
    found, _ = loaded(tmp_path)
    assert found.classes == CLASSES
    assert sum(counts(found)) == 15


def test_parts_each_in_a_folder_of_its_own_name(tmp_path):
    folder(tmp_path / "seg_train" / "seg_train", 5)
    folder(tmp_path / "seg_test" / "seg_test", 2, seed=1)
    folder(tmp_path / "seg_pred", 2, ("unknown",))
    found, lines = loaded(tmp_path, validation=0)
    assert counts(found) == [15, 0, 6]
    assert "  passed over, folders beside those of the parts: 1 (seg_pred)" in lines


def test_sessions_inside_classes(tmp_path):
    for name in CLASSES:
        for session in ("session1", "session2"):
            folder(tmp_path / name, 3, (session,), seed=len(name))
    found, _ = loaded(tmp_path)
    assert found.classes == CLASSES
    assert sum(counts(found)) == 18


def test_classes_inside_writers(tmp_path):
    for writer in ("writer_01", "writer_02"):
        folder(tmp_path / writer, 3, seed=len(writer))
    found, lines = loaded(tmp_path)
    assert found.classes == CLASSES
    assert lines[0] == f"{tmp_path}: one folder a class, 2 levels down"
    found, _ = loaded(tmp_path, class_level=1)
    assert found.classes == ("writer_01", "writer_02")


def test_what_could_be_read_in_two_ways_says_how_to_decide(tmp_path):
    folder(tmp_path / "animals", 3, ("cat", "dog"))
    folder(tmp_path / "plants", 3, ("rose", "tulip"))
    refused(
        tmp_path,
        "{place}: the classes could be animals, plants or cat, dog, rose, tulip; say --class-level 1 for the first or "
        "--class-level 2 for the second, or give one of the folders, as in {place}/animals",
    )
    assert loaded(tmp_path, class_level=1)[0].classes == ("animals", "plants")
    assert loaded(tmp_path, class_level=2)[0].classes == ("cat", "dog", "rose", "tulip")
    assert loaded(tmp_path / "animals")[0].classes == ("cat", "dog")


def test_files_that_are_no_pictures_are_passed_over_and_counted(tmp_path):
    folder(tmp_path, 4)
    left = ("bar/Thumbs.db", "cross/desktop.ini", ".DS_Store", "bar/._000.png", "__MACOSX/bar/._001.png", "Icon\r")
    for name in left:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\1\2")
    (tmp_path / "ring" / "notes").write_text("no picture, no end of its name")
    (tmp_path / "readme.txt").write_text("about")
    found, lines = loaded(tmp_path)
    assert sum(counts(found)) == 12
    assert "  passed over, files of the system: 5 (.DS_Store, Icon\r, bar/._000.png, and 2 more)" in lines
    assert "  passed over, not pictures: 2 (readme.txt, ring/notes)" in lines
    assert "  passed over, hidden folders, or links that lead back: 1 (__MACOSX)" in lines


def test_a_picture_without_an_end_of_its_name_is_taken(tmp_path):
    folder(tmp_path, 4)
    (tmp_path / "bar" / "000.png").rename(tmp_path / "bar" / "000")
    assert sum(counts(loaded(tmp_path)[0])) == 12


def test_pictures_that_cannot_be_read_are_all_named(tmp_path):
    folder(tmp_path, 4)
    (tmp_path / "bar" / "cut.png").write_bytes((tmp_path / "bar" / "000.png").read_bytes()[:60])
    (tmp_path / "cross" / "page.jpg").write_text("<html>")
    (tmp_path / "ring" / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "ring" / "lost.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(DataError) as caught:
        data.load(tmp_path)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}: 3 pictures cannot be read; mend or remove them, or leave them out with --skip")
    assert f"{tmp_path / 'cross' / 'page.jpg'}: is not a picture of a known format" in said
    assert f"{tmp_path / 'ring' / 'lost.png'}: there is no such file" in said
    assert "phone.HEIC: HEIC pictures are not read; convert them to JPEG, as with 'heif-convert' (Linux)" in said
    found, lines = loaded(tmp_path, skip_unreadable=True)
    assert sum(counts(found)) == 12
    assert any(line.startswith("  left out because they cannot be read: 4 (") for line in lines)


def test_a_class_of_which_nothing_can_be_read_is_dropped_and_said(tmp_path):
    folder(tmp_path, 4)
    for path in (tmp_path / "bar").iterdir():
        path.write_text("x")
    found, lines = loaded(tmp_path, skip_unreadable=True)
    assert found.classes == ("cross", "ring")
    assert "  classes without an image, dropped: bar" in lines
    assert found.describe()["reading"] == {"skipped": 4}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_among_the_pictures_is_named(tmp_path):
    folder(tmp_path, 4)
    pipe = tmp_path / "bar" / "pipe"
    os.mkfifo(pipe)
    refused(
        tmp_path, f"{pipe}: is a pipe; expected a picture; mend or remove it, or leave it out with --skip-unreadable"
    )


def test_a_link_that_leads_back_is_passed_over(tmp_path):
    folder(tmp_path, 4)
    (tmp_path / "bar" / "again").symlink_to(tmp_path, target_is_directory=True)
    found, lines = loaded(tmp_path)
    assert sum(counts(found)) == 12
    assert "  passed over, hidden folders, or links that lead back: 1 (bar/again)" in lines


def test_pictures_whose_classes_nothing_names(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(6):
        save(picture("bar", rng), tmp_path / f"{k}.png")
    refused(
        tmp_path,
        "{place}: 6 pictures, but nothing names their classes; expected one sub-folder of pictures for each class, or a "
        "table labels.csv with the columns file and label, or a class in each name with --label-pattern",
    )
    for kind in CLASSES:
        for k in range(6):
            save(picture(kind, rng), tmp_path / "named" / f"{kind}_{k}.png")
    refused(
        tmp_path / "named",
        "{place}: 18 pictures, but nothing names their classes; expected one sub-folder of pictures for each class, or a "
        "table labels.csv with the columns file and label; the names begin with bar, cross, ring: say --label-pattern "
        r"'(?P<label>[A-Za-z]+)[_\-. ]?\d+'",
    )
    found, _ = loaded(tmp_path / "named", label_pattern=r"(?P<label>[a-z]+)_\d+")
    assert found.classes == CLASSES
    assert sum(counts(found)) == 18


def flat(pixels, path):
    """Save as bar.000.png instead of bar/000.png."""
    save(pixels, path.parent.parent / f"{path.parent.name}.{path.name}")


def test_label_patterns(tmp_path):
    for part, count in (("train", 5), ("test", 2)):
        folder(tmp_path / part, count, seed=count, write=flat)
    (tmp_path / "train" / "0.png").write_bytes((tmp_path / "train" / "bar.000.png").read_bytes())
    found, lines = loaded(tmp_path, label_pattern=r"(?P<label>[a-z]+)\.\d+", validation=0)
    assert counts(found) == [15, 0, 6]
    assert "  passed over, pictures that the label pattern does not fit: 1 (train/0.png)" in lines
    for pattern, message in (
        ("[", "--label-pattern '[': is not a regular expression (unterminated character set at position 0)"),
        ("(x)", r"--label-pattern '(x)': has no group named label; expected one, as in '(?P<label>[a-z]+)_\d+'"),
    ):
        refused(tmp_path, message, label_pattern=pattern)
    refused(
        tmp_path,
        "{place}: --label-pattern '(?P<label>zebra)' fits no training picture, as test/bar.000.png, test/bar.001.png, "
        "test/cross.000.png, and 19 more",
        label_pattern="(?P<label>zebra)",
    )


def test_one_class_alone(tmp_path):
    folder(tmp_path, 4, ("bar",))
    refused(tmp_path, "{place}: there is only the class 'bar'; at least two are needed")


def test_a_zip_is_read_like_its_folder(tmp_path):
    root = folder(tmp_path / "set" / "train", 5).parent
    folder(root / "test", 2, seed=1)
    (root / "train" / "bar" / "Thumbs.db").write_bytes(b"x")
    shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path, "set")
    before = sorted(tmp_path.rglob("*"))
    from_zip, lines = loaded(tmp_path / "set.zip")
    assert sorted(tmp_path.rglob("*")) == before
    assert from_zip.fingerprint() == loaded(root)[0].fingerprint()
    assert lines[0] == f"{tmp_path / 'set.zip'}: one folder a class, train in set/train/, test in set/test/"
    assert from_zip.train.names[0].startswith(str(tmp_path / "set.zip" / "set" / "train" / "bar"))


def test_a_zip_may_not_claim_more_than_it_holds(tmp_path, monkeypatch):
    folder(tmp_path / "set", 4)
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((tmp_path / "set").rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path))
        archive.writestr("../../outside.txt", "never written")
        archive.writestr("set/bar/big.png", bytes(20_000_000))
    reason = "set/bar/big.png: is not a picture of a known format"
    with pytest.raises(DataError, match=reason):
        data.load(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 997):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"set\.zip: "):
            data.load(path)
    path.write_bytes(whole)
    monkeypatch.setattr(tree, "MOST_ZIPPED", 10)
    refused(path, "{place}: lists more than 10 files; unpack it and give the folder")


def test_larger_photos_are_all_named_or_decoded_small(tmp_path):
    folder(tmp_path, 4)
    rng = np.random.default_rng(0)
    photo = np.kron(picture("cross", rng), np.ones((180, 180), np.uint8))
    for name in ("a.jpg", "b.JPG"):
        Image.fromarray(photo).convert("RGB").save(tmp_path / "cross" / name)
    with pytest.raises(DataError) as caught:
        data.load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: 2 pictures cannot be read")
    for name in ("a.jpg", "b.JPG"):
        more = f"{tmp_path / 'cross' / name}: has 2160 x 2160 pixels; a picture may have at most 4,000,000, resize it"
        assert more in str(caught.value)
    found, _ = loaded(tmp_path, size=(12, 12), validation=0)
    assert sum(counts(found)) == 14
    small = next(
        image
        for part in (found.train, found.test)
        for image, name in zip(part.images, part.names, strict=True)
        if name.endswith("a.jpg")
    )
    np.testing.assert_allclose(small[..., 0], photo.reshape(12, 180, 12, 180).mean((1, 3)), atol=12)
