"""Docstrings and docs/settings.md say what the table of settings says."""

from __future__ import annotations

import inspect
import typing

import pytest

from convlet.estimator.classifier import ConvNetClassifier
from convlet.estimator.parameters import SETTINGS
from convlet.learning.setting_kinds import Real, Whole
from convlet.learning.setting_table import BY_NAME, GROUPS, TABLE, Setting
from convlet.learning.settings import Settings
from tests import setting_texts


@pytest.mark.parametrize("path", setting_texts.texts(), ids=lambda path: path.name)
def test_a_text_is_what_the_table_says(path):
    assert path.read_text() == setting_texts.texts()[path], f"write it again with: {setting_texts.COMMAND}"


def test_the_docstrings_hold_every_setting():
    for setting in TABLE:
        assert f"\n    {setting.name} : {setting.help.split()[0]}" in Settings.__doc__
    for name in SETTINGS:
        assert f"\n    {name} : {BY_NAME[name].help[:60]}" in ConvNetClassifier.__doc__


def test_the_estimator_has_the_types_of_the_table():
    parameters = inspect.signature(ConvNetClassifier).parameters
    for name in SETTINGS:
        assert parameters[name].annotation == BY_NAME[name].annotation.removesuffix(" | None") + " | None"
        assert parameters[name].default is None
    assert typing.get_type_hints(ConvNetClassifier.__init__)["epochs"] == int | None


def test_the_page_has_a_row_for_every_setting():
    page = setting_texts.page()
    assert [heading in page for heading in (f"## {name}\n" for name in GROUPS)] == [True] * len(GROUPS)
    assert sum(line.startswith("| `") for line in page.splitlines()) == len(TABLE)


def test_a_setting_in_words():
    batch = Setting("b", Whole(1, 9, True, "all"), 2, "Batch size.", "Note.", "full batch")
    assert setting_texts.described(batch) == (
        "Batch size. Whole number from 1 to 9, or None (full batch; `--b all`). Note."
    )
    rate = Setting("r", Real(), 0.5, "Rate.", option_default="0.5; recipes: 0.1")
    assert setting_texts._row(rate) == "| `r` | `--r` | number above 0 | `0.5`; recipes: 0.1 | Rate. |\n"
    other = Setting("r", Real(), 0.5, "Rate.", option_default="depends")
    assert "| `0.5`; on the command line: depends |" in setting_texts._row(other)
