"""Telling finite vectors from others, also where their sum overflows."""

from __future__ import annotations

import numpy as np
import pytest

from convlet.training.finite import finite


@pytest.mark.parametrize("values", [[], [0, 1], [3e38, 3e38], [-3e38, -3e38, 1]])
def test_finite_vectors_pass(values):
    assert finite(np.array(values, np.float32))


@pytest.mark.parametrize("values", [[np.nan], [1, np.inf], [np.inf, -np.inf], [3e38, 3e38, np.nan]])
def test_others_do_not(values):
    assert not finite(np.array(values, np.float32))
