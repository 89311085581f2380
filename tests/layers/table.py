"""Every layer with shapes it takes: one row here puts a layer through all tests of the contract."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

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
    Pass,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Tanh,
)

IMAGE, VECTOR = (6, 7, 3), (5,)

ROWS = [
    (Conv(4), IMAGE),
    (Conv(2, size=5), (7, 6, 2)),
    (Conv(3, size=3, stride=2), (6, 6, 2)),
    (Conv(3, size=2, stride=3, padding="valid"), IMAGE),
    (Conv(5, size=1, stride=2), IMAGE),
    (MaxPool(), IMAGE),
    (MaxPool(3, 2), IMAGE),
    (AvgPool(), IMAGE),
    (AvgPool(2, 3), IMAGE),
    (GlobalAvgPool(), IMAGE),
    (Dense(4), IMAGE),
    (Dense(4), VECTOR),
    (ReLU(), IMAGE),
    (LeakyReLU(), IMAGE),
    (LeakyReLU(0.3), VECTOR),
    (Tanh(), IMAGE),
    (Sigmoid(), VECTOR),
    (GELU(), IMAGE),
    (SiLU(), VECTOR),
    (Dropout(0.4), IMAGE),
    (BatchNorm(), IMAGE),
    (BatchNorm(0.01, 0.5), VECTOR),
    (Flatten(), IMAGE),
    (Residual(3), IMAGE),
    (Residual(4, stride=2), IMAGE),
    (Sequential([Conv(3), BatchNorm(), Tanh(), Dropout(0.3), MaxPool(), Flatten(), Dense(4)]), IMAGE),
]
"""(layer, shape of one example before it)"""

IDS = [f"{layer.token()} on {'x'.join(map(str, shape))}" for layer, shape in ROWS]

image_shapes = st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 4))
any_shapes = st.one_of(image_shapes, st.tuples(st.integers(1, 8)))
sizes, strides, counts = st.integers(1, 5), st.integers(1, 4), st.integers(1, 5)


def _convs(padding: str) -> st.SearchStrategy[Conv]:
    return st.builds(Conv, counts, sizes, strides, st.just(padding))


def _with_room(layers: st.SearchStrategy) -> st.SearchStrategy:
    """Layers whose windows fit, with an image they fit into; it grows from the window size up."""
    return layers.flatmap(
        lambda layer: st.tuples(
            st.just(layer),
            st.tuples(
                st.integers(layer.size, layer.size + 4),
                st.integers(layer.size, layer.size + 4),
                st.integers(1, 4),
            ),
        )
    )


DRAWN = {
    "conv, same": st.tuples(_convs("same"), image_shapes),
    "conv, valid": _with_room(_convs("valid")),
    "max pool": _with_room(st.builds(MaxPool, sizes, st.none() | strides)),
    "average pool": _with_room(st.builds(AvgPool, sizes, st.none() | strides)),
    "global average pool": st.tuples(st.just(GlobalAvgPool()), image_shapes),
    "dense": st.tuples(st.builds(Dense, counts), any_shapes),
    "relu": st.tuples(st.just(ReLU()), any_shapes),
    "leaky relu": st.tuples(st.builds(LeakyReLU, st.floats(0.01, 0.9)), any_shapes),
    "tanh": st.tuples(st.just(Tanh()), any_shapes),
    "sigmoid": st.tuples(st.just(Sigmoid()), any_shapes),
    "gelu": st.tuples(st.just(GELU()), any_shapes),
    "silu": st.tuples(st.just(SiLU()), any_shapes),
    "dropout": st.tuples(st.builds(Dropout, st.floats(0.01, 0.9)), any_shapes),
    "batch normalisation": st.tuples(st.builds(BatchNorm, st.floats(1e-5, 0.1)), any_shapes),
    "flatten": st.tuples(st.just(Flatten()), any_shapes),
    "residual": st.tuples(st.builds(Residual, counts, st.integers(1, 3)), image_shapes),
}
"""For each layer a strategy that draws (layer, input shape) over numbers, strides, paddings and channels."""


def uniform(path, shape):
    """Numbers even over [0, 1), a function of the layer's path and the shape alone."""
    return np.random.default_rng([7, *path]).random(shape, np.float32)


def drawn_arrays(layer, input_shape, dtype, images=3, seed=0):
    """Random x, parameters and state (variances above zero) of a layer, in one float type."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((images, *input_shape)).astype(dtype)
    parameters = {
        name: rng.standard_normal(shape).astype(dtype) for name, shape in layer.parameter_shapes(input_shape).items()
    }
    state = {name: (0.5 + rng.random(shape)).astype(dtype) for name, shape in layer.state_shapes(input_shape).items()}
    return x, parameters, state


TRAINING, INFERENCE = Pass(training=True, uniform=uniform), Pass()
