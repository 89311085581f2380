"""Words of a report that are made from figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convlet.report.plain import plain

COLOURS = 8
"""Colours of networks; with more networks they come again, and the letters tell them apart."""

FIRST_ISOLATE, END_ISOLATE = "\u2068", "\u2069"


def made_plain(value: Any) -> Any:
    """The same dictionaries and lists, with every text in them made plain: see `plain`."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {made_plain(name): made_plain(inner) for name, inner in value.items()}
    return [made_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def isolated(name: str) -> str:
    """A name from data where no element can hold it: whatever its direction, the words around keep theirs."""
    return f"{FIRST_ISOLATE}{name}{END_ISOLATE}"


def first_large(text: str) -> str:
    """The text with a large first letter, as a sentence begins; the rest stays, unlike with `capitalize`."""
    return text[:1].upper() + text[1:]


def natural(number: int) -> str:
    """Small numbers as words: 6 as `six`."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[number] if number < len(words) else f"{number:,}"


def letter(number: int) -> str:
    """A to Z, then A2 to Z2, ..."""
    return chr(ord("A") + number % 26) + ("" if number < 26 else str(number // 26 + 1))


def p_value(value: float) -> str:
    """`p = 0.018`, or `p < 0.001`."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}" if value < 0.1 else f"p = {value:.2f}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def plural(count: int, noun: str, many: str = "") -> str:
    """`1 image`, `2 images`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"
