"""Arrays and IDX files under the names that people and data sets give them."""

from __future__ import annotations

import gzip
import shutil
import struct
import zipfile

import numpy as np
import pytest

from convlet import data
from convlet.errors import DataError
from tests.cases.toy import arrays, counts, loaded
from tests.data.files import idx_bytes

IMAGES, LABELS = arrays(8)


def refused(place, message, **options):
    with pytest.raises(DataError) as caught:
        data.load(place, **options)
    assert str(caught.value) == message.format(place=place)


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test"),
        ("X_train", "Y_train", "X_valid", "Y_valid", "X_test", "Y_test"),
        ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"),
        ("trainX", "trainY", "valX", "valY", "testX", "testY"),
        ("images", "labels", "images_dev", "labels_dev", "images_test", "labels_test"),
        ("train_data", "train_targets", "dev_data", "dev_targets", "test_data", "test_targets"),
        ("xtrain", "ytrain", "xval", "yval", "xtest", "ytest"),
    ],
)
def test_names_of_arrays(tmp_path, names):
    shapes = [IMAGES[:12], LABELS[:12, None], IMAGES[12:18], LABELS[12:18, None], IMAGES[18:], LABELS[18:, None]]
    np.savez(tmp_path / "a.npz", **dict(zip(names, shapes, strict=True)))
    found, _ = loaded(tmp_path / "a.npz")
    assert counts(found) == [12, 6, 6]
    np.testing.assert_array_equal(found.train.images[..., 0], IMAGES[:12])
    np.testing.assert_array_equal(found.test.labels, LABELS[18:])


@pytest.mark.parametrize(
    "names", [("X", "y"), ("data", "target"), ("arr_0", "arr_1"), ("arr_1", "arr_0"), ("pics", "what")]
)
@pytest.mark.parametrize("shape", ["plain", "column", "one-hot", "rows", "floats"])
def test_shapes_of_labels_and_images(tmp_path, names, shape):
    images, labels = IMAGES, LABELS
    if shape == "column":
        labels = labels[:, None]
    elif shape == "one-hot":
        labels = np.eye(3)[labels]
    elif shape == "rows":
        images = images.reshape(len(images), -1)
        if names not in (("X", "y"), ("data", "target")):
            return  # rows under a name that says nothing may be labels as well
    elif shape == "floats":
        images = (images / 255).astype(np.float16)
    np.savez(tmp_path / "a.npz", **{names[0]: images, names[1]: labels, "ids": np.arange(7)})
    found, lines = loaded(tmp_path / "a.npz")
    assert found.classes == ("0", "1", "2")
    assert sum(counts(found)) == 24
    assert found.image_shape == (12, 12, 1)
    assert "  passed over, arrays that are neither images nor labels: 1 (ids)" in lines


def test_one_array_a_file(tmp_path):
    for part, some in (("train", slice(0, 18)), ("test", slice(18, None))):
        np.savez_compressed(tmp_path / f"kmnist-{part}-imgs.npz", IMAGES[some])
        np.savez_compressed(tmp_path / f"kmnist-{part}-labels.npz", LABELS[some])
    found, _ = loaded(tmp_path, validation=0)
    assert counts(found) == [18, 0, 6]
    refused(
        tmp_path / "kmnist-train-imgs.npz",
        "{place}: there is no 'labels'; expected images and labels, found kmnist-train-imgs; if the other one is in a "
        "file of its own, give the folder of both",
    )
    other = tmp_path / "npy"
    other.mkdir()
    for name, array in (
        ("X_train", IMAGES[:18]),
        ("y_train", LABELS[:18]),
        ("X_test", IMAGES[18:]),
        ("y_test", LABELS[18:]),
    ):
        np.save(other / f"{name}.npy", array)
    assert loaded(other, validation=0)[0].fingerprint() == found.fingerprint()


def test_several_data_sets_in_a_folder(tmp_path):
    for name in ("one", "two"):
        np.savez(tmp_path / f"{name}.npz", images=IMAGES, labels=LABELS)
    refused(
        tmp_path,
        "{place}: holds several data sets, each with train images and labels (one.npz, two.npz); give one of them, as in "
        "{place}/one.npz",
    )


def test_channels_first_is_refused_with_the_line_that_mends_it(tmp_path):
    for channels in (1, 3):
        np.savez(tmp_path / "a.npz", images=np.repeat(IMAGES[:, None], channels, 1), labels=LABELS)
        refused(
            tmp_path / "a.npz",
            f"{{place}}: images: the shape (24, {channels}, 12, 12) has the channels before the rows; expected (n, height, "
            "width, channels), put the channels last with X.transpose(0, 2, 3, 1)",
        )


