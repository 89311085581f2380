"""One training of a comparison, measured and merged with its repeats."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.trials.trial import merge, without_copies


def test_the_interval_of_repeats_is_around_their_mean():
    runs = [
        {"train_seconds": 1.0, "images_per_second": 10.0, "validation_error": None, "test_error": error, "seed": 0}
        | {"confusion_matrix": [[60, 10], [10, 20]], "test_error_interval": [0.0, 0.01]}
        for error in (0.1, 0.3)
    ]
    merged = merge(runs)
    assert merged["test_error"] == pytest.approx(0.2)
    assert merged["test_error_spread"] == pytest.approx(0.2 / np.sqrt(2))
    # Wilson 1927 for 20 of 100
    assert merged["test_error_interval"] == pytest.approx([0.13337, 0.28883], abs=1e-5)
    assert merged["validation_error"] is None
    assert "seed" not in merged


def test_the_error_without_copies_is_that_of_the_other_images():
    wrong, copies = np.array([True, False, False, True]), np.array([False, True, True, False])
    assert without_copies(wrong, copies) == {"test_copies": 2, "test_error_without_copies": 1.0}
    assert without_copies(wrong, np.ones(4, bool)) == {"test_copies": 4, "test_error_without_copies": None}
    assert without_copies(wrong, None) == without_copies(wrong, np.zeros(4, bool)) == {}


def test_repeats_have_the_mean_error_without_copies():
    run = {"train_seconds": 1.0, "images_per_second": 10.0, "validation_error": 0.1, "test_error": 0.1}
    run |= {"confusion_matrix": [[9, 1], [0, 10]], "test_copies": 2, "test_error_without_copies": 0.2}
    assert merge([run, run | {"test_error_without_copies": 0.4}])["test_error_without_copies"] == pytest.approx(0.3)
