"""Every command with every part of its data missing, or of another shape than its model: one line each."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from convlet.cli import main

RNG = np.random.default_rng(0)


def folder(place, each, classes=3, size=8, parts=()):
    """A folder of grey pictures, `each` of a class; of several parts if they are named."""
    for part in parts or ("",):
        for name in "abcd"[:classes]:
            where = place / part / name
            where.mkdir(parents=True)
            for number in range(each):
                pixels = RNG.integers(0, 255, (size, size)).astype(np.uint8)
                Image.fromarray(pixels).save(where / f"{part}{number}.png")
    return str(place)


def arrays(place, shape, count=30, **more):
    images = RNG.integers(0, 255, (count, *shape)).astype(np.uint8)
    np.savez(place, images=images, labels=np.arange(count) % 3, **more)
    return str(place)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    monkeypatch.chdir(tmp_path)


def one_line(capsys, arguments, code=2):
    assert main([str(argument) for argument in arguments]) == code
    err = [line for line in capsys.readouterr().err.splitlines() if line.startswith("convlet: ")]
    assert len(err) == 1
    return err[0].removeprefix("convlet: ")


WORD = ["-a", "dense2-relu", "--epochs", "1", "--quiet"]
ONE = (
    "one has no test images, and its 3 training images in 3 classes are too few to set some aside; give at least 2 "
    "images of each class, or a test folder"
)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["train", "one", *WORD], ONE),
        (["train", "one", *WORD, "--find-lr"], ONE),
        (["train", "one", "--recipe", "fast"], ONE),
        (["compare", "one", "dense2-relu", "--epochs", "1"], ONE),
        (["compare", "two", "dense2-relu", "--then", "one"], ONE),
        (["compare", "one", "dense2", "dense3"], "one has no validation images to choose one of 2 networks by; give at least 3 images of each class"),
        (["compare", "two", "dense2", "dense3"], "two has no validation images to choose one of 2 networks by; give at least 3 images of each class"),
        (["compare", "many", "dense2", "dense3", "--validation", "0"], "many has no validation images to choose one of 2 networks by; raise --validation, as in --validation 0.1"),
        (["evaluate", "model", "many", "--part", "validation", "--validation", "0"], "many has no validation images to evaluate on; raise --validation, as in --validation 0.1"),
        (["evaluate", "model", "two", "--part", "validation"], "two has no validation images to evaluate on; give at least 3 images of each class"),
        (["evaluate", "model", "one", "--part", "validation"], "one has no validation images to evaluate on; give at least 3 images of each class"),
        (["evaluate", "model", "one", "--part", "test"], "one has no test images to evaluate on; give data with some, or another --part"),
        (["evaluate", "model", "one"], "one has no test images to evaluate on; give data with some, or another --part"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_part_without_images_is_one_line(tmp_path, capsys, arguments, text):
    for name, each in (("one", 1), ("two", 2), ("many", 12)):
        folder(tmp_path / name, each)
    if "model" in arguments:
        assert main(["train", "many", *WORD, "--output", "model"]) == 0
        capsys.readouterr()
    before = sorted(tmp_path.iterdir())
    assert one_line(capsys, arguments) == text
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("part", ["train", "validation", "test"])
@pytest.mark.parametrize("more", [[], ["--validation", "0"]], ids=["default", "without"])
def test_every_part_that_is_there_is_evaluated(tmp_path, capsys, part, more):
    folder(tmp_path / "two", 2)
    folder(tmp_path / "many", 12)
    for name in ("two", "many"):
        assert main(["train", name, *WORD, *more, "--output", f"of-{name}"]) == 0
        has = part != "validation" or (name == "many" and not more)
        assert main(["evaluate", f"of-{name}", name, "--part", part, *more]) == (0 if has else 2)
    capsys.readouterr()


def test_a_test_folder_stands_in_for_images_set_aside(tmp_path, capsys):
    folder(tmp_path / "split", 1, parts=("train", "test"))
    assert main(["train", "split", *WORD, "--output", "run"]) == 0
    assert main(["evaluate", "run", "split"]) == 0
    capsys.readouterr()


SHAPES = {
    "grey": (8, 8),
    "rgb": (8, 8, 3),
    "thirteen": (8, 8, 13),
    "two": (8, 8, 2),
    "tall": (16, 8),
    "large": (16, 16, 3),
}


def named(shape):
    return "x".join(map(str, (*shape, 1)[:3]))


def test_images_of_another_shape_than_the_models_are_one_line(tmp_path, capsys):
    for name, shape in SHAPES.items():
        arrays(tmp_path / f"{name}.npz", shape)
        assert main(["train", f"{name}.npz", *WORD, "--output", name]) == 0
    for name, shape in SHAPES.items():
        for other, its in SHAPES.items():
            if name == other or {name, other} == {"grey", "rgb"}:  # grey and colour are turned into each other
                assert main(["evaluate", name, f"{other}.npz"]) == 0
                continue
            assert one_line(capsys, ["evaluate", name, f"{other}.npz"]) == (
                f"{other} has images of {named(its)}, but the model was trained on images of {named(shape)}; give images "
                "like the model's own"
            )
    Image.fromarray(np.zeros((8, 8), np.uint8)).save("grey.png")
    Image.fromarray(np.zeros((9, 8, 3), np.uint8)).save("colour.png")
    for picture, channels in (("grey.png", 1), ("colour.png", 3)):
        for name in ("thirteen", "two"):
            wanted = SHAPES[name][2]
            assert one_line(capsys, ["predict", name, picture]) == (
                f"{picture}: has {channels} channels, but the model was trained on images of {wanted}, which no picture "
                "file holds; predict arrays in Python"
            )
        for name in ("grey", "rgb", "tall", "large"):
            assert main(["predict", name, picture]) == 0
            capsys.readouterr()


def test_a_folder_of_pictures_of_another_size_names_the_option(tmp_path, capsys):
    folder(tmp_path / "small", 4)
    folder(tmp_path / "large", 4, size=12)
    assert main(["train", "small", *WORD, "--output", "run"]) == 0
    capsys.readouterr()
    assert one_line(capsys, ["evaluate", "run", "large"]) == (
        "large has images of 12x12x1, but the model was trained on images of 8x8x1; for a folder of pictures, give "
        "--size 8x8"
    )
    assert main(["evaluate", "run", "large", "--size", "8x8"]) == 0


HUGE = (
    "the network's output is not finite: layer 1 (conv2) puts out values that are not finite; use pixels of the training "
    "images' range, or train the model again with a lower learning rate"
)


def test_a_prediction_that_is_not_finite_names_image_and_layer(tmp_path, capsys):
    """Pixels of 3e38 are finite and become infinite in the first layer."""
    pixels = RNG.random((30, 8, 8)).astype(np.float32)
    huge, labels = pixels[:9].copy(), np.arange(30) % 3
    huge[5] = 3e38
    np.savez("fine.npz", images=pixels, labels=labels)
    np.savez("test.npz", images=pixels, labels=labels, test_images=huge, test_labels=labels[:9])
    word = ["-a", "conv2", "--epochs", "1", "--quiet"]
    assert main(["train", "fine.npz", *word, "--output", "fine"]) == 0
    capsys.readouterr()
    for arguments in (
        ["evaluate", "fine", "test.npz", "--json", "out.json"],
        ["train", "test.npz", *word, "--output", "run"],
    ):
        assert one_line(capsys, arguments, 1) == f"test image 5: {HUGE}"
    assert (tmp_path / "run" / "failure.json").exists()
    assert not (tmp_path / "out.json").exists()
    assert main(["compare", "test.npz", "conv2", "dense2", "--epochs", "1", "--quiet"]) == 1
    assert f"failed: conv2: test image 5: {HUGE}" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize("members", [1, 2])
def test_seeds_at_the_end_of_their_range_repeat(tmp_path, capsys, members):
    folder(tmp_path / "many", 6)
    last = ["--seed", 2**64 - 1, "--epochs", 1, "--members", members, "--quiet"]
    assert main([str(one) for one in ["compare", "many", "dense2", "dense3", "--repeats", 2, *last]]) == 0
    assert main([str(one) for one in ["train", "many", "-a", "dense2", *last, "--output", "run"]]) == 0
    assert main([str(one) for one in ["train", "many", "-a", "dense2", *last[:-1], "--find-lr"]]) == 0
    capsys.readouterr()
    assert one_line(capsys, ["train", "many", "-a", "dense2", "--seed", 2**64]) == (
        f"seed must be a whole number from 0 to 2**64 - 1, but got {2**64}"
    )