def test_counts_are_compared_before_anything_is_unpacked(tmp_path):
    """Headers that declare many images beside few labels: nothing is unpacked, so bad bytes are never met."""
    path = tmp_path / "a.npz"
    header = (
        b"\x93NUMPY\x01\x00v\x00"
        + b"{'descr': '|u1', 'fortran_order': False, 'shape': (20000, 12, 12), }".ljust(117)
        + b"\n"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("images.npy", header + bytes(20_000 * 144))
        archive.writestr(
            "labels.npy",
            b"\x93NUMPY\x01\x00v\x00"
            + b"{'descr': '|u1', 'fortran_order': False, 'shape': (40,), }".ljust(117)
            + b"\n"
            + bytes(40),
        )
    data_bytes = bytearray(path.read_bytes())
    data_bytes[10_000] ^= 0xFF  # in the packed pixels: whoever unpacks them notices
    path.write_bytes(data_bytes)
    refused(path, "{place}: 20000 images but 40 labels; there must be one label an image")


def test_counts_of_idx_files_are_compared_first(tmp_path):
    packed = gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 20_000, 28, 28) + bytes(20_000 * 784))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(packed[:-9])  # cut short: whoever unpacks it notices
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(40)))
    refused(tmp_path, "{place}: 20000 images but 40 labels; there must be one label an image")


def write_idx(folder, names, images=IMAGES, labels=LABELS, packed=False):
    folder.mkdir(exist_ok=True, parents=True)
    for name, array in zip(names, (images, labels), strict=True):
        content = idx_bytes(array)
        (folder / name).write_bytes(gzip.compress(content) if packed else content)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train-{}-{}-ubyte", "t10k-{}-{}-ubyte"),
        ("train-{}.{}-ubyte", "t10k-{}.{}-ubyte"),
        ("kmnist-train-{}-{}-ubyte.gz", "kmnist-test-{}-{}-ubyte.gz"),
        ("qmnist-train-{}-{}-ubyte", "qmnist-test-{}-{}-ubyte"),
        ("train_{}_{}_ubyte", "test_{}_{}_ubyte"),
        ("my.set.Train-{}-{}-ubyte", "my.set.TEST-{}-{}-ubyte"),
        ("emnist-digits-train-{}-{}-ubyte", "emnist-digits-test-{}-{}-ubyte"),
    ],
)
def test_idx_pairs_of_any_prefix(tmp_path, train, test):
    for name, some in ((train, slice(0, 18)), (test, slice(18, None))):
        names = [name.format("images", "idx3"), name.format("labels", "idx1")]
        write_idx(tmp_path, names, IMAGES[some], LABELS[some], name.endswith("gz"))
    found, lines = loaded(tmp_path, validation=0)
    assert counts(found) == [18, 0, 6]
    turned = "emnist" in train.split("-")
    expected = IMAGES.transpose(0, 2, 1) if turned else IMAGES
    np.testing.assert_array_equal(found.train.images[..., 0], expected[:18])
    assert ("  images are turned, rows for columns: EMNIST's files hold rows as columns" in lines) == turned
    assert found.rules.transpose == turned
    other, _ = loaded(tmp_path, validation=0, transpose=not turned)
    np.testing.assert_array_equal(other.train.images[..., 0], expected[:18].transpose(0, 2, 1))


def test_qmnist_has_labels_of_several_columns(tmp_path):
    write_idx(tmp_path, ("qmnist-train-images-idx3-ubyte", "gone"))
    (tmp_path / "gone").unlink()
    rows = np.zeros((24, 8), ">i4")
    rows[:, 0], rows[:, 1] = LABELS, 9
    (tmp_path / "qmnist-train-labels-idx2-int").write_bytes(struct.pack(">HBB2I", 0, 12, 2, 24, 8) + rows.tobytes())
    found, _ = loaded(tmp_path)
    assert found.classes == ("0", "1", "2")
    assert sum(counts(found)) == 24


def test_several_sets_of_idx_files_and_one_by_its_prefix(tmp_path):
    for name in ("letters", "digits"):
        write_idx(tmp_path, [f"emnist-{name}-train-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")])
    refused(
        tmp_path,
        "{place}: holds several data sets (emnist-digits, emnist-letters); give one of them, as in "
        "{place}/emnist-letters, or put each into a folder of its own",
    )
    (tmp_path / "emnist-letters-mapping.txt").write_text("0 65 97\n1 66 98\n2 67 99\n")
    assert loaded(tmp_path / "emnist-letters")[0].classes == ("A", "B", "C")
    assert loaded(tmp_path / "emnist-digits")[0].classes == ("0", "1", "2")


