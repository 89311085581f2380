"""Which engine runs a network: the compiled one, or the layers' NumPy definitions."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from convlet.engine.engine import Engine
from convlet.errors import SettingsError
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.compiler.machine_code import addresses, obstacle
from convlet.layers.base import Array, Shape
from convlet.layers.sequential import Sequential
from convlet.learning.optimizers import Optimizer
from convlet.learning.preprocessing import Preprocessing

log = logging.getLogger("convlet")

VARIABLE = "CONVLET_BACKEND"
"""The environment variable that names the engine."""

REMEDY = "'pip install --upgrade numba' may help"

BACKENDS = {
    "compiled": ("convlet.engine.compiled", "CompiledEngine"),
    "reference": ("convlet.engine.reference", "ReferenceEngine"),
}
"""Where each engine lives; it is imported when it is wanted, since compiling needs Numba."""


def backend_name() -> str:
    """Return `compiled` or `reference`, as CONVLET_BACKEND says; where it says nothing, compiled if that works here.

    Raises
    ------
    SettingsError : CONVLET_BACKEND names no engine, or the compiled one where Numba is missing
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return "reference" if obstacle() else "compiled"
    if name == "compiled" and obstacle():
        raise SettingsError(f"{VARIABLE} is 'compiled', but {obstacle()}; {REMEDY}, or unset {VARIABLE}")
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
    **learning: Any,
) -> Engine:
    """Return the engine that `backend_name` names, made ready for this network; see `Engine`.

    learning : what only training needs, as `Settings.learning` gives it

    Raises
    ------
    SettingsError : see `backend_name`
    ArchitectureError : the network does not fit the images
    """
    backend = backend_name()
    if backend == "reference":
        _say_slow()
    module, name = BACKENDS[backend]
    kind = getattr(importlib.import_module(module), name)
    engine: Engine = kind(network, input_shape, preprocessing, shard=shard, threads=threads, seed=seed, **learning)
    return engine


@lru_cache(maxsize=1)
def _say_slow() -> None:
    """One line of log in each process."""
    if os.environ.get(VARIABLE):
        log.warning(f"{VARIABLE} is 'reference': networks run in plain NumPy, many times slower than compiled")
    else:
        log.warning(f"{obstacle()}: networks run in plain NumPy, many times slower than compiled; {REMEDY}")


class Training(NamedTuple):
    """What a training will run: a network with its head on images (n, H, W, C), of which n does not matter.

    learning : as `Settings.learning` gives it
    """

    network: Sequential
    images: Array
    optimizer: Optimizer
    shard: int
    learning: Mapping[str, Any] = MappingProxyType({})


def kernels_of(trainings: Iterable[Training]) -> list[Kernel]:
    """The kernels that these trainings and their models will run, each once; none where NumPy runs them."""
    kernels: list[Kernel] = []
    if backend_name() == "compiled":
        for network, images, optimizer, shard, learning in trainings:
            shape = images.shape[1:]
            unscaled = Preprocessing((0.0,) * shape[2], (1.0,) * shape[2])
            engine = make_engine(network, shape, unscaled, shard=shard, threads=1, seed=0, **learning)
            kernels += engine.kernels(images, optimizer)
            engine.close()
    return list(dict.fromkeys(kernels))


def compile_ahead(trainings: Iterable[Training], threads: int) -> None:
    """Compile what these trainings will run, so that their seconds are those of training alone.

    Compiled kernels stay in the process. Those of several trainings are best compiled at once, by up to `threads`
    processes.
    """
    addresses(kernels_of(trainings), processes=threads)
