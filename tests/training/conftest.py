"""What the tests of training share."""

from __future__ import annotations

import pytest

from tests.interrupted import forget_others


@pytest.fixture(autouse=True)
def _own_helpers():
    """Models that session fixtures keep have threads too."""
    forget_others()


@pytest.fixture
def reference(monkeypatch):
    """Train and predict with the layers' NumPy definitions."""
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