def test_labels_of_idx_files_obey_the_rules_of_picture_folders(tmp_path):
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    write_idx(tmp_path, names, labels=np.ones(24))
    refused(tmp_path, "{place}: there is only the class '1'; at least two are needed")
    write_idx(tmp_path, names, labels=LABELS % 2 * 255)
    found, lines = loaded(tmp_path)
    assert found.classes == ("0", "255")
    assert "  no image has the labels 1, 2, 3, 4, 5, 6, 7, 8, and 246 more; they are not classes" in lines
    write_idx(tmp_path, ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"), IMAGES[:2], [0, 7])
    refused(tmp_path, "{place}: test images have the label 7, which no training image has")


def test_what_an_idx_folder_lacks(tmp_path):
    write_idx(tmp_path, ("emnist-letters-train-images-idx3-ubyte", "x"))
    refused(
        tmp_path,
        "{place}: there is no emnist-letters-train-labels-idx1-ubyte or emnist-letters-train-labels-idx1-ubyte.gz; a "
        "folder of IDX files needs it",
    )
    shutil.rmtree(tmp_path)
    write_idx(tmp_path, ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"))
    refused(tmp_path, "{place}: there are only test images (t10k-images-idx3-ubyte); training images are needed")
    one = tmp_path / "t10k-images-idx3-ubyte"
    refused(one, f"{one}: is one IDX file; give the folder of images and labels, {tmp_path}")


def test_matlab_files_of_version_5(tmp_path):
    from scipy.io import savemat

    colour = np.repeat(IMAGES[..., None], 3, axis=3)
    for name, some in (("train_32x32.mat", slice(0, 18)), ("test_32x32.mat", slice(18, None))):
        savemat(
            tmp_path / name, {"X": colour[some].transpose(1, 2, 3, 0), "y": LABELS[some, None] + 1}, do_compression=True
        )
    found, _ = loaded(tmp_path, validation=0)
    assert counts(found) == [18, 0, 6]
    assert found.classes == ("1", "2", "3")
    np.testing.assert_array_equal(found.train.images, colour[:18])
    alone, _ = loaded(tmp_path / "train_32x32.mat")
    assert sum(counts(alone)) == 18
    savemat(tmp_path / "rows.mat", {"X": IMAGES.reshape(24, 144) / 255, "y": LABELS[None]})
    assert loaded(tmp_path / "rows.mat")[0].image_shape == (12, 12, 1)


def test_matlab_files_that_are_refused(tmp_path):
    from scipy.io import savemat

    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(600, b"\0"))
    refused(path, "{place}: is a MATLAB file of version 7.3 (HDF5); save it with '-v7', or as .npz")
    path.write_bytes(b"MATLAB 4")
    refused(path, "{place}: is no MATLAB file of version 5; save it with '-v7', or as .npz")
    savemat(path, {"X": IMAGES.transpose(1, 2, 0), "y": LABELS[:5]})
    refused(path, "{place}: 24 images but 5 labels; there must be one label an image")
    savemat(path, {"X": IMAGES.transpose(1, 2, 0), "y": LABELS})
    whole = path.read_bytes()
    for length in range(0, len(whole), 401):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"a\.mat"):
            data.load(path)


def test_arrays_in_a_zip(tmp_path):
    np.savez_compressed(tmp_path / "set.npz", images=IMAGES, labels=LABELS)
    write_idx(tmp_path, ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"), packed=True)
    for inner in (("set.npz",), ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")):
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
            for name in inner:
                archive.write(tmp_path / name, f"folder/{name}")
        assert sum(counts(loaded(tmp_path / "set.zip")[0])) == 24


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.tar.gz", "is a file that is not read; unpack it with 'tar -xzf a.tar.gz' and give the folder"),
        ("a.rar", "is a file that is not read; unpack it with 'unrar x a.rar' and give the folder"),
        ("a.h5", "is a file that is not read; save it as .npz"),
        ("a.txt", "is no data set; expected a folder, or a .zip, .npz, .mat, .csv, .tsv or .parquet file"),
    ],
)
def test_files_that_are_not_read(tmp_path, name, message):
    (tmp_path / name).write_bytes(b"x")
    refused(tmp_path / name, f"{{place}}: {message}")


@pytest.mark.parametrize("option", ["labels", "label_pattern", "group_pattern", "class_level"])
def test_options_for_pictures_are_refused_for_arrays(tmp_path, option):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=LABELS)
    value = {"class_level": 1, "labels": "a.csv"}.get(option, "(?P<label>x)(?P<group>y)")
    said = f"--{option.replace('_', '-')} {value}: is for pictures in files, but {{place}} holds images in arrays or tables"
    refused(tmp_path, said, **{option: value})
    refused(tmp_path / "a.npz", said, **{option: value})
