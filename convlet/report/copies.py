"""Test images that are training images too, in words; the same in the terminal and in the report."""

from __future__ import annotations

from convlet.records.data import Reading
from convlet.records.evaluation import Copies
from convlet.report.numbers import count, percent


def copies_line(row: Copies) -> str | None:
    """What a result says of them: how many there are, and the error without them; None if there are none."""
    if not row.get("test_copies"):
        return None
    error = row["test_error_without_copies"]
    without = "there are no others" if error is None else f"test error without them {percent(error)}"
    return f"{count(row['test_copies'])} test images are training images too; {without}"


def without_copies(row: Copies) -> str:
    """The error without them for a table; "-" if there are no other images."""
    error = row.get("test_error_without_copies")
    return "-" if error is None else percent(error)


def reading_words(reading: Reading | None) -> str:
    """What a result says of copies and groups in its data; "" for nothing."""
    named = {
        "copies": "exact copies",
        "near_copies": "near copies",
        "copies_in_validation": "copies in validation",
        "near_copies_in_validation": "near copies in validation",
        "copies_in_test": "copies in test",
        "near_copies_in_test": "near copies in test",
        "groups": "groups",
        "skipped": "left out because they cannot be read",
    }
    known = reading or {}
    counts = {key: value for key, value in known.items() if isinstance(value, int) and value}
    return "; ".join(f"{words} {count(counts[key])}" for key, words in named.items() if key in counts)
