"""What a recipe comes to for these images, in a line, before it trains."""

from __future__ import annotations

from typing import Any

from convlet.report.numbers import seconds


def plan_line(name: str, word: str, settings: Any, expected: float) -> str:
    """The recipe's network and settings, and about how long it will take.

    Parameters
    ----------
    name, word : of the recipe, and of the network it chose
    settings : its `Settings`
    expected : seconds that the training takes here, about
    """
    epochs = f"{settings.epochs} epoch{'s' if settings.epochs > 1 else ''}"
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
    return f"{', '.join(parts)}; about {seconds(expected)} here"
