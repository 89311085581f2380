"""Options of settings: each setting has one, and it gives the setting the value that was typed."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from convlet.cli import setting_options
from convlet.cli.compare import command as compare
from convlet.cli.train import command as train
from convlet.errors import SettingsError
from convlet.learning.setting_kinds import OneOf, Switch
from convlet.learning.setting_table import TABLE
from convlet.learning.settings import Settings

TYPED = {
    **{"epochs": ("3", 3), "steps": ("7", 7), "minutes": ("0.5", 0.5), "batch": ("64", 64)},
    **{"optimizer": ("sgd", "sgd"), "learning_rate": ("0.1", 0.1), "momentum": ("0.8", 0.8), "nesterov": (None, True)},
    **{"beta1": ("0.7", 0.7), "beta2": ("0.99", 0.99), "smoothing": ("0.9", 0.9), "epsilon": ("1e-5", 1e-5)},
    **{"schedule": ("linear", "linear"), "warm_up": ("0.2", 0.2), "step_epochs": ("4", 4), "step_factor": ("0.5", 0.5)},
    **{"weight_decay": ("0.01", 0.01), "clip_norm": ("2", 2.0), "label_smoothing": ("0.1", 0.1)},
    **{"class_weights": ("1,1,5", (1.0, 1.0, 5.0)), "ema_decay": ("0.9", 0.9)},
    **{"augment": ("flip", "flip"), "views": ("shift1-flip", "shift1-flip")},
    **{"patience": ("2", 2), "perfect_epochs": ("6", 6), "monitor": ("error", "error"), "keep": ("best", "best")},
    **{"on_nonfinite": ("rollback", "rollback"), "members": ("2", 2), "seed": ("9", 9), "threads": ("1", 1)},
    "shard": ("8", 8),
}
"""For each setting, what a user types (None for a flag) and the value in Settings. No value is a default."""


def given(*arguments):
    """The settings that a command line gives."""
    found = {}

    @click.command()
    def command(**values):
        found.update(setting_options.given_settings(values))

    for option in setting_options.SETTINGS:
        command = option(command)
    command.main(list(arguments), standalone_mode=False)
    return found


def test_every_setting_can_be_typed():
    assert TYPED.keys() == {setting.name for setting in TABLE}
    arguments = [
        text for setting in TABLE for text in (setting.option, TYPED[setting.name][0]) if text is not None
    ]  # fmt: skip
    made = Settings(**given(*arguments))
    assert {name: getattr(made, name) for name in TYPED} == {name: value for name, (_, value) in TYPED.items()}
    assert [name for name in TYPED if getattr(made, name) == getattr(Settings(), name)] == []


def test_what_is_not_typed_is_not_given():
    assert given() == {}


def test_words_that_stand_for_other_values():
    assert given("--batch", "all") == {"batch": None}
    assert given("--no-nesterov") == {"nesterov": False}
    assert given("--class-weights", "balanced") == {"class_weights": "balanced"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--batch", "x"], "'x' is not a whole number: expected one from 1, or 'all' for full batch"),
        (["--beta1", "x"], "'x' is not a valid float."),
        (["--step-epochs", "1.5"], "'1.5' is not a valid integer."),
    ],
)
def test_what_is_no_number_is_refused(arguments, text):
    with pytest.raises(click.BadParameter) as caught:
        given(*arguments)
    assert caught.value.message == text


def test_class_weights_that_are_no_numbers_are_refused():
    with pytest.raises(SettingsError) as caught:
        given("--class-weights", "1;2")
    assert str(caught.value) == (
        "--class-weights '1;2': expected 'balanced', or numbers separated by commas, as in 1,1,5"
    )


@pytest.mark.parametrize("command", ["train", "compare"])
def test_help_does_not_load_numpy(command):
    code = f"import sys; from convlet.cli import main; main(['{command}', '--help']); print('numpy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown.splitlines()[-1] == "False"


@pytest.mark.parametrize("command", [train, compare], ids=["train", "compare"])
def test_help_shows_every_setting_with_its_sentence_default_and_choices(command):
    shown = " ".join(CliRunner().invoke(command, ["--help"], terminal_width=200, max_content_width=200).output.split())
    for setting in TABLE:
        assert f"[default: {setting.default_words}]" in shown
        assert setting.help.removesuffix(".") in shown
        if isinstance(setting.kind, OneOf):
            assert f"{setting.option} [{'|'.join(setting.kind.names)}] {setting.help}" in shown
        if isinstance(setting.kind, Switch):
            assert f"{setting.option} / --no-{setting.option[2:]} {setting.help}" in shown
    assert "--batch N|all Batch size, or 'all' for full batch. [default: 32]" in shown
    assert "--schedule [constant|step|cosine|linear|one-cycle] Learning rate schedule. [default: one-cycle]" in shown
