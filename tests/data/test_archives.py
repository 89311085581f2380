"""Archives of arrays: what they may hold, and what is refused without reading a pickle."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from convlet.data import array_files, load, npy
from convlet.data.choices import Choices
from convlet.data.place import surveyed
from convlet.errors import DataError

IMAGES = np.arange(20 * 3 * 4, dtype=np.uint8).reshape(20, 3, 4)
LABELS = np.arange(20) % 2


def archive(tmp_path, **found):
    path = tmp_path / "data.npz"
    np.savez(path, **found)
    return path


def read(path, **choices):
    """What an archive holds: images and labels of each part, and the classes."""
    with surveyed(path, Choices(**choices)) as found:
        return found.read()


def refused(path, message):
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == message.format(path=path)


def test_images_and_labels(tmp_path):
    found = read(archive(tmp_path, images=IMAGES, labels=LABELS))
    assert found.classes == ("0", "1")
    np.testing.assert_array_equal(found.parts["train"].images[..., 0], IMAGES)
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
    found = read(path)
    assert found.parts["test"].labels.tolist() == [1, 0, 1, 1]
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
            "{path}: 3 images but 20 labels; there must be one label an image",
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
    refused(path, "{path}: images.npy holds Python objects, which are never read; save plain numbers and strings")


def header(text, values=b"", version=1):
    """The bytes of an .npy file with this header."""
    return (
        b"\x93NUMPY"
        + bytes([version, 0])
        + len(text).to_bytes(2 if version == 1 else 4, "little")
        + text.encode()
        + values
    )


PLAIN = "has a header that describes no plain array; save plain numbers and strings"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "ends inside its header"),
        (b"GIF89a..", "begins with 47 49 46 38, which no array does"),
        (header("", version=9), "begins with 93 4e 55 4d, which no array does"),
        (header("{}"), PLAIN),
        (header("__import__('os').system('x')"), PLAIN),
        (header("{'descr': '<f4', 'fortran_order': False, 'descr': '<f4', }"), PLAIN),
        (header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"), PLAIN),
        (header("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }"), "holds values of type <c8; save plain numbers and strings"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (1 2,), }"), "has the shape (1 2,); expected at most 8 whole numbers"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 9 + "), }"), "has the shape (" + "1, " * 9 + "); expected at most 8 whole numbers"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999999,), }", bytes(4)), "declares 3,999,999,999,999,999,996 bytes of values, but holds 4"),
        (header("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", bytes(4)), "declares 3 bytes of values, but holds 4"),
        (header(" " * 5000), "declares a header of 5,000 bytes; expected at most 4,096"),
        (header("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }", b"\xff" * 4), "holds texts that are not Unicode"),
        (header("{'descr': '|S1', 'fortran_order': False, 'shape': (1,), }", b"\xff"), "holds texts that are not Unicode"),
    ],
)  # fmt: skip
def test_an_array_that_is_none_is_refused(tmp_path, content, reason):
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("labels.npy", content)
        images = io.BytesIO()
        np.save(images, IMAGES[:1])
        file.writestr("images.npy", images.getvalue())
    refused(path, f"{{path}}: labels.npy {reason}")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", ["?", "u1", "i2", ">i4", "<i8", "f2", "<f4", ">f8"])
def test_numbers_of_every_kind_are_read_as_numpy_reads_them(tmp_path, save, kind):
    for shape in ((7,), (2, 3, 4)):
        for order in "CF":
            given = np.asarray(np.arange(np.prod(shape)).reshape(shape) % 2, kind, order=order)
            save(tmp_path / "a.npz", images=given, labels=LABELS)
            with zipfile.ZipFile(tmp_path / "a.npz") as file:
                item = file.getinfo("images.npy")
                found = npy.read(file.open(item), item.file_size)
            np.testing.assert_array_equal(found, given)
            assert found.dtype == given.dtype


def test_texts_may_be_bytes_or_of_the_other_byte_order(tmp_path):
    names = np.array(["cat", "Hündin"])
    for classes in (names, np.char.encode(names, "utf-8"), names.astype(">U6")):
        path = archive(tmp_path, images=IMAGES, labels=LABELS, classes=classes)
        assert read(path).classes == ("cat", "Hündin")


def test_an_archive_that_declares_more_than_it_can_hold(tmp_path):
    path = archive(tmp_path, images=IMAGES, labels=LABELS)
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (2**30).to_bytes(4, "little")
    path.write_bytes(data)
    refused(path, "{path}: images.npy declares 1,073,741,824 bytes, more than the archive can hold; get it again")


def test_an_archive_that_is_encrypted_or_has_too_many_files(tmp_path):
    path = archive(tmp_path, images=IMAGES, labels=LABELS)
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    path.write_bytes(data)
    refused(path, "{path}: images.npy is encrypted or packed in an unknown way; write it with numpy.savez")
    with zipfile.ZipFile(path, "w") as file:
        for number in range(1001):
            file.writestr(str(number), b"")
    refused(path, "{path}: holds 1,001 files; at most 1,000 are read")


def test_two_classes_of_one_name(tmp_path):
    path = archive(tmp_path, images=IMAGES, labels=LABELS, classes=np.array(["a", "a"]))
    refused(path, "{path}: the class 'a' stands twice in classes; every class needs its own name")


def test_damage_and_size(tmp_path, monkeypatch):
    path = archive(tmp_path, images=IMAGES, labels=LABELS)
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=str(path)):
            read(path)
    path.write_bytes(whole)
    monkeypatch.setattr(array_files, "MOST_BYTES", 100)
    with pytest.raises(DataError, match=r"holds 6\d\d bytes; at most 100 are read"):
        read(path)


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
    assert (
        str(caught.value)
        == f"{path}: is no data set; expected a folder, or a .zip, .npz, .mat, .csv, .tsv or .parquet file"
    )
    with pytest.raises(DataError) as caught:
        load("digits", size=(4, 4))
    assert str(caught.value) == "--size resizes pictures in files; digits has images of one size already"
    with pytest.raises(DataError) as caught:
        load("digits", validation=1.5)
    assert str(caught.value) == "--validation must be a fraction from 0 to below 1, but got 1.5"
