"""Command-line options of settings, made from the table of settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from convlet.errors import SettingsError
from convlet.learning.setting_kinds import ClassWeights, OneOf, Real, Switch, Whole, Word
from convlet.learning.setting_table import TABLE, Setting

Command = Callable[..., Any]


class WholeOrWord(click.ParamType):
    """A whole number, or a word such as `all` that stands for None.

    Parameters
    ----------
    low : lowest number, for the message
    meaning : what None means, in words
    """

    def __init__(self, low: int, word: str, meaning: str) -> None:
        self.low, self.word, self.meaning = low, word, meaning
        self.name = f"N|{word}"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | str:
        if isinstance(value, int) or value == self.word:
            return value
        try:
            return int(value)
        except ValueError:
            expected = f"expected one from {self.low}, or '{self.word}' for {self.meaning}"
            self.fail(f"'{value}' is not a whole number: {expected}")


def option(setting: Setting) -> Callable[[Command], Command]:
    """The option of a setting; its value is None if it is not given."""
    kind, name, meaning = setting.kind, setting.option, setting.help
    shown: dict[str, Any] = {}
    match kind:
        case Whole(low=low, word=word):
            shown = {"type": int}
            if word:
                shown = {"type": WholeOrWord(low, word, setting.unset), "metavar": f"N|{word}"}
                meaning = f"{meaning[:-1]}, or '{word}' for {setting.unset}."
        case Real():
            shown = {"type": float}
        case OneOf(names=names):
            shown = {"metavar": f"[{'|'.join(names)}]"}
        case Switch():
            name = f"{name}/--no-{name.removeprefix('--')}"
        case Word():
            shown = {"metavar": "WORD"}
        case ClassWeights():
            shown = {"metavar": "balanced|N,N,..."}
    meaning = f"{meaning}  [default: {setting.default_words}]"
    return click.option(name, setting.name, default=None, help=meaning, **shown)


SETTINGS = tuple(option(setting) for setting in TABLE)


def given_settings(values: dict[str, Any]) -> dict[str, Any]:
    """The settings that the user gave, of all option values."""
    given = {setting: values.get(setting.name) for setting in TABLE}
    return {setting.name: _value(setting, value) for setting, value in given.items() if value is not None}


def _value(setting: Setting, value: Any) -> Any:
    """The value of a setting that an option's value means."""
    match setting.kind:
        case Whole(word=word) if word and value == word:
            return None
        case ClassWeights() if value != "balanced":
            return _numbers(setting.option, value)
    return value


def _numbers(name: str, text: str) -> list[float]:
    """The numbers of `1,1,5`."""
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        expected = "expected 'balanced', or numbers separated by commas, as in 1,1,5"
        raise SettingsError(f"{name} '{text}': {expected}") from None
