"""Checks of single settings: the value in its plain type, or one error that names the setting.

NumPy is imported when a value is checked, so that `--help` does not load it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from difflib import get_close_matches
from typing import SupportsFloat, cast

from convlet.errors import SettingsError


def whole_number(name: str, value: object, low: int, high: int, optional: bool) -> int:
    """The value as an int from low to high, or SettingsError."""
    try:
        found = low - 1 if isinstance(value, bool) else operator.index(cast(int, value))
    except TypeError:
        found = low - 1
    if low <= found <= high:
        return found
    allowed = f"{whole_range(low, high)}{' or None' if optional else ''}"
    raise SettingsError(f"{name} must be a whole number {allowed}, but got {short(value)}")


def whole_range(low: int, high: int) -> str:
    """The range in words, as in "from 1 to 2**32 - 1"."""
    powers = {2**32 - 1: "2**32 - 1", 2**64 - 1: "2**64 - 1"}
    return f"from {low} to {powers.get(high, high)}"


def number(name: str, value: object, least: float, limit: float, closed: bool) -> float:
    """The value as a float above (or from) least and below limit, or SettingsError."""
    import numpy as np

    try:
        found = math.nan if isinstance(value, (str, bytes, bool, np.bool_)) else float(cast(SupportsFloat, value))
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if least < found < limit or (closed and found == least):
        return found
    allowed = number_range(least, limit, closed)
    raise SettingsError(f"{name} must be a finite number {allowed}, but got {short(value)}")


def number_range(least: float, limit: float, closed: bool) -> str:
    """The range in words, as in "from 0 to below 1"."""
    allowed = f"from {least:g}" if closed else f"above {least:g}"
    return f"{allowed} to below {limit:g}" if limit < math.inf else allowed


def boolean(name: str, value: object) -> bool:
    """The value as True or False, or SettingsError; what merely counts as true is neither."""
    import numpy as np

    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise SettingsError(f"{name} must be True or False, but got {short(value)}")


def one_of(name: str, value: object, names: tuple[str, ...]) -> None:
    """Raise SettingsError, with the nearest name, if the value is none of the names."""
    if isinstance(value, str) and value in names:
        return
    close = get_close_matches(value.lower(), names, 1, 0.5) if isinstance(value, str) else []
    hint = f"; did you mean '{close[0]}'?" if close else ""
    raise SettingsError(f"unknown {name} {short(value)}, expected {listed(names)}{hint}")


def listed(names: tuple[str, ...]) -> str:
    """The names as in "last, first or best"."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


def class_weights(value: object) -> str | tuple[float, ...] | None:
    """None, "balanced" or one number from 0 for each class, or SettingsError."""
    if value is None or (isinstance(value, str) and value == "balanced"):
        return value
    wanted = "class_weights must be 'balanced', one number from 0 for each class, or None"
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise SettingsError(f"{wanted}, but got {short(value)}")
    try:
        found = tuple(number("a class weight", one, 0.0, math.inf, True) for one in value)
    except SettingsError as error:
        raise SettingsError(f"{wanted}; {error}") from None
    if len(found) < 2 or not any(found):
        raise SettingsError(f"{wanted}, at least two and one of them above 0, but got {short(list(found))}")
    return found


def short(value: object) -> str:
    """The value as Python writes it, cut if it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
