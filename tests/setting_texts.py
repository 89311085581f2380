"""The table of settings as text: parameters in two docstrings, and the page docs/settings.md.

    python -m tests.setting_texts

writes all three. `tests/test_setting_texts.py` fails as long as one differs from the table.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path

from convlet.estimator.parameters import SETTINGS
from convlet.learning.setting_table import BY_NAME, GROUPS, TABLE, Setting

ROOT = Path(__file__).parents[1]
SETTINGS_FILE = ROOT / "convlet/learning/settings.py"
CLASSIFIER_FILE = ROOT / "convlet/estimator/classifier.py"
PAGE_FILE = ROOT / "docs/settings.md"
COMMAND = "python -m tests.setting_texts"

WIDTH = 120
"""Columns of a line of source, as in pyproject.toml."""

PAGE_TOP = f"""# Settings

Every setting of a training. In Python they are the parameters of `convlet.Settings`. On the command line each one is an
option of `convlet train` and `convlet compare`. `ConvNetClassifier` has some of them as parameters. A setting that you do
not give is chosen by the recipe or the preset, if there is one. Otherwise it is the default below.

This page is written from `convlet/learning/setting_table.py` by `{COMMAND}`.
"""


def range_words(setting: Setting) -> str:
    """The values that a setting takes, and what None or "" means."""
    kind = setting.kind
    if not setting.unset:
        return kind.range
    typed = getattr(kind, "word", "")
    unset = "None" if kind.optional else '""'
    meaning = f"{setting.unset}; `{setting.option} {typed}`" if typed else setting.unset
    return f"{kind.range}, or {unset} ({meaning})"


def described(setting: Setting) -> str:
    """Everything that a docstring says about a setting."""
    allowed = range_words(setting)
    text = f"{setting.help} {allowed[0].upper()}{allowed[1:]}."
    return f"{text} {setting.note}" if setting.note else text


def settings_lines() -> str:
    """The parameters in the docstring of `Settings`."""
    return _lines((setting.name, described(setting)) for setting in TABLE)


def classifier_lines() -> str:
    """The shared parameters in the docstring of ConvNetClassifier."""
    return _lines((name, BY_NAME[name].help) for name in SETTINGS)


def page() -> str:
    """The text of docs/settings.md."""
    parts = [PAGE_TOP]
    for heading, settings in GROUPS.items():
        parts.append(f"\n## {heading}\n\n| name | option | values | default | meaning |\n|---|---|---|---|---|\n")
        parts += [_row(setting) for setting in settings]
    return "".join(parts)


def _row(setting: Setting) -> str:
    default = f"`{setting.default!r}`".replace("'", '"')
    more = setting.option_default.removeprefix(f"{setting.default}; ")
    if more:
        default += f"; {more}" if more != setting.option_default else f"; on the command line: {more}"
    cells = [f"`{setting.name}`", f"`{setting.option}`", range_words(setting), default]
    text = f"{setting.help} {setting.note}".strip()
    return "| " + " | ".join([*cells, text]).replace("2**", "2\\*\\*") + " |\n"


def _lines(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f"{line}\n"
        for name, text in rows
        for line in textwrap.wrap(
            f"{name} : {text}", WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 8, break_on_hyphens=False
        )
    )


def with_lines(source: str, start: str, end: str, lines: str) -> str:
    """The source with these lines in place of those between two lines, which stay."""
    before, rest = source.split(start, 1)
    return before + start + lines + rest[rest.index(end) :]


def texts() -> dict[Path, str]:
    """Each file that holds texts of the table, as it should be."""
    settings, classifier = SETTINGS_FILE.read_text(), CLASSIFIER_FILE.read_text()
    return {
        SETTINGS_FILE: with_lines(settings, "    Parameters\n    ----------\n", "\n    Raises\n", settings_lines()),
        CLASSIFIER_FILE: with_lines(
            classifier, "None to guess it as above\n", "    class_weight : {label: weight}", classifier_lines()
        ),
        PAGE_FILE: page(),
    }


def main() -> None:
    """Write every text that differs, and name its file."""
    for path, text in texts().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
