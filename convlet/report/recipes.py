"""Recipes in a terminal: what there is, and what one comes to, choice by choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich.console import Console

from convlet.report.tables import add, say, show, table


class Choice(Protocol):
    """A value and its reason."""

    @property
    def value(self) -> Any: ...
    @property
    def reason(self) -> str: ...
    @property
    def source(self) -> str: ...


class Recipe(Protocol):
    """A recipe, as far as this file needs it."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    def choices(self) -> Mapping[str, Choice]: ...


class Entry(Protocol):
    """What a recipe comes to."""

    @property
    def architecture(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, object]: ...


def print_recipes(recipes: Sequence[Recipe], console: Console) -> None:
    """One line a recipe."""
    made = table([("recipe", False), ("", False)])
    for recipe in recipes:
        add(made, [recipe.name, recipe.summary])
    show(console, made)


def print_recipe(recipe: Recipe, entry: Entry, console: Console) -> None:
    """What it comes to, and each choice with its reason and source."""
    say(console, f"{recipe.name}: {recipe.summary}", "bold")
    say(console, f"architecture {entry.architecture}")
    say(console, ", ".join(f"{name} {value}" for name, value in entry.settings.items() if value != ""))
    say(console)
    for name, choice in recipe.choices().items():
        say(console, f"{name.replace('_', ' ')}: {_value(choice.value)}", "bold")
        say(console, f"  {choice.reason}{f' ({choice.source})' if choice.source else ''}")


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_value, value))
    return f"{value:,}" if isinstance(value, int) else str(value) or "none"
