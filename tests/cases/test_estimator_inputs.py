"""What people hand the estimator: paths, Pillow's images, channels first, a single image, one-hot labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from convlet import ConvNetClassifier
from convlet.estimator import inputs as door
from tests.cases.toy import CLASSES, arrays, folder, picture

IMAGES, LABELS = arrays(4)


def taken(X, y=LABELS, shape=None):
    return door.training_images(ConvNetClassifier(), X, y, shape)[0]


def image(path):
    with Image.open(path) as file:
        return file.copy()


def refused(function, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        function()
    assert str(caught.value) == message


@pytest.mark.parametrize("kind", [str, Path, "images", "series", "array"])
def test_lists_of_paths_and_images(tmp_path, kind):
    folder(tmp_path, 4)
    paths = sorted(tmp_path.rglob("*.png"))
    made = {
        str: [str(path) for path in paths],
        Path: paths,
        "images": [image(path) for path in paths],
        "series": pd.Series([str(path) for path in paths]),
        "array": np.array([str(path) for path in paths]),
    }
    given = made[kind]
    found = taken(given)
    expected = np.stack([np.asarray(image(path)) for path in paths])[..., None]
    np.testing.assert_array_equal(found, expected)
    assert taken(given, shape=(6, 6)).shape == (12, 6, 6, 1)


def test_deep_and_transparent_pictures_are_read_as_the_first_ones_were(tmp_path):
    rng = np.random.default_rng(0)
    deep = [Image.fromarray(picture(kind, rng).astype(np.uint16) * 4) for kind in CLASSES for _ in range(4)]
    estimator = ConvNetClassifier()
    found, _ = door.training_images(estimator, deep, LABELS, None)
    assert found.max() == 255
    estimator.image_shape_ = (12, 12, 1)
    dark = Image.fromarray(np.asarray(deep[0]) // 2)
    again = door.more_images(estimator, [dark], (12, 12, 1))
    np.testing.assert_allclose(again[0], found[0] / 2, atol=1)
    ink = []
    for one in deep:
        image = Image.new("RGBA", one.size, (0, 0, 0, 0))
        image.putalpha(Image.fromarray((np.asarray(one) // 4).astype(np.uint8)))
        ink.append(image)
    assert taken(ink).std() > 40


def test_lists_that_are_refused_name_every_picture(tmp_path):
    folder(tmp_path, 4)
    bad = [str(tmp_path / "bar" / "000.png"), "no.png", str(tmp_path)]
    refused(
        lambda: taken(bad, LABELS[:3]),
        "X: 2 pictures cannot be read; mend or remove them: no.png: there is no such file; expected a picture; "
        f"{tmp_path}: is a folder; expected a picture",
    )
    sizes = [Image.new("L", (8, 8)), Image.new("L", (9, 8))]
    refused(
        lambda: taken(sizes, [0, 1]),
        "image 1: is 8x9, but 0 is 8x8; pictures must have one size, resize them with --size, as in --size 32x32",
    )


def test_channels_first():
    nchw = np.zeros((12, 3, 9, 9), np.uint8)
    refused(
        lambda: taken(nchw),
        "X: the shape (12, 3, 9, 9) has the channels before the rows; expected (n, height, width, channels), put the "
        "channels last with X.transpose(0, 2, 3, 1)",
    )
    more = door.more_images
    refused(
        lambda: more(ConvNetClassifier(), nchw, (9, 9, 3)),
        "X has its channels before the rows, 12x3x9x9; put them last with X.transpose(0, 2, 3, 1)",
    )
    refused(
        lambda: more(ConvNetClassifier(), nchw[0], (9, 9, 3)),
        "X has its channels before the rows, 3x9x9; put them last with X.transpose(1, 2, 0)[np.newaxis]",
    )


@pytest.mark.parametrize("shape", [(12, 12), (12, 12, 1), (12, 12, 3)])
def test_a_single_image_to_predict(shape):
    fitted = (*shape, 1)[:3]
    said = "x".join(map(str, shape))
    refused(
        lambda: door.more_images(ConvNetClassifier(), np.zeros(shape), fitted),
        f"X is one image of {said}; many are expected, give X[np.newaxis]",
    )


def test_long_rows_need_a_shape():
    refused(
        lambda: taken(np.zeros((12, 150))),
        "X has rows of 150 numbers, which are no square picture; give image_shape=(height, width) or (height, width, "
        "channels)",
    )
    assert taken(np.zeros((12, 150)), shape=(10, 15)).shape == (12, 10, 15, 1)
    assert taken(np.zeros((12, 150)), shape=(1, 150)).shape == (12, 1, 150, 1)


def test_labels_in_columns():
    refused(
        lambda: taken(IMAGES, np.eye(3)[LABELS]),
        "y is one-hot, 12x3; one label an image is expected, give y.argmax(axis=1)",
    )
    several = np.ones((12, 3), int)
    refused(
        lambda: taken(IMAGES, several),
        "y has several classes an image, 12x3; that is not supported, give one label an image",
    )


def test_images_of_several_sizes():
    ragged = np.empty(12, object)
    ragged[:] = [image[: 10 + k % 2] for k, image in enumerate(IMAGES)]
    refused(lambda: taken(ragged), "X holds images of different sizes, 10x12 and 11x12; bring them to one size first")
