"""Where final errors are measured otherwise than learning curves, a line says so."""

from __future__ import annotations

import pytest

from convlet.learning.settings import Settings
from convlet.report.final import final_line, of_rows


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, ""),
        ({"views": "flip"}, "final errors are measured with test-time augmentation (flip), learning curves without"),
        ({"members": 2}, "final errors are measured with an ensemble of 2, learning curves without"),
        (
            {"members": 3, "views": "shift1-flip"},
            "final errors are measured with an ensemble of 3 and test-time augmentation (shift1-flip), learning curves "
            "without",
        ),
    ],
)
def test_the_line(settings, text):
    assert final_line(Settings(**settings).as_dict()) == text
    assert final_line(Settings(**settings).as_dict(), "best") == (text and f"best: {text}")


def test_each_network_of_a_comparison_has_its_own_settings():
    rows = [{"label": "a"}, {"label": "b", "settings": {"views": ""}}, {"label": "c", "settings": {"members": 2}}]
    assert of_rows({"settings": {"views": "flip", "members": 1}, "results": rows}) == {
        "a": "test-time augmentation (flip)",
        "c": "an ensemble of 2 and test-time augmentation (flip)",
    }
