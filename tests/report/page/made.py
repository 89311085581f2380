"""Findings made by hand, for tests of the page: what the networks are does not matter, what is shown does."""

from __future__ import annotations

import numpy as np

from convlet.data.dataset import Dataset, ImageSet
from convlet.findings.findings import findings
from convlet.learning.settings import Settings
from convlet.network.word import parse, with_head
from convlet.training.loop import TrainingResult, train
from convlet.trials.trial import measure

SCRIPT, QUOTES = "</script><script>alert('got in')</script>", "\"double\" & 'single' <b>bold</b>"
HEBREW, OVERRIDE = "עברית מימין", "safe\u202egnp.exe"
CLASSES = (SCRIPT, QUOTES, HEBREW, OVERRIDE)


def dataset(name="photos <img src=x onerror=alert(1)>", classes=CLASSES, shape=(9, 8, 3), count=60, test=40):
    rng = np.random.default_rng(3)

    def part(images):
        labels = np.arange(images, dtype=np.int64) % len(classes)
        pixels = labels[:, None, None, None] * (140 // len(classes)) + rng.integers(0, 100, (images, *shape))
        return ImageSet(pixels.astype(np.uint8), labels)

    return Dataset(name, f"/somewhere/{name}", classes, part(count), part(12), part(test))


def model(data, word, seed=0):
    """A network that has learned a little: right and wrong about as often."""
    settings = Settings(epochs=3, batch=10, learning_rate=0.02, seed=seed, threads=1)
    network = with_head(parse(word), len(data.classes))
    return train(network, data.train, classes=data.classes, settings=settings).model


def history(epochs, seed=0):
    falls = np.exp(-np.arange(epochs) / 3) * (1 + 0.1 * seed)
    lists = {
        "train_loss": falls,
        "validation_loss": falls + 0.05,
        "train_error": falls / 4,
        "validation_error": falls / 3,
    }
    more = {"epoch": list(range(1, epochs + 1)), "learning_rate": [0.01] * epochs, "seconds": [0.5] * epochs}
    return more | {name: values.tolist() for name, values in lists.items()}


def row(trained, data, label, epochs=4, seed=0):
    figures, seconds = history(epochs, seed), 0.5 * epochs * (seed + 1)
    loss, error = (figures[f"validation_{name}"][-1] for name in ("loss", "error"))
    result = TrainingResult(trained, figures, seconds, 1000.0 + seed, epochs, loss, error)
    return {"label": label, "architecture": trained.architecture, **measure(result, data)}


def result_of(data, models, labels=None, epochs=4):
    rows = [
        row(item, data, label, epochs, k)
        for k, (item, label) in enumerate(zip(models, labels or words(models), strict=True))
    ]
    best = min(rows, key=lambda item: item["validation_error"])
    return {
        "data": data.describe(),
        "settings": Settings(epochs=epochs).as_dict() | {"repeats": 1},
        "machine": {"processor": "one of ours", "threads": 2},
        "versions": {"convlet": "0.1.0", "python": "3.11"},
        "results": rows,
        "best": best["architecture"],
        "best_label": best["label"],
        "then": None,
        "failed": [],
        "missing": [],
        "command": "convlet compare 'my <photos>' --epochs 4",
    }


def words(models):
    return [item.architecture for item in models]


def found(data=None, words=("conv4-relu-pool", "pool-conv4-relu", "dense6-tanh"), epochs=4):
    """Result, models and findings of several small networks."""
    data = data or dataset()
    models = [model(data, word, seed) for seed, word in enumerate(words)]
    result = result_of(data, models, epochs=epochs)
    return result, findings(result, data, models, threads=1)
