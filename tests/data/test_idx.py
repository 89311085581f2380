"""IDX files: what is whole is read, everything else is refused with a message that says what was found."""

from __future__ import annotations

import contextlib
import gzip
import struct

import numpy as np
import pytest

from convlet.data import idx
from convlet.errors import DataError
from tests.data.files import idx_bytes, write_idx

PIXELS = np.arange(2 * 3 * 4).reshape(2, 3, 4)


def refused(path, axes, message):
    with pytest.raises(DataError) as caught:
        idx.read(path, axes)
    assert str(caught.value) == message.format(path=path)


@pytest.mark.parametrize("compress", [False, True])
def test_a_whole_file_is_read(tmp_path, compress):
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(idx_bytes(PIXELS), mtime=0) if compress else idx_bytes(PIXELS))
    np.testing.assert_array_equal(idx.read(path, 3), PIXELS)


@pytest.mark.parametrize("compress", [False, True])
def test_every_truncation_is_refused(tmp_path, compress):
    whole = gzip.compress(idx_bytes(PIXELS), mtime=0) if compress else idx_bytes(PIXELS)
    path = tmp_path / "images"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=str(path)):
            idx.read(path, 3)


def test_every_flipped_bit_of_a_gzip_file_is_refused_or_harmless(tmp_path):
    whole = bytearray(gzip.compress(idx_bytes(PIXELS), mtime=0))
    path = tmp_path / "images"
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        # a flip in the header's time stamp or system byte carries no data and does no harm
        with contextlib.suppress(DataError):
            np.testing.assert_array_equal(idx.read(path, 3), PIXELS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{path}: the file is empty; get it again"),
        (b"<!DOCTYPE html><html>", "{path}: this is a web page or text, not an IDX file; get it again"),
        (b"\n<html>not found</html>", "{path}: this is a web page or text, not an IDX file; get it again"),
        (gzip.compress(b"<html>", mtime=0), "{path}: this is a web page or text, not an IDX file; get it again"),
        (b"PNG.....", "{path}: begins with 50 4e 47 2e, which no IDX file does; get it again"),
        (
            b"\0\0\x0d\3" + b"\0" * 30,
            "{path}: holds numbers of type 13; expected type 8, unsigned bytes",
        ),
        (
            idx_bytes([1, 2]),
            "{path}: expected images (3 axes), but it holds labels; are the files swapped?",
        ),
        (idx_bytes(PIXELS)[:9], "{path}: the file ends inside its header; get it again"),
        (
            struct.pack(">HBB3I", 0, 8, 3, 0, 28, 28),
            "{path}: declares 0 x 28 x 28 values; expected at least one",
        ),
        (
            struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 28, 28),
            "{path}: declares 4294967295 x 28 x 28 values, more than 8 GiB",
        ),
        (idx_bytes(PIXELS)[:-3], "{path}: declares 24 values, but only 21 are there; get the file again"),
        (
            struct.pack(">HBB3I", 0, 8, 3, 1000, 100, 10) + bytes(9),
            "{path}: declares 1000 x 100 x 10 values, but holds at most 25; get the file again",
        ),
        (
            idx_bytes(PIXELS) + b"!",
            "{path}: there is more after the 24 values it declares; get the file again",
        ),
        (
            gzip.compress(idx_bytes(PIXELS), mtime=0)[:-5],
            "{path}: the gzip data is damaged or cut short; get the file again",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, message):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    refused(path, 3, message)


def test_a_gzip_bomb_is_inflated_no_further_than_it_declares(tmp_path):
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(idx_bytes([[[1]]]))
        for _ in range(64):
            file.write(bytes(1 << 20))
    refused(path, 3, "{path}: there is more after the 1 values it declares; get the file again")


def test_labels_given_as_images_and_a_missing_file(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(idx_bytes(PIXELS))
    refused(path, 1, "{path}: expected labels (1 axis), but it holds images; are the files swapped?")
    refused(tmp_path, 1, "{path}: is a folder; expected an IDX file")


@pytest.mark.parametrize("compress", [False, True])
def test_a_folder_gives_training_and_test_images(tmp_path, compress):
    parts = idx.load(write_idx(tmp_path, compress=compress), 3)
    assert parts["train"].images.shape == (30, 5, 4, 1)
    assert parts["test"].labels.tolist() == [0, 1, 2] * 4


def folder_refused(folder, message, classes=3):
    with pytest.raises(DataError) as caught:
        idx.load(folder, classes)
    assert str(caught.value) == message


def test_folders_that_do_not_fit(tmp_path):
    folder = write_idx(tmp_path, compress=False)
    labels = folder / "train-labels-idx1-ubyte"
    folder_refused(folder, f"{labels}: label 2 is outside 0 to 1; are the files swapped?", classes=2)
    labels.write_bytes(idx_bytes([0] * 29))
    message = f"{folder}: 30 images but 29 labels; there must be one label an image"
    folder_refused(folder, message)
    labels.unlink()
    message = f"{folder}: there is no train-labels-idx1-ubyte or train-labels-idx1-ubyte.gz; "
    folder_refused(folder, message + "a folder of IDX files needs it")


def test_images_of_two_sizes(tmp_path):
    folder = write_idx(tmp_path, compress=False)
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((12, 6, 4))))
    folder_refused(folder, f"{folder}: training and test images differ in size: 5 x 4 and 6 x 4")
