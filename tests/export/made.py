"""Models to export, and the networks that `benchmarks/export_onnx.py` draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.likeness import TrainingImages
from convlet.model.model import Model
from convlet.network.layout import Layout
from convlet.network.word import parse, with_head

NASTY = (
    "plain",
    'a "double" and \'single\' """triple"""',
    "two\nlines\r\n",
    "<b>&amp;</b> \\ {x} \u2028 \U0001f600",
    "",
)
"""Class names that break careless writers."""


def model_of(word="conv3-relu-pool", shape=(6, 7, 2), classes=("a", "b", "c"), members=1, views="", seed=0):
    """A model of random parameters and statistics, in the range of pixels."""
    rng, network = np.random.default_rng(seed), with_head(parse(word), len(classes))
    layout = Layout(network, shape)
    parts = [layout.initial_parameters(network, shape, seed + member) for member in range(members)]
    parameters = np.concatenate(parts) + np.float32(0.1) * rng.standard_normal(members * layout.parameter_count)
    state = 0.5 + rng.random(members * layout.state_count)
    scale = Preprocessing((120.0,) * shape[2], (70.0,) * shape[2])
    settings = Settings(members=members, views=views).as_dict()
    return Model(word, shape, classes, scale, parameters, state, settings)


def images_of(model, count=5, seed=0):
    """Random uint8 images (count, H, W, C)."""
    return np.random.default_rng(seed).integers(0, 256, (count, *model.input_shape), np.uint8)


def described(model, low=0.0, high=255.0, **more):
    """The model with training images of this range."""
    return replace(model, training_images=TrainingImages(50, low, high, **more))
