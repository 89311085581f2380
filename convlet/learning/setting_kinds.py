"""Kinds of settings: which values each takes, the check of a value, and the range in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from convlet.learning.setting_checks import (
    boolean,
    class_weights,
    listed,
    number,
    number_range,
    one_of,
    whole_number,
    whole_range,
)

MOST = 2**32 - 1
"""The largest number of epochs, steps or images that a setting takes: random numbers are keyed by 32-bit counters."""


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`.

    Parameters
    ----------
    optional : whether it may be None
    word : what a user types on the command line for None; "" if None cannot be typed
    """

    low: int
    high: int = MOST
    optional: bool = False
    word: str = ""
    annotation: ClassVar[str] = "int"

    def check(self, name: str, value: object) -> object:
        """The value as an int, or SettingsError."""
        return whole_number(name, value, self.low, self.high, self.optional)

    @property
    def range(self) -> str:
        return f"whole number {whole_range(self.low, self.high)}"


@dataclass(frozen=True)
class Real:
    """A number above `least` (or from `least`, if `closed`) and below `limit`; it may be None if `optional`."""

    least: float = 0.0
    limit: float = math.inf
    closed: bool = False
    optional: bool = False
    annotation: ClassVar[str] = "float"

    def check(self, name: str, value: object) -> object:
        """The value as a float, or SettingsError."""
        return number(name, value, self.least, self.limit, self.closed)

    @property
    def range(self) -> str:
        return f"number {number_range(self.least, self.limit, self.closed)}"


@dataclass(frozen=True)
class OneOf:
    """One of some names; it may be None if `optional`."""

    names: tuple[str, ...]
    optional: bool = False
    annotation: ClassVar[str] = "str"

    def check(self, name: str, value: object) -> object:
        """The value, or SettingsError."""
        one_of(name, value, self.names)
        return value

    @property
    def range(self) -> str:
        return f"one of {listed(self.names)}"


@dataclass(frozen=True)
class Switch:
    """True or False."""

    optional: ClassVar[bool] = False
    annotation: ClassVar[str] = "bool"

    def check(self, name: str, value: object) -> object:
        """The value as a bool, or SettingsError."""
        return boolean(name, value)

    @property
    def range(self) -> str:
        return "True or False"


@dataclass(frozen=True)
class Word:
    """Tokens joined by hyphens.

    Parameters
    ----------
    parse : reads the tokens; raises SettingsError, with the setting's name, if it cannot
    example : tokens that it takes
    """

    parse: Callable[[Any], object]
    example: str
    optional: ClassVar[bool] = False
    annotation: ClassVar[str] = "str"

    def check(self, name: str, value: object) -> object:
        """The value, or SettingsError."""
        self.parse(value)
        return value

    @property
    def range(self) -> str:
        return f'tokens such as "{self.example}"'


@dataclass(frozen=True)
class ClassWeights:
    """None, "balanced", or one number for each class."""

    optional: ClassVar[bool] = True
    annotation: ClassVar[str] = "str | tuple[float, ...]"

    def check(self, name: str, value: object) -> object:
        """The value, numbers as a tuple of floats, or SettingsError."""
        return class_weights(value)

    @property
    def range(self) -> str:
        return '"balanced", or one number from 0 for each class'


Kind = Whole | Real | OneOf | Switch | Word | ClassWeights
