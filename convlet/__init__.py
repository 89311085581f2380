"""convlet: convolutional networks for small images, trained on the CPU you have.

    import convlet as cv

    data = cv.load_data("digits")
    net = cv.Sequential([cv.Conv(8), cv.ReLU(), cv.MaxPool(), cv.Dense(10)])
    result = cv.train(net, data.train, data.validation, classes=data.classes, settings=cv.Settings(epochs=20))
    result.model.predict(data.test.images)

Everything here is loaded when it is first used, so `import convlet` is light.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # `typing` is not imported here: this runs before `python -m` is safe, see `system.modules`
if TYPE_CHECKING:  # what editors and type checkers see; `_HOMES` below says the same to the interpreter
    from convlet import export, interpret, plots
    from convlet.data import load as load_data
    from convlet.errors import ConvletError
    from convlet.estimator.classifier import ConvNetClassifier
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
    from convlet.layers.gradient_check import check_gradients
    from convlet.learning.settings import Settings
    from convlet.model.model import Model
    from convlet.model.model_file import load as load_model
    from convlet.model.model_file import save as save_model
    from convlet.network.word import parse
    from convlet.training import train

__version__ = "0.2.0"
"""The one place of the version: the build reads it here."""

__all__ = [
    "GELU",
    "AvgPool",
    "BatchNorm",
    "Conv",
    "ConvNetClassifier",
    "ConvletError",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAvgPool",
    "LeakyReLU",
    "MaxPool",
    "Model",
    "ReLU",
    "Residual",
    "Sequential",
    "Settings",
    "SiLU",
    "Sigmoid",
    "Tanh",
    "__version__",
    "check_gradients",
    "export",
    "interpret",
    "load_data",
    "load_model",
    "parse",
    "plots",
    "save_model",
    "train",
]

_MODULES = ("export", "interpret", "plots")
_HOMES = {
    "ConvNetClassifier": "convlet.estimator.classifier",
    "ConvletError": "convlet.errors",
    "Model": "convlet.model.model",
    "Settings": "convlet.learning.settings",
    "check_gradients": "convlet.layers.gradient_check",
    "load_data": "convlet.data:load",
    "load_model": "convlet.model.model_file:load",
    "parse": "convlet.network.word",
    "save_model": "convlet.model.model_file:save",
    "train": "convlet.training",
}
"""The module of each public name, and its name there if it has another; a name that is not here is a layer."""

if not TYPE_CHECKING:

    def __getattr__(name):
        """Load a public name when it is first used."""
        if name not in __all__:
            raise AttributeError(f"module 'convlet' has no attribute '{name}'")
        if name in _MODULES:
            return importlib.import_module(f"convlet.{name}")
        module, _, there = _HOMES.get(name, "convlet.layers").partition(":")
        value = getattr(importlib.import_module(module), there or name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
