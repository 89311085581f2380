"""Which engine runs a network: the compiled one, or the layers' NumPy definitions."""

from __future__ import annotations

import importlib
import os
from difflib import get_close_matches

import numpy as np

from convlet.errors import SettingsError
from convlet.layers.base import Array, Shape
from convlet.layers.sequential import Sequential
from convlet.training.engine import Engine
from convlet.training.optimizers import Optimizer
from convlet.training.preprocessing import Preprocessing

VARIABLE = "CONVLET_BACKEND"
"""The environment variable that names the engine."""

BACKENDS = {
    "compiled": ("convlet.training.compiled", "CompiledEngine"),
    "reference": ("convlet.training.reference", "ReferenceEngine"),
}
"""Where each engine lives; it is imported when it is wanted, since compiling needs Numba."""


def backend_name() -> str:
    """Return `compiled` or `reference`, as CONVLET_BACKEND says; compiled where it says nothing.

    Raises
    ------
    SettingsError : CONVLET_BACKEND names no engine
    """
    name = os.environ.get(VARIABLE) or "compiled"
    if name not in BACKENDS:
        close = get_close_matches(name.lower(), BACKENDS, 1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        raise SettingsError(f"{VARIABLE} must be {' or '.join(BACKENDS)}, but got {name!r}{hint}")
    return name


def make_engine(
    network: Sequential,
    input_shape: Shape,
    preprocessing: Preprocessing,
    *,
    shard: int,
    threads: int,
    seed: int,
    smoothing: float = 0.0,
) -> Engine:
    """Return the engine that `backend_name` names, made ready for this network; see `Engine`.

    Raises
    ------
    SettingsError : CONVLET_BACKEND names no engine
    ArchitectureError : the network does not fit the images
    """
    module, name = BACKENDS[backend_name()]
    kind = getattr(importlib.import_module(module), name)
    engine: Engine = kind(
        network, input_shape, preprocessing, shard=shard, threads=threads, seed=seed, smoothing=smoothing
    )
    return engine


def compile_ahead(
    network: Sequential,
    input_shape: Shape,
    preprocessing: Preprocessing,
    images: Array,
    optimizer: Optimizer,
    shard: int,
    smoothing: float = 0.0,
) -> None:
    """Compile what a training on such images will run, so that its seconds are those of training alone.

    An engine that is thrown away takes one step and predicts one image; compiled kernels stay in the process.
    """
    if backend_name() == "reference":
        return
    engine = make_engine(network, input_shape, preprocessing, shard=shard, threads=1, seed=0, smoothing=smoothing)
    try:
        image, zero = images[:1], np.zeros(1, np.int64)
        engine.gradients(image, zero, zero, epoch=0, position=0)
        engine.update(optimizer, optimizer.new_slots(engine.layout.parameter_count), 0.0, 1)
        engine.logits(image)
    finally:
        engine.close()
