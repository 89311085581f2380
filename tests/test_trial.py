"""One training of a comparison, measured and merged with its repeats."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.trial import merge


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
