"""What a figure was measured with, and the settings behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

SettingValues = Mapping[str, Any]
"""Settings by name, as `Settings.as_dict` gives them. Their values have several types, which only `Settings` knows."""


class Machine(TypedDict):
    """Where a figure was measured."""

    processor: str
    threads: int
    architecture: str
    system: str


Versions = dict[str, str]
"""The version of convlet, Python, the engine and each package below it."""
