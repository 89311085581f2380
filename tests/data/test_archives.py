"""Archives of arrays: what they may hold, and what is refused without reading a pickle."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.data import archives, load
from convlet.errors import DataError

IMAGES = np.arange(20 * 3 * 4, dtype=np.uint8).reshape(20, 3, 4)
LABELS = np.arange(20) % 2


def archive(tmp_path, **found):
    path = tmp_path / "data.npz"
    np.savez(path, **found)
    return path


def refused(path, message):
    with pytest.raises(DataError) as caught:
        archives.load(path)
    assert str(caught.value) == message.format(path=path)


def test_images_and_labels(tmp_path):
    found = archives.load(archive(tmp_path, images=IMAGES, labels=LABELS))
    assert found["classes"] == ("0", "1")
    np.testing.assert_array_equal(found["train"][0][..., 0], IMAGES)
    data = load(archive(tmp_path, images=IMAGES, labels=LABELS))
    assert sum(len(part) for _, part in data.parts) == 20
    assert data.name == "data"


def test_class_names_and_test_images(tmp_path):
    path = archive(
        tmp_path,
        images=IMAGES,
        labels=LABELS,
        test_images=IMAGES[:4],
        test_labels=np.array(["dog", "cat", "dog", "dog"]),
        classes=np.array(["cat", "dog"]),
    )
    found = archives.load(path)
    assert found["test"][1].tolist() == [1, 0, 1, 1]
    assert len(load(path).test) == 4


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"labels": LABELS}, "{path}: there is no 'images'; expected images and labels, found labels"),
        ({"images": IMAGES}, "{path}: there is no 'labels'; expected images and labels, found images"),
        (
            {"images": IMAGES, "labels": LABELS[:5]},
            "{path}: 20 images but 5 labels; there must be one label an image",
        ),
        (
            {"images": IMAGES, "labels": LABELS, "test_images": IMAGES},
            "{path}: test_images and test_labels belong together, but only one of them is there",
        ),
        (
            {"images": IMAGES[0], "labels": LABELS},
            "{path}: images: expected (n, h, w) or (n, h, w, c), but got 3 x 4",
        ),
        (
            {"images": np.full((2, 3, 4), np.nan), "labels": LABELS[:2]},
            "{path}: images: image 0 has a pixel that is nan; every pixel must be a finite number",
        ),
        (
            {"images": IMAGES, "labels": LABELS, "test_images": IMAGES[:1], "test_labels": [9]},
            "{path}: test_labels: label 9 is outside 0 to 1, the numbers of the classes",
        ),
    ],
)
def test_what_is_refused(tmp_path, found, message):
    refused(archive(tmp_path, **found), message)


def test_no_pickle_is_read(tmp_path):
    path = archive(tmp_path, images=np.array([{"a": 1}], dtype=object), labels=LABELS)
    refused(
        path,
        "{path}: an array cannot be read (Object arrays cannot be loaded when allow_pickle=False); "
        "save plain numbers and strings",
    )


def test_damage_and_size(tmp_path, monkeypatch):
    path = archive(tmp_path, images=IMAGES, labels=LABELS)
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=str(path)):
            archives.load(path)
    path.write_bytes(whole)
    monkeypatch.setattr(archives, "MOST_BYTES", 100)
    with pytest.raises(DataError, match=r"holds 6\d\d bytes; at most 100 are read"):
        archives.load(path)


def test_data_that_is_no_data(tmp_path):
    for word, message in (
        ("mnits", "unknown data 'mnits': expected 'digits', 'mnist', 'fashion-mnist', a folder or an .npz file; "
         "did you mean 'mnist'?"),
        ("zzz", "unknown data 'zzz': expected 'digits', 'mnist', 'fashion-mnist', a folder or an .npz file"),
    ):  # fmt: skip
        with pytest.raises(DataError) as caught:
            load(word)
        assert str(caught.value) == message
    path = tmp_path / "a.txt"
    path.write_text("x")
    with pytest.raises(DataError) as caught:
        load(path)
    names = "'digits', 'mnist', 'fashion-mnist'"
    assert str(caught.value) == f"{path}: is no data set; expected a folder, an .npz or one of {names}"
    with pytest.raises(DataError) as caught:
        load("digits", size=(4, 4))
    assert str(caught.value) == "--size resizes pictures in folders; digits has images of one size already"
    with pytest.raises(DataError) as caught:
        load("digits", validation=1.5)
    assert str(caught.value) == "--validation must be a fraction from 0 to below 1, but got 1.5"
