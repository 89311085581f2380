"""What a network looks at: against PyTorch on the same weights, and by what must hold of it."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

import convlet as cv
from convlet import interpret
from convlet.errors import DataError, InputError, PredictionError
from convlet.layers import Pass
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.network.layout import Layout
from convlet.network.trace_cost import trace_bytes
from convlet.network.word import parse, with_head

WORDS = [
    "conv4-relu-pool-conv6-relu-pool",
    "conv6k5v-tanh-avgpool-conv4-bn-leakyrelu-dropout0.5-dense12-gelu",
    "conv4s2-bn-silu-res6s2-gap",
]
CLASSES = ("a", "b", "c", "d")
SHAPE = (12, 10, 3)


def model_of(word, shape=SHAPE, seed=0):
    """A network whose parameters and running statistics are all drawn, so that none of them is idle."""
    layout = Layout(with_head(parse(word), len(CLASSES)), shape)
    rng = np.random.default_rng(seed)
    parameters = (rng.standard_normal(layout.parameter_count) * 0.3).astype(np.float32)
    state = rng.uniform(0.3, 1.5, layout.state_count).astype(np.float32)
    preprocessing = Preprocessing((110.0, 120.0, 130.0)[: shape[2]], (40.0, 50.0, 60.0)[: shape[2]])
    return Model(word, shape, CLASSES, preprocessing, parameters, state, Settings().as_dict())


def images_of(count, shape=SHAPE):
    return np.random.default_rng(1).integers(0, 256, (count, *shape)).astype(np.uint8)


def torch_pass(model, images, layer=None):
    """Pixels that carry a gradient, what the layer puts out, and the logits, all by PyTorch."""
    torch = pytest.importorskip("torch")
    from tests.layers.test_against_torch import FORWARD, under

    arrays = {name: torch.tensor(np.array(values)) for name, values in model.arrays().items()}
    pixels = torch.tensor(images.astype(np.float32), requires_grad=True)
    x = pixels * torch.tensor(model.preprocessing.scale) + torch.tensor(model.preprocessing.offset)
    kept = None
    for number, (prefix, inner) in enumerate(zip(model.network.prefixes(), model.network.layers, strict=True)):
        own = under(prefix, arrays)
        x = FORWARD[type(inner)](inner, x, own, own, Pass())
        if number == layer:
            kept = x
    return pixels, kept, x


@pytest.mark.parametrize("word", WORDS)
def test_saliency_equals_pytorch(word):
    model, images, targets = model_of(word), images_of(5), np.array([0, 1, 2, 3, 1])
    pixels, _, logits = torch_pass(model, images)
    logits[range(5), targets].sum().backward()
    theirs = pixels.grad.numpy()
    within = 1e-4 * np.abs(theirs).max()  # logits per pixel unit are small numbers
    assert within > 1e-9
    np.testing.assert_allclose(interpret.saliency(model, images, targets, absolute=False), theirs, atol=within)
    np.testing.assert_allclose(interpret.saliency(model, images, targets), np.abs(theirs), atol=within)


@pytest.mark.parametrize("word", WORDS)
def test_grad_cam_equals_pytorch(word):
    torch = pytest.importorskip("torch")
    model, images, targets = model_of(word), images_of(5), np.array([0, 1, 2, 3, 1])
    _, maps, logits = torch_pass(model, images, interpret.cam_layer(model))
    (gradient,) = torch.autograd.grad(logits[range(5), targets].sum(), maps)
    weights = gradient.mean(dim=(1, 2), keepdim=True)
    theirs = torch.relu((weights * maps).sum(dim=3))
    assert theirs.max() > 1e-3
    ours = interpret.grad_cam(model, images, targets)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-4)
    larger = torch.nn.functional.interpolate(theirs[:, None], (12, 10), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(interpret.resize(ours, 12, 10), larger[:, 0].detach().numpy(), atol=1e-4)


@pytest.mark.parametrize("word", WORDS)
def test_activation_maps_equal_pytorch(word):
    model, images = model_of(word), images_of(3)
    found = interpret.activation_maps(model, images)
    assert [item.token for item in found] == [layer.token() for layer in model.network.layers]
    for item in found:
        _, theirs, _ = torch_pass(model, images, item.layer)
        np.testing.assert_allclose(item.values, theirs.detach().numpy(), atol=1e-4)


def test_the_definitions_give_the_logits_of_the_model():
    model, images = model_of(WORDS[0]), images_of(interpret.GROUP + 3)
    np.testing.assert_allclose(interpret.activation_maps(model, images)[-1].values, model.logits(images), atol=1e-4)


def test_without_targets_the_most_probable_class_is_taken_in_every_group():
    model, images = model_of(WORDS[0]), images_of(interpret.GROUP + 3)
    chosen = model.predict(images)
    assert len(set(chosen.tolist())) > 1
    for function in (interpret.saliency, interpret.grad_cam):
        np.testing.assert_array_equal(function(model, images), function(model, images, chosen))


@pytest.mark.parametrize(
    ("word", "layer"),
    [("conv4-relu-pool-conv4-bn-relu-pool", 5), ("conv4", 0), ("pool-conv4-relu", 2), ("res4-relu-gap", 1)],
)
def test_grad_cam_reads_the_last_convolution_after_its_activation(word, layer):
    model = model_of(word)
    assert interpret.cam_layer(model) == layer
    images = images_of(2)
    np.testing.assert_array_equal(interpret.grad_cam(model, images), interpret.grad_cam(model, images, layer=layer))
    assert interpret.grad_cam(model, images).shape == (2, *model.network.shapes(SHAPE)[layer + 1][:2])


def test_what_cannot_be_read_is_refused_in_one_line():
    model, images = model_of("pool-dense5"), images_of(2)
    conv = model_of("conv4-pool")
    cases = [
        (lambda: interpret.grad_cam(model, images), "Grad-CAM reads the output of a convolution, but pool-dense5 has none"),
        (lambda: interpret.grad_cam(conv, images, layer=9), "layer must be from 0 to 3, the layers of the network, but got 9"),
        (lambda: interpret.grad_cam(conv, images, layer=2), "layer 2 (flatten) puts out no maps; choose one before it"),
        (lambda: interpret.top_losses(conv, images, np.array([0, 1]), 0), "count must be a whole number from 1, but got 0"),
    ]  # fmt: skip
    for call, message in cases:
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value) == message
    with pytest.raises(DataError) as caught:
        interpret.saliency(conv, images, np.array([0, 4]))
    assert str(caught.value).startswith("the targets must be from 0 to 3, but number 1 is 4")
    with pytest.raises(DataError) as caught:
        interpret.saliency(conv, images[:, 1:])
    assert str(caught.value) == "the images must be 12x10x3, but got 11x10x3"


def test_top_losses_are_the_largest_and_come_first():
    model, images = model_of(WORDS[0]), images_of(40)
    labels = np.arange(40) % 4
    found = interpret.top_losses(model, images, labels, 7)
    probabilities = model.probabilities(images)
    losses = -np.log(probabilities[np.arange(40), labels])
    np.testing.assert_array_equal(found.images, np.argsort(-losses, kind="stable")[:7])
    np.testing.assert_allclose(found.losses, losses[found.images], rtol=1e-4)
    np.testing.assert_array_equal(found.predicted, probabilities[found.images].argmax(1))
    np.testing.assert_allclose(found.probabilities, probabilities[found.images], rtol=1e-5)


def test_a_prototype_is_taken_for_its_class():
    model = model_of(WORDS[0])
    found = interpret.prototypes(model, steps=30)
    assert found.shape == (4, *SHAPE)
    np.testing.assert_array_equal(model.predict(found), np.arange(4))
    np.testing.assert_array_equal(found, interpret.prototypes(model, steps=30))


@pytest.mark.parametrize(("height", "width"), [(3, 4), (7, 2), (1, 1), (12, 16)])
def test_resizing_keeps_what_is_even(height, width):
    flat = np.full((2, 3, 4), 7.0, np.float32)
    np.testing.assert_allclose(interpret.resize(flat, height, width), 7.0)


def interpolated(maps, height, width):
    """The definition, pixel by pixel: a weighted sum over the whole map."""

    def weights(length, wanted):
        found = np.zeros((wanted, length))
        for number in range(wanted):
            place = min(max((number + 0.5) * length / wanted - 0.5, 0), length - 1)
            for k in range(length):
                found[number, k] = max(0, 1 - abs(place - k))
        return found

    return np.einsum("ph,nhw,qw->npq", weights(maps.shape[1], height), maps, weights(maps.shape[2], width))


def test_resizing_is_linear_between_the_pixels():
    rng = np.random.default_rng(0)
    for _ in range(40):
        h, w, height, width = rng.integers(1, 24, 4)
        maps = rng.standard_normal((2, h, w)).astype(np.float32)
        found = interpret.resize(maps, height, width)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, interpolated(maps, height, width), atol=1e-6)


@pytest.mark.parametrize("shape", [(300, 300), (1, 20_000), (20_000, 1)])
def test_resizing_takes_memory_as_its_pixels_do(shape):
    maps = np.ones((1, *(max(1, side // 2) for side in shape)), np.float32)
    tracemalloc.start()
    try:
        interpret.resize(maps, *shape)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200 * np.prod(shape)


def test_large_images_pass_in_smaller_groups_with_the_same_result(monkeypatch):
    model, images = model_of(WORDS[0]), images_of(7)
    whole = interpret.saliency(model, images), interpret.grad_cam(model, images), interpret.prototypes(model, steps=5)
    assert [rows.stop for rows in interpret.groups(model, 7)] == [7]
    monkeypatch.setattr(interpret, "GROUP_BYTES", 2 * trace_bytes(model.network, SHAPE))
    assert [(rows.start, rows.stop) for rows in interpret.groups(model, 7)] == [(0, 2), (2, 4), (4, 6), (6, 7)]
    cut = interpret.saliency(model, images), interpret.grad_cam(model, images), interpret.prototypes(model, steps=5)
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)
    monkeypatch.setattr(interpret, "GROUP_BYTES", 1)
    assert len(list(interpret.groups(model, 7))) == 7


def test_prototypes_of_some_classes_are_those_of_all():
    model = model_of(WORDS[0])
    whole, some = interpret.prototypes(model, steps=5), interpret.prototypes(model, np.array([3, 1]), steps=5)
    np.testing.assert_allclose(some, whole[[3, 1]], rtol=1e-3, atol=1e-3)
    with pytest.raises(DataError, match="the classes must be from 0 to 3, but number 0 is 4"):
        interpret.prototypes(model, np.array([4]))


def test_gradients_of_several_layers_come_from_one_pass():
    model, images, targets = model_of(WORDS[0]), images_of(3), np.array([0, 1, 2])
    trace = interpret.Trace.of(model, model.preprocessing.apply(images))
    found = trace.gradients(targets, 0, 3, len(model.network.layers))
    assert set(found) == {0, 3, len(model.network.layers)}
    for layer, gradient in found.items():
        np.testing.assert_array_equal(gradient, trace.gradient(targets, layer))


def test_it_is_there_by_its_name():
    assert cv.interpret is interpret


def asked(name):
    """A function of `interpret` that looks at images, with the arguments it needs besides."""
    more = {"top_losses": (np.zeros(300, np.int64),)}.get(name, ())
    return lambda model, images: getattr(interpret, name)(model, images, *more)


@pytest.mark.parametrize("name", ["saliency", "grad_cam", "activation_maps", "top_losses"])
def test_an_image_that_overflows_is_named(name, monkeypatch):
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
    model, images = model_of(WORDS[0]), images_of(300).astype(np.float32)
    channels = model.input_shape[2]
    model = replace(model, preprocessing=Preprocessing((0.0,) * channels, (1e-3,) * channels))
    images[290] = 3e38
    with pytest.raises(PredictionError) as caught:
        asked(name)(model, images)
    assert caught.value.number == 290
    assert str(caught.value) == (
        "image 290: the network's output is not finite: layer 1 (conv4) puts out values that are not finite; use pixels "
        "of the training images' range, or train the model again with a lower learning rate"
    )


def test_prototypes_of_a_huge_network_say_nothing_of_overflow():
    model = model_of(WORDS[0])
    huge = cv.Model(
        *(model.architecture, model.input_shape, model.classes, model.preprocessing),
        *(model.parameters * np.float32(1e12), model.state, model.settings),
    )
    assert interpret.prototypes(huge, steps=3).shape == (4, *SHAPE)
