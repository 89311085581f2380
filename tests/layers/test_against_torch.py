"""Each layer and each of its gradients against PyTorch, in float64."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.layers import (
    GELU,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Tanh,
)
from tests.layers.table import IDS, INFERENCE, ROWS, TRAINING, drawn_arrays, uniform

torch = pytest.importorskip("torch")
functional = torch.nn.functional


def channels_first(x):
    return x.permute(0, 3, 1, 2)


def channels_last(x):
    return x.permute(0, 2, 3, 1)


def conv(layer, x, parameters, state, run):
    (above, below), (left, right) = layer.pads(*x.shape[1:3])
    padded = functional.pad(channels_first(x), (left, right, above, below))
    weights = parameters["weights"].permute(3, 2, 0, 1)
    return channels_last(functional.conv2d(padded, weights, parameters["biases"], stride=layer.stride))


def dense(layer, x, parameters, state, run):
    return functional.linear(x.flatten(1), parameters["weights"].T, parameters["biases"])


def dropout(layer, x, parameters, state, run):
    """PyTorch draws its own numbers, so only the mask is ours."""
    keep = torch.from_numpy(uniform(run.path, tuple(x.shape)) >= layer.rate)
    return torch.where(keep, x / (1 - layer.rate), 0) if run.training else x


def batch_norm(layer, x, parameters, state, run):
    """PyTorch moves its running statistics as it goes, so it gets copies."""
    scale, shift = parameters["scale"], parameters["shift"]
    mean, variance = state["mean"].clone(), state["variance"].clone()
    flat = x.reshape(-1, x.shape[-1])
    y = functional.batch_norm(flat, mean, variance, scale, shift, training=run.training, eps=layer.epsilon)
    return y.reshape(x.shape)


def under(prefix, arrays):
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def sequential(layer, x, parameters, state, run):
    for index, inner in enumerate(layer.layers):
        prefix = f"{index}.{inner.kind}."
        theirs = FORWARD[type(inner)]
        x = theirs(inner, x, under(prefix, parameters), under(prefix, state), run.at(index))
    return x


def residual(layer, x, parameters, state, run):
    def branch(name, network):
        return sequential(network, x, under(name, parameters), under(name, state), run)

    projection = layer.stride != 1 or x.shape[-1] != layer.filters
    convs = [Conv(layer.filters, 3, layer.stride), Conv(layer.filters)]
    main = branch("main.", Sequential([convs[0], BatchNorm(), ReLU(), convs[1], BatchNorm()]))
    if not projection:
        return functional.relu(main + x)
    return functional.relu(main + branch("shortcut.", Sequential([Conv(layer.filters, 1, layer.stride), BatchNorm()])))


def pooling(function):
    def forward(layer, x, parameters, state, run):
        return channels_last(function(channels_first(x), layer.size, layer.stride))

    return forward


def elementwise(function):
    return lambda layer, x, parameters, state, run: function(x)


FORWARD = {
    Conv: conv,
    MaxPool: pooling(functional.max_pool2d),
    AvgPool: pooling(functional.avg_pool2d),
    GlobalAvgPool: elementwise(lambda x: functional.adaptive_avg_pool2d(channels_first(x), 1).flatten(1)),
    Dense: dense,
    ReLU: elementwise(functional.relu),
    LeakyReLU: lambda layer, x, parameters, state, run: functional.leaky_relu(x, layer.slope),
    Tanh: elementwise(torch.tanh),
    Sigmoid: elementwise(torch.sigmoid),
    GELU: elementwise(lambda x: functional.gelu(x, approximate="tanh")),
    SiLU: elementwise(functional.silu),
    Dropout: dropout,
    BatchNorm: batch_norm,
    Flatten: elementwise(lambda x: x.flatten(1)),
    Residual: residual,
    Sequential: sequential,
}

ASYMMETRIC = [
    (Conv(3, size=3, stride=2), (8, 6, 2)),
    (Conv(2, size=2, stride=1), (5, 4, 3)),
    (Conv(2, size=4, stride=3), (7, 8, 2)),
    (Conv(2, size=2, stride=4), (9, 6, 1)),
    (Conv(2, size=5, stride=2), (2, 4, 2)),
]
"""Padding "same" whose zeros are not the same on both sides."""

CASES = ROWS + ASYMMETRIC
NAMES = IDS + [f"{layer.token()} on {shape}" for layer, shape in ASYMMETRIC]


def test_the_asymmetric_cases_are_asymmetric():
    for layer, shape in ASYMMETRIC:
        assert any(before != after for before, after in layer.pads(*shape[:2])), layer


@pytest.mark.parametrize("run", [TRAINING, INFERENCE], ids=["training", "inference"])
@pytest.mark.parametrize(("layer", "input_shape"), CASES, ids=NAMES)
def test_forward_and_backward_equal_pytorch(layer, input_shape, run):
    x, parameters, state = drawn_arrays(layer, input_shape, np.float64)
    y, saved = layer.forward(x, parameters, state, run)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    dx, gradients = layer.backward(dy, saved, parameters)

    their_x = torch.tensor(x, requires_grad=True)
    theirs = {name: torch.tensor(array, requires_grad=True) for name, array in parameters.items()}
    their_state = {name: torch.tensor(array) for name, array in state.items()}
    their_y = FORWARD[type(layer)](layer, their_x, theirs, their_state, run)
    their_y.backward(torch.tensor(dy))

    def equal(ours, tensor):
        np.testing.assert_allclose(ours, tensor.detach().numpy(), rtol=1e-9, atol=1e-11)

    equal(y, their_y)
    equal(dx, their_x.grad)
    for name, gradient in gradients.items():
        equal(gradient, theirs[name].grad)


def test_max_pooling_breaks_ties_as_pytorch_does():
    """Few different pixels, so that nearly every window has a tie."""
    x = np.random.default_rng(0).integers(0, 2, (4, 7, 7, 3)).astype(np.float64)
    layer = MaxPool(3, 2)
    y, saved = layer.forward(x, {}, {}, TRAINING)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    dx, _ = layer.backward(dy, saved, {})
    their_x = torch.tensor(x, requires_grad=True)
    FORWARD[MaxPool](layer, their_x, {}, {}, TRAINING).backward(torch.tensor(dy))
    np.testing.assert_allclose(dx, their_x.grad.numpy(), rtol=1e-12, atol=1e-14)


def test_the_observed_variance_is_the_biased_one():
    """PyTorch normalises by the biased variance but moves its running one by the unbiased; ours is biased."""
    x = np.random.default_rng(0).standard_normal((3, 4, 5, 2))
    parameters = {"scale": np.ones(2), "shift": np.zeros(2)}
    _, saved = BatchNorm().forward(x, parameters, {}, TRAINING)
    mean, variance = torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    functional.batch_norm(channels_first(torch.tensor(x)), mean, variance, training=True, momentum=1.0)
    observed = BatchNorm().observed(saved)
    np.testing.assert_allclose(observed["mean"], mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(observed["variance"] * 60 / 59, variance.numpy(), rtol=1e-12)
