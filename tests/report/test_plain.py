"""Names from files and folders move no cursor and turn no text."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from convlet.report.plain import plain
from convlet.report.tables import add, say, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat", "cat"),
        ("Kätzchen 猫 👩‍🔬 [bold]", "Kätzchen 猫 👩‍🔬 [bold]"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("two\nlines\ttab", r"two\nlines\ttab"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("a\u202etxt", r"a\u202etxt"),
        ("\udcff", r"\udcff"),
    ],
)
def test_unsafe_characters_are_written_out(text, shown):
    assert plain(text) == shown


def test_lines_and_tables_are_plain():
    console = Console(file=io.StringIO(), width=60)
    say(console, "\x1b[2Jname")
    made = table([("class", False)])
    add(made, ["\x1b[2Jname"])
    console.print(made)
    assert console.file.getvalue().count("\\x1b[2Jname") == 2
    assert "\x1b" not in console.file.getvalue()
