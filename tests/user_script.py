"""A script as a user would type it: each public name once. `test_public_types.py` checks it with `mypy --strict`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import convlet as cv


def layers() -> cv.Sequential:
    """Every layer, in one network."""
    beginning = cv.Sequential([cv.Conv(8), cv.BatchNorm(), cv.ReLU(), cv.MaxPool(), cv.LeakyReLU()])
    middle = cv.Sequential([cv.Residual(8), cv.GELU(), cv.SiLU(), cv.AvgPool(), cv.Sigmoid(), cv.Tanh()])
    ends = cv.Sequential([cv.GlobalAvgPool(), cv.Dropout(0.1), cv.Flatten(), cv.Dense(10)])
    return cv.Sequential([*beginning.layers, *middle.layers, *ends.layers])


def main(folder: Path) -> None:
    """Train, keep, load, explain and draw."""
    data = cv.load_data("digits")
    network = cv.parse("conv8-relu-pool")
    cv.check_gradients(layers(), data.image_shape)
    settings = cv.Settings(epochs=1, seed=0)
    result = cv.train(network, data.train, data.validation, classes=data.classes, settings=settings)
    cv.save_model(result.model, folder / "model.safetensors")
    model = cv.load_model(folder / "model.safetensors")
    images = data.test.images[:10]
    predicted, shares = model.predict(images), model.probabilities(images)
    print(predicted.shape, shares.shape, model.sha256())
    done = cv.export.write(model, folder / "model.onnx", check=images)
    print(done.agreement.is_proof, done.files, done.notes)
    evidence = cv.interpret.saliency(model, images)
    cv.plots.FiltersDisplay.from_model(model).plot()
    print(evidence.shape, cv.__version__)
    estimator = cv.ConvNetClassifier(epochs=1, random_state=0)
    try:
        answers = estimator.fit(images, np.asarray(data.test.labels[:10])).predict(images)
    except cv.ConvletError as error:
        print(error)
    else:
        print(answers.shape)
    kept: cv.Model = model
    print(kept.classes)
