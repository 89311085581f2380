"""Images in files: read at their place, never copied whole, and trained to the same bits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convlet.data import mapped
from convlet.data.inputs import as_images
from convlet.data.mapped import image_file, pieces
from convlet.errors import DataError, TrainingError
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.training.loop import train
from tests.training.examples import CLASSES, ImageSet, network, stripes

SHOWN = stripes(100)


@pytest.fixture(autouse=True)
def _every_size_counts_as_large(monkeypatch):
    monkeypatch.setattr(mapped, "LARGE_BYTES", 0)


@pytest.fixture
def path(tmp_path):
    """A .npy file with the images of SHOWN."""
    np.save(tmp_path / "images.npy", SHOWN.images)
    return tmp_path / "images.npy"


def test_images_are_read_at_their_place(path):
    file = image_file(as_images(np.load(path, mmap_mode="r"), "images"))
    numbers = np.array([99, 0, 7, 7])
    np.testing.assert_array_equal(file.read(numbers), SHOWN.images[numbers])
    np.testing.assert_array_equal(file.read_range(5, 40), SHOWN.images[5:40])
    assert file.read(numbers[:0]).shape == (0, 8, 8, 1)


def test_part_of_a_file_beyond_its_first_page(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.standard_normal((300, 5, 7, 2)).astype(np.float32)
    images.tofile(tmp_path / "raw")
    whole = np.memmap(tmp_path / "raw", np.float32, "r", offset=4 * 70 * 200, shape=(100, 5, 7, 2))
    part = whole[30:].reshape(70, 7, 5, 2)
    np.testing.assert_array_equal(image_file(part).read(np.array([3, 69])), part[[3, 69]])


def test_what_is_read_as_it_is(path, tmp_path, monkeypatch):
    assert image_file(SHOWN.images) is None
    assert image_file(SHOWN.images[10:]) is None
    assert image_file(np.load(path, mmap_mode="c")) is None, "a private mapping may differ from its file"
    whole = np.load(path, mmap_mode="r")
    assert image_file(whole[::2]) is None
    assert image_file(whole + np.uint8(1)) is None
    monkeypatch.setattr(mapped, "LARGE_BYTES", whole.nbytes + 1)
    assert image_file(whole) is None
    monkeypatch.setattr(mapped, "LARGE_BYTES", whole.nbytes)
    assert image_file(whole) is not None
    path.unlink()
    assert image_file(whole) is None
    np.save(path, 255 - SHOWN.images)
    assert image_file(whole) is None, "another file has taken the name"


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_pieces_are_the_images_in_order(tmp_path, kind):
    images = SHOWN.images.astype(kind)
    np.save(tmp_path / "images.npy", images)
    for given in (images, np.load(tmp_path / "images.npy", mmap_mode="r")):
        found = list(pieces(given, 30 * 64 * images.itemsize + 5))
        assert [len(part) for part in found] == [30, 30, 30, 10]
        np.testing.assert_array_equal(np.concatenate(found), images)
        assert Preprocessing.from_images(given) == Preprocessing.from_images(images)


def test_a_file_that_was_cut_short_is_refused(path):
    file = image_file(np.load(path, mmap_mode="r"))
    with path.open("r+b") as opened:
        opened.truncate(128 + 64 * 70 + 5)
    for read in (lambda: file.read(np.array([0, 70])), lambda: file.read_range(40, 100)):
        with pytest.raises(DataError) as caught:
            read()
        assert str(caught.value) == f"{path}: ends before image 70 of 100; it was cut short while it was in use"


def test_pixels_in_a_file_that_are_no_numbers_are_refused(tmp_path):
    images = SHOWN.images.astype(np.float32)
    images[77, 3, 3] = np.nan
    np.save(tmp_path / "images.npy", images)
    with pytest.raises(DataError) as caught:
        as_images(np.load(tmp_path / "images.npy", mmap_mode="r"), "training images")
    assert str(caught.value) == (
        "the training images must be finite, but number 77 holds nan; mend or leave out that image"
    )


def test_training_from_a_file_gives_the_same_model(path):
    net = network("conv4-relu-pool-dropout0.5")
    settings = Settings(epochs=2, batch=24, threads=2, augment="flipalt-shift1-cutmix0.5")
    held_out = stripes(50, seed=1)
    results = [
        train(net, ImageSet(images, SHOWN.labels), held_out, classes=CLASSES, settings=settings)
        for images in (SHOWN.images, np.load(path, mmap_mode="r"))
    ]
    assert results[0].model.sha256() == results[1].model.sha256()
    for name in ("train_loss", "validation_loss", "validation_error"):
        assert results[0].history[name] == results[1].history[name]


def test_divergence_names_the_same_layer_from_a_file(path):
    said = []
    for images in (SHOWN.images, np.load(path, mmap_mode="r")):
        with pytest.raises(TrainingError) as caught:
            train(
                network("conv4-relu-pool"),
                ImageSet(images, SHOWN.labels),
                classes=CLASSES,
                settings=Settings(epochs=2, batch=24, optimizer="sgd", learning_rate=1e38, threads=1),
            )
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert ": layer " in said[0]


MEASURE = """
import re, sys
import numpy as np
from convlet.training import Settings, train
from tests.training.examples import ImageSet, network

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024

def run(images):
    labels = np.arange(len(images)) % 2
    given = ImageSet(images, labels)
    train(network("gap", 2), given, given, classes=("a", "b"), settings=Settings(batch=50, threads=1))

images = np.memmap(sys.argv[1], np.uint8, "r", shape=(1200, 240, 240, 1))
run(np.zeros((100, 240, 240, 1), np.uint8))
before = peak()
run(images)
print(peak() - before, images.nbytes)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak memory of a process is read from /proc")
def test_memory_stays_flat(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1200 * 240 * 240)
    done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    grown, size = map(int, done.stdout.split())
    assert grown < size / 2, f"training on {size:,} bytes in a file took {grown:,} bytes more than on a few images"
