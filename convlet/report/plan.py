"""What a recipe comes to for these images, in a line, before it trains."""

from __future__ import annotations

import re
from typing import Any

from convlet.report.numbers import seconds

ENOUGH = 50
"""Validation images from which on a recipe may stop early, as in `convlet.training.stopping`."""


def plan_line(
    name: str, word: str, settings: Any, expected: float, validation: int = 0, shape: tuple[int, ...] | None = None
) -> str:
    """The recipe's network and settings, and about how long it will take.

    Parameters
    ----------
    name, word : of the recipe, and of the network it chose
    settings : its `Settings`
    expected : seconds that the training takes here, about
    validation : validation images
    shape : (H, W, C) of an image
    """
    epochs = f"{settings.epochs} epoch{'s' if settings.epochs > 1 else ''}"
    may_stop = 0 < settings.perfect_epochs < settings.epochs and validation >= ENOUGH
    if settings.minutes is not None or settings.steps is not None:
        epochs = f"{settings.steps} steps" if settings.steps is not None else f"{settings.minutes:g} minutes"
    parts = [
        f"{name}: {word}",
        epochs,
        f"learning rate {settings.learning_rate:g} ({settings.schedule})",
        f"augmentation {settings.augment}" if settings.augment else "no augmentation",
        f"test-time augmentation {settings.views}" if settings.views else "no test-time augmentation",
    ]
    if settings.members > 1:
        parts.append(f"an ensemble of {settings.members}")
    if may_stop:
        parts[1] += f" (fewer if no validation image is wrong in {settings.perfect_epochs} in a row)"
    window = pooled(word)
    if window > 1 and shape is not None:
        height, width = shape[0] // window, shape[1] // window
        parts.insert(1, f"images of {shape[0]}x{shape[1]} are averaged to {height}x{width} first")
    return f"{', '.join(parts)}; {'at most ' if may_stop else ''}about {seconds(expected)} here"


def pooled(word: str) -> int:
    """Pixels of the side that a network averages into one before anything else; 1 if it does not."""
    found = re.match(r"avgpool(\d*)(-|$)", word)
    return int(found[1] or 2) if found else 1
