"""NaN and infinity in every layer and pass: both engines stop at the same step, with the same message."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.data.inputs import Labelled
from convlet.engine.compiled import CompiledEngine
from convlet.engine.reference import ReferenceEngine
from convlet.errors import TrainingError
from convlet.layers import Dense, Sequential, Tanh
from convlet.learning.augmentation import parse_augmentation
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.network.word import with_head
from convlet.training.run import Run
from tests.layers.table import IMAGE, ROWS

VALUES = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}
CLASSES, COUNT, BATCH = 3, 12, 6

LAYERS = {type(layer).__name__: layer for layer, shape in reversed(ROWS) if shape == IMAGE}
LAYERS |= {type(layer).__name__: layer for layer, _ in ROWS if type(layer).__name__ not in LAYERS}
del LAYERS["Sequential"]
"""The first row of each kind; `test_contract` sees to it that every kind has one."""


def planted(array, value):
    """The array with this value in the middle."""
    array.reshape(-1)[array.size // 2] = value


class Spoiled:
    """An engine that plants a value in what the second step gives."""

    place, value, steps = "", 0.0, 0

    def gradients(self, *arguments, **options):
        loss, wrong = super().gradients(*arguments, **options)
        self.steps += 1
        if self.steps == 2 and self.place == "loss":
            return self.value, wrong
        if self.steps == 2 and self.place in ("gradient", "state") and getattr(self, self.place).size:
            planted(getattr(self, self.place), self.value)
        return loss, wrong


class SpoiledReference(Spoiled, ReferenceEngine):
    pass


class SpoiledCompiled(Spoiled, CompiledEngine):
    pass


ENGINES = [SpoiledReference, SpoiledCompiled]


def trained(kind, network, place, value, **options):
    """What a training says in which `value` is planted at `place`: its error, or "trained"."""
    rng = np.random.default_rng(3)
    images = rng.standard_normal((COUNT, *IMAGE)).astype(np.float32)
    weights = np.ones(COUNT, np.float32)
    if place == "pixel":
        planted(images, value)
    if place == "weight":
        planted(weights, value)
    shown = Labelled(images, rng.integers(0, CLASSES, COUNT), weights)
    settings = Settings(epochs=2, batch=BATCH, shard=4, learning_rate=0.01, threads=1, **options)
    engine = kind(network, IMAGE, Preprocessing((0.0,) * 3, (1.0,) * 3), shard=4, threads=1, seed=0)
    engine.place, engine.value = place, value
    run = Run(engine, settings, shown, None)
    vectors = engine.parameters.copy(), engine.state.copy()
    for views in (engine.layout.views(vectors[0]), engine.layout.state_views(vectors[1])):
        if place in views:
            planted(views[place], value)
    engine.load(*vectors)
    try:
        run.all_epochs()
    except TrainingError as error:
        return str(error)
    finally:
        engine.close()
    return "trained"


def both(network, place, value, **options):
    """What both engines say, which must be the same."""
    reference, compiled = (trained(kind, network, place, value, **options) for kind in ENGINES)
    assert compiled == reference, place
    return compiled


@pytest.mark.parametrize("name", LAYERS)
def test_a_value_planted_at_a_layer_stops_both_engines_alike(name):
    network = with_head(Sequential((LAYERS[name],)), CLASSES)
    made = CompiledEngine(network, IMAGE, Preprocessing((0.0,) * 3, (1.0,) * 3), shard=4, threads=1, seed=0)
    states = list(made.layout.state_views(made.state))
    for value in VALUES.values():
        for place in ["pixel", "loss", "gradient", *made.layout.views(made.parameters), *states]:
            assert both(network, place, value) != "trained", place
    made.close()
    step = "epoch 1 of 2, step 1 of 4"
    if LAYERS[name].parameter_shapes(IMAGE):
        first = next(iter(made.layout.views(made.parameters)))
        expected = f"layer 1 ({LAYERS[name].token()}) has parameters that are not finite at {step} "
        assert both(network, first, np.nan).startswith(expected)
    else:
        expected = f"the loss is nan at {step}: layer 1 ({LAYERS[name].token()}) puts out values that are not finite "
        found = both(network, "pixel", np.nan)
        assert found.replace("step 2", "step 1").startswith(expected)


@pytest.mark.parametrize("value", [*VALUES.values(), 1e38])
@pytest.mark.parametrize("options", [{"clip_norm": 1.0}, {"ema_decay": 0.9}, {"weight_decay": 0.1}], ids=str)
def test_a_value_planted_in_the_weight_of_an_image_stops_both_engines_alike(value, options):
    network = with_head(Sequential((Dense(4), Tanh())), CLASSES)
    assert both(network, "weight", value, **options) != "trained" or value == 1e38


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("size", [1e19, 3e38])
def test_what_overflows_before_or_behind_a_layer_stops_both_engines_alike(name, size):
    """Finite parameters so large that activations, or gradients, or both overflow."""
    network = with_head(Sequential((LAYERS[name],)), CLASSES)
    for spoiled in ("parameters", "images"):
        said = [overflowing(kind, network, spoiled, size) for kind in ENGINES]
        assert said[0] == said[1], spoiled


def overflowing(kind, network, spoiled, size):
    """What is finite of the loss, the gradients and the logits of a network with huge parameters or images."""
    rng = np.random.default_rng(4)
    images = rng.uniform(0.5, 1, (COUNT, *IMAGE)).astype(np.float32)
    images *= size if spoiled == "images" else 1
    engine = kind(network, IMAGE, Preprocessing((0.0,) * 3, (1.0,) * 3), shard=4, threads=1, seed=0)
    parameters = engine.layout.initial_parameters(network, IMAGE, 0)
    if (
        spoiled == "parameters"
    ):  # of one sign for each output: whether mixed signs overflow depends on the order of sums
        for values in engine.layout.views(parameters).values():
            values[...] = size * np.where(np.arange(values.shape[-1]) % 2, -1, 1)
    engine.load(parameters)
    labels = rng.integers(0, CLASSES, COUNT)
    loss, _ = engine.gradients(images, labels, np.arange(COUNT), epoch=0, position=0)
    names = [name for name, values in engine.layout.views(engine.gradient).items() if not np.isfinite(values).all()]
    logits = np.isfinite(engine.logits(images))
    engine.close()
    return bool(np.isfinite(loss)), names if np.isfinite(loss) else None, logits.tolist()


@pytest.mark.parametrize("name", ["Conv", "MaxPool", "BatchNorm", "Residual", "Dropout", "AvgPool"])
def test_a_step_that_was_not_finite_leaves_nothing_behind(name):
    """Rollback goes on with the same engine: its workspace must give the bits of a new one."""
    network = with_head(Sequential((LAYERS[name],)), CLASSES)
    rng = np.random.default_rng(5)
    images, labels = rng.standard_normal((COUNT, *IMAGE)).astype(np.float32), rng.integers(0, CLASSES, COUNT)
    made = [
        CompiledEngine(network, IMAGE, Preprocessing((0.0,) * 3, (1.0,) * 3), shard=4, threads=1, seed=0)
        for _ in range(2)
    ]
    good = made[0].layout.initial_parameters(network, IMAGE, 0), made[0].state.copy()
    made[1].load(np.full_like(good[0], np.nan))
    made[1].gradients(images * np.nan, labels, np.arange(COUNT), epoch=0, position=0)
    results = []
    for engine in made:
        engine.load(*good)
        told = engine.gradients(images, labels, np.arange(COUNT), epoch=0, position=0)
        results.append((told, engine.gradient.tobytes(), engine.state.tobytes(), engine.logits(images).tobytes()))
        engine.close()
    assert results[0] == results[1]


@pytest.mark.parametrize("word", ["shift1", "rotate20", "elastic1", "brightness0.5", "erase0.5", "cutmix0.5"])
def test_the_largest_pixels_overflow_alike_in_both_engines_whatever_the_augmentation(word):
    network, scaled = with_head(Sequential((Tanh(),)), CLASSES), Preprocessing((0.0,) * 3, (1e38,) * 3)
    for size in (1e38, 3.4e38):
        images = np.random.default_rng(6).uniform(-size, size, (COUNT, *IMAGE)).astype(np.float32)
        said = []
        for kind in ENGINES:
            options = {"shard": 4, "threads": 2, "seed": 0, "augmentation": parse_augmentation(word)}
            engine = kind(network, IMAGE, scaled, **options)
            engine.load(engine.layout.initial_parameters(network, IMAGE, 0))
            loss, _ = engine.gradients(images, np.arange(COUNT) % CLASSES, np.arange(COUNT), epoch=0, position=0)
            said.append(
                (np.isfinite(loss), np.isfinite(engine.gradient).all(), np.isfinite(engine.logits(images)).all())
            )
            engine.close()
        assert said[0] == said[1], size
