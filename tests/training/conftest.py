"""What the tests of training share."""

from __future__ import annotations

import pytest


@pytest.fixture
def reference(monkeypatch):
    """Train and predict with the layers' NumPy definitions."""
    monkeypatch.setenv("CONVLET_BACKEND", "reference")
