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

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` is not imported here: this runs before `python -m` is safe, see `system.modules`
    from typing import Any

__version__ = "0.2.0"
"""The one place of the version: the build reads it here."""

_HOMES = {
    "convlet.layers": (
        *(
            "AvgPool",
            "BatchNorm",
            "Conv",
            "Dense",
            "Dropout",
            "Flatten",
            "GELU",
            "GlobalAvgPool",
            "LeakyReLU",
        ),
        *("MaxPool", "ReLU", "Residual", "Sequential", "SiLU", "Sigmoid", "Tanh"),
    ),
    "convlet.layers.gradient_check": ("check_gradients",),
    "convlet.training": ("Model", "Settings", "train"),
    "convlet.estimator.classifier": ("ConvNetClassifier",),
    "convlet.errors": ("ConvletError",),
}
_RENAMED = {
    "load_data": ("convlet.data", "load"),
    "load_model": ("convlet.model.model_file", "load"),
    "save_model": ("convlet.model.model_file", "save"),
    "parse": ("convlet.network.word", "parse"),
}
_MODULES = ("interpret",)
_WHERE = {name: (home, name) for home, names in _HOMES.items() for name in names} | _RENAMED

__all__ = ["__version__", *sorted({*_WHERE, *_MODULES})]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"convlet.{name}")
    if name not in _WHERE:
        raise AttributeError(f"module 'convlet' has no attribute '{name}'")
    home, there = _WHERE[name]
    value = getattr(importlib.import_module(home), there)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
