"""The learning-rate range test: a short training whose learning rate grows until the loss explodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np

from convlet import random
from convlet.data.inputs import Labelled, LabelledImages
from convlet.engine.choice import Training, compile_ahead, make_engine
from convlet.engine.engine import Engine
from convlet.layers.base import Array
from convlet.layers.sequential import Sequential
from convlet.learning.clipping import clip_norm
from convlet.learning.setting_checks import whole_number
from convlet.learning.settings import Settings
from convlet.model.model import Model
from convlet.training.door import admit
from convlet.training.starting import begin

LOWEST, HIGHEST = 1e-6, 10.0
"""Learning rates that the test begins and ends with, unless the loss explodes before."""

STEPS = 200
"""Steps of a whole test: a tenth of a decade takes about three."""

MOST_STEPS = 2**32 - 1
"""As many as a training may have."""

MEMORY = 0.9
"""How much of the smoothed loss a step keeps: single batches are noisy."""

EXPLODED = 4.0
"""The test ends when the smoothed loss is so many times its lowest."""

BELOW_LOWEST = 4.0
"""The suggestion lies at least so far below the learning rate at which the smoothed loss was lowest."""

FALLEN = 0.9
"""And it is no higher than where the smoothed loss has come this far down: few images, shown again and again, may be
learned by heart so soon that their loss never explodes."""


@dataclass(frozen=True)
class RateScan:
    """What a range test found.

    rates : learning rate of each step
    losses : mean loss of each step's batch
    smoothed : the same, smoothed
    suggestion : a learning rate to train with
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestion: float


def find_rate(
    network: Sequential,
    train: LabelledImages,
    *,
    classes: tuple[str, ...],
    settings: Settings,
    steps: int = STEPS,
    start: Model | None = None,
    freeze: bool = False,
    on_step: Callable[[int, int], None] = lambda step, steps: None,
) -> RateScan:
    """Train with learning rates from `LOWEST` up, evenly on a logarithmic axis, until the loss explodes.

    rate of step k = LOWEST (HIGHEST / LOWEST)^(k / (steps - 1))

    The suggestion is meant for the peak of a schedule: see `suggest`.

    Parameters
    ----------
    network, train, classes, settings, start, freeze : as in `convlet.train`; the settings' learning rate, schedule and
        epochs do not count
    on_step : told after each step how many are done, of how many

    Raises
    ------
    DataError, ArchitectureError, SettingsError : see `convlet.train`; also steps out of range

    Source: Smith 2017, "Cyclical learning rates for training neural networks", section 3.3.
    """
    steps = whole_number("steps", steps, 1, MOST_STEPS, False)
    admitted = admit(network, train, classes=classes, settings=settings, start=start, freeze=freeze)
    network, shown, threads = admitted.network, admitted.shown, admitted.threads
    preprocessing, learning = admitted.preprocessing, settings.learning() | {"frozen": admitted.frozen}
    compile_ahead([Training(network, shown.images, settings.make_optimizer(), settings.shard, learning)], threads)
    engine = make_engine(
        *(network, shown.images.shape[1:], preprocessing),
        shard=settings.shard,
        threads=threads,
        seed=settings.seed,
        **learning,
    )
    try:
        begin(engine, settings.seed, admitted.beginning)
        return _scan(engine, shown, settings, steps, on_step)
    finally:
        engine.close()


def _scan(
    engine: Engine, shown: Labelled, settings: Settings, steps: int, on_step: Callable[[int, int], None]
) -> RateScan:
    optimizer = settings.make_optimizer()
    slots = optimizer.new_slots(engine.layout.parameter_count)
    size = min(settings.batch or len(shown), len(shown))
    batches_an_epoch = len(shown) // size
    rates: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    mean = 0.0
    for step in range(steps):
        epoch, place = divmod(step, batches_an_epoch)
        batch = _order(len(shown), settings.seed, epoch)[place * size : (place + 1) * size]
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / max(steps - 1, 1))
        images, labels, numbers, weights = shown.batch(batch)
        total, _ = engine.gradients(
            *(images, labels, numbers), epoch=epoch, position=place * size, weights=weights, identities=batch
        )
        loss = total / len(batch)
        mean = MEMORY * mean + (1 - MEMORY) * loss
        if not isfinite(loss):
            break
        rates.append(rate)
        losses.append(loss)
        smoothed.append(mean / (1 - MEMORY ** (step + 1)))
        on_step(step + 1, steps)
        if smoothed[-1] > EXPLODED * min(smoothed):
            break
        with np.errstate(all="ignore"):
            if settings.clip_norm is not None:
                clip_norm(engine.gradient, settings.clip_norm)
            engine.update(optimizer, slots, rate, step + 1)
    return RateScan(rates, losses, smoothed, suggest(rates, smoothed))


def _order(count: int, seed: int, epoch: int) -> Array:
    return random.permutation(count, seed, random.SHUFFLE, epoch=epoch)


def suggest(rates: list[float], smoothed: list[float]) -> float:
    """A high learning rate at which training still goes down evenly.

    It is the lower of a quarter of the rate with the lowest smoothed loss, and the first rate at which nine tenths of
    the way down to that loss were done; at least the lowest rate that was tested.
    """
    if not rates:
        return LOWEST
    values = np.asarray(smoothed)
    lowest = int(values.argmin())
    fallen = int(np.argmax(values <= values[0] - FALLEN * (values[0] - values[lowest])))
    return max(rates[0], min(rates[lowest] / BELOW_LOWEST, rates[fallen]))
