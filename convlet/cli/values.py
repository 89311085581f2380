"""What a command gets from the command line."""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]
"""The values of a command's options by name, as click gives them: each option has a type of its own."""
