"""The two sides are the same network, a wrong one is caught before anything is timed, and tables are complete."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import against_pytorch  # noqa: E402
import epoch  # noqa: E402
import in_pytorch  # noqa: E402
import inference  # noqa: E402
from convlet.errors import ConvletError  # noqa: E402
from convlet.network.layout import Layout  # noqa: E402
from networks import drawn, headed, same  # noqa: E402

EVERY_LAYER = "conv4k5-relu-pool-conv3v-tanh-dropout0.5-dense6-relu"


@pytest.mark.parametrize(
    ("word", "shape", "count"),
    [
        (EVERY_LAYER, (9, 7, 2), 20),
        ("conv4-relu-gap", (5, 6, 3), 20),
        ("dense5-tanh-dense4", (3, 4, 2), 20),
        ("conv4-relu-pool-bn-conv5-relu-bn-gap", (8, 8, 3), 16),
    ],
)
def test_both_sides_compute_the_same(word, shape, count):
    in_pytorch.check("this", shape, word, *drawn(shape, count), threads=2)


def test_a_wrong_gradient_is_caught(monkeypatch):
    right = in_pytorch.Twin.gradients
    wrong = {"0.conv.biases": 1.002}

    def planted(twin):
        return {name: array * np.float32(wrong.get(name, 1.0)) for name, array in right(twin).items()}

    monkeypatch.setattr(in_pytorch.Twin, "gradients", planted)
    with pytest.raises(SystemExit) as caught:
        in_pytorch.check("this", (9, 7, 2), EVERY_LAYER, *drawn((9, 7, 2), 20), threads=1)
    message = "this, gradient of 0.conv.biases: the two sides are 0.2 % apart; nothing was timed"
    assert str(caught.value) == message


def test_logits_that_are_not_finite_are_caught():
    with pytest.raises(SystemExit):
        same("these", np.array([1.0, np.nan]), np.array([1.0, 2.0]))


@pytest.mark.parametrize("word", ["conv4s2", "res4"])
def test_a_layer_without_translation_is_refused(word):
    network = headed(word)
    arrays = Layout(network, (8, 8, 1)).views(np.zeros(Layout(network, (8, 8, 1)).parameter_count, np.float32))
    with pytest.raises(SystemExit, match="has no translation"):
        in_pytorch.Twin(network, (8, 8, 1), arrays)


def test_training_steps(run):
    printed, kept = run(against_pytorch, "--runs", 1, "--threads", 1, "--batch", 16, "B2")
    assert "| B2 |" in printed
    (row,) = kept["rows"]
    assert set(row["seconds_per_step"]) == {"convlet", "default", "channels-last"}
    best = min(row["seconds_per_step"][layout]["median"] for layout in ("default", "channels-last"))
    assert row["ratio"]["median"] == best / row["seconds_per_step"]["convlet"]["median"]
    assert kept["versions"]["torch"] == torch.__version__


def test_inference(run):
    printed, kept = run(inference, "--runs", 1, "--threads", 1, "--images", 20, "B2")
    assert [row["images"] for row in kept["rows"]] == [1, 20]
    assert printed.count("| B2 |") == 2


def test_an_epoch(run, small_mnist):
    printed, kept = run(epoch, "--seeds", 2, "--threads", 1, "--data", small_mnist, "--images", 300)
    own, other = kept["rows"]
    assert (own["side"], other["side"]) == ("convlet", "PyTorch")
    assert all(len(row["accuracies"]) == 2 for row in kept["rows"])
    assert own["ratio"]["runs"] == [
        a / b for a, b in zip(other["seconds"]["runs"], own["seconds"]["runs"], strict=True)
    ]
    assert "ratio 2.5, mean 99.0 %" in printed
    assert kept["training_images"] == 300


def test_both_sides_of_the_epoch_learn(small_mnist):
    """Enough steps, and the bright rows are told apart."""
    from convlet import load_data
    from convlet.learning.preprocessing import Preprocessing

    data = load_data(small_mnist, validation=0.0)
    many = np.tile(np.arange(len(data.train)), 8)
    preprocessing = Preprocessing.from_images(data.train.images)
    shown = in_pytorch.tensors(data.train.images[many], data.train.labels[many], preprocessing)
    tested = in_pytorch.tensors(data.test.images, data.test.labels, preprocessing)
    _, accuracy = epoch.pytorch_run(shown, tested, data.image_shape, 0, "default")
    assert accuracy > 0.9


def test_a_data_set_that_is_not_there(run):
    with pytest.raises(ConvletError):
        run(epoch, "--data", "nosuch")
