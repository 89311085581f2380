"""The table of settings: its rows say the same as the fields of Settings and as the code that uses them."""

from __future__ import annotations

from dataclasses import fields

import pytest

from convlet.errors import SettingsError
from convlet.learning.optimizers import OPTIMIZERS
from convlet.learning.schedules import OneCycle
from convlet.learning.setting_kinds import MOST, ClassWeights, OneOf, Real, Switch, Whole, Word
from convlet.learning.setting_table import BY_NAME, SCHEDULES, TABLE, Setting
from convlet.learning.setting_table import OPTIMIZERS as OPTIMIZER_NAMES
from convlet.learning.settings import Settings
from convlet.training.run import MOST_ROLLBACKS
from convlet.training.stopping import ENOUGH


def test_each_field_of_settings_has_its_row():
    rows = {setting.name: (setting.annotation, setting.default) for setting in TABLE}
    assert {field.name: (field.type, field.default) for field in fields(Settings)} == rows
    assert len(rows) == len(TABLE)


@pytest.mark.parametrize("setting", TABLE, ids=lambda setting: setting.name)
def test_each_default_passes_its_own_check(setting):
    found = setting.check(setting.default)
    assert (found, type(found)) == (setting.default, type(setting.default))


@pytest.mark.parametrize("setting", TABLE, ids=lambda setting: setting.name)
def test_each_row_reads_well(setting):
    assert setting.help.endswith(".")
    assert ". " not in setting.help  # one sentence
    assert "default" not in setting.help + setting.note
    assert setting.default_words
    assert bool(setting.unset) == (setting.kind.optional or isinstance(setting.kind, Word))  # None and ""


def test_every_setting_is_checked():
    for setting in TABLE:
        with pytest.raises(SettingsError):
            Settings(**{setting.name: object()})


def test_rows_agree_with_the_numbers_of_the_code():
    assert BY_NAME["perfect_epochs"].note.startswith(f"It needs at least {ENOUGH} validation images.")
    assert MOST_ROLLBACKS == 10
    assert "at most ten times" in BY_NAME["on_nonfinite"].note
    own = {name: made.epsilon for name, made in OPTIMIZERS.items() if hasattr(made, "epsilon")}
    adagrad = own.pop("adagrad")
    (other,) = set(own.values())
    assert BY_NAME["epsilon"].unset == f"{adagrad:g} in adagrad, {other:g} in the others"
    assert BY_NAME["warm_up"].unset == f"{OneCycle.warm_up:g} in one-cycle, 0 in the other schedules"


def test_every_schedule_and_optimizer_of_the_table_can_be_made():
    for schedule in SCHEDULES:
        assert Settings(schedule=schedule).make_schedule(1).rate(0, 1) >= 0
    assert tuple(OPTIMIZERS) == OPTIMIZER_NAMES
    for optimizer in OPTIMIZERS:
        assert Settings(optimizer=optimizer).make_optimizer().name == optimizer


@pytest.mark.parametrize(
    ("kind", "words", "annotation"),
    [
        (Whole(1), "whole number from 1 to 2**32 - 1", "int"),
        (Whole(0, 256, optional=True), "whole number from 0 to 256", "int | None"),
        (Real(), "number above 0", "float"),
        (Real(closed=True, limit=1.0), "number from 0 to below 1", "float"),
        (OneOf(("a", "b", "c")), "one of a, b or c", "str"),
        (Switch(), "True or False", "bool"),
        (Word(str, "flip"), 'tokens such as "flip"', "str"),
        (ClassWeights(), '"balanced", or one number from 0 for each class', "str | tuple[float, ...] | None"),
    ],
)
def test_a_kind_says_its_range_and_its_type(kind, words, annotation):
    assert kind.range == words
    assert Setting("x", kind, None, "Help.").annotation == annotation


def test_the_default_in_words():
    def shown(kind, default, **more):
        return Setting("x", kind, default, "Help.", **more).default_words

    assert shown(Whole(1), 3) == "3"
    assert shown(Whole(1, optional=True), None, unset="no limit") == "no limit"
    assert shown(Real(), 0.0) == "0"
    assert shown(Switch(), False) == "off"
    assert shown(Switch(), True) == "on"
    assert shown(Word(str, "flip"), "", unset="none") == "none"
    assert shown(Whole(1), 3, option_default="depends") == "depends"


def test_none_is_taken_only_where_the_row_says_so():
    assert Setting("x", Real(optional=True), None, "Help.").check(None) is None
    with pytest.raises(SettingsError) as caught:
        Setting("x", Real(), 1.0, "Help.").check(None)
    assert str(caught.value) == "x must be a finite number above 0, but got None"
    assert Setting("x", Whole(1), 1, "Help.").check(MOST) == MOST
