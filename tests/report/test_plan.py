"""What a recipe says before it trains."""

from __future__ import annotations

import pytest

from convlet.learning.settings import Settings
from convlet.report import plan
from convlet.report.plan import plan_line
from convlet.training import stopping


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


START = "fast: conv8, 9 epochs"
END = "learning rate 0.006 (one-cycle), no augmentation, no test-time augmentation"


@pytest.mark.parametrize(
    ("epochs", "validation", "text"),
    [
        (5, 50, f"{START} (fewer if no validation image is wrong in 5 in a row), {END}; at most about 2.0 s here"),
        (5, 49, f"{START}, {END}; about 2.0 s here"),
        (9, 50, f"{START}, {END}; about 2.0 s here"),
        (0, 50, f"{START}, {END}; about 2.0 s here"),
    ],
)
def test_a_recipe_that_may_stop_early_says_so(epochs, validation, text):
    assert plan_line("fast", "conv8", Settings(epochs=9, perfect_epochs=epochs), 2.0, validation) == text


def test_enough_validation_images_are_as_many_here_as_in_training():
    assert plan.ENOUGH == stopping.ENOUGH


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("avgpool5-conv8", "fast: avgpool5-conv8, images of 300x400 are averaged to 60x80 first, 1 epoch"),
        ("avgpool-conv8", "fast: avgpool-conv8, images of 300x400 are averaged to 150x200 first, 1 epoch"),
        ("conv8-avgpool5", "fast: conv8-avgpool5, 1 epoch"),
    ],
)
def test_a_recipe_that_averages_large_images_says_so(word, text):
    line = plan_line("fast", word, Settings(epochs=1), 2.0, 0, (300, 400, 3))
    assert line == f"{text}, {END}; about 2.0 s here"
