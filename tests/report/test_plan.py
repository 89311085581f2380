"""What a recipe says before it trains."""

from __future__ import annotations

import pytest

from convlet.report.plan import plan_line
from convlet.training import Settings


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            Settings(epochs=3),
            "fast: conv8, 3 epochs, learning rate 0.006 (one-cycle), no augmentation, no test-time augmentation; "
            "about 2.0 s here",
        ),
        (
            Settings(epochs=1, members=3, augment="flip", views="shift1"),
            "fast: conv8, 1 epoch, learning rate 0.006 (one-cycle), augmentation flip, test-time augmentation shift1, "
            "an ensemble of 3; about 2.0 s here",
        ),
        (
            Settings(steps=70),
            "fast: conv8, 70 steps, learning rate 0.006 (one-cycle), no augmentation, no test-time augmentation; "
            "about 2.0 s here",
        ),
        (
            Settings(minutes=0.5),
            "fast: conv8, 0.5 minutes, learning rate 0.006 (one-cycle), no augmentation, no test-time augmentation; "
            "about 2.0 s here",
        ),
    ],
)
def test_the_line_of_a_recipe(settings, text):
    assert plan_line("fast", "conv8", settings, 2.0) == text
