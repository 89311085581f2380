"""Text from files and folders, made safe for a terminal."""

from __future__ import annotations

import re

UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, which a terminal obeys; those that turn the direction of text; and halves of characters."""


def plain(text: str) -> str:
    r"""The text with each unsafe character written out, as in `\x1b`: a stranger's class name moves no cursor."""
    return UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
