"""What is said of test images that are training images too."""

from __future__ import annotations

import pytest

from convlet.report.copies import copies_line, reading_words, without_copies


@pytest.mark.parametrize(
    ("row", "line", "cell"),
    [
        ({}, None, "-"),
        (
            {"test_copies": 1200, "test_error_without_copies": 0.05},
            "1,200 test images are training images too; test error without them 5.00 %",
            "5.00 %",
        ),
        (
            {"test_copies": 3, "test_error_without_copies": None},
            "3 test images are training images too; there are no others",
            "-",
        ),
    ],
)
def test_the_line_and_the_cell(row, line, cell):
    assert copies_line(row) == line
    assert without_copies(row) == cell


def test_what_a_report_says_of_its_data():
    assert reading_words(None) == reading_words({"rules": {}}) == ""
    assert reading_words({"near_copies": 7, "copies": 1234, "copies_in_test": 0}) == "exact copies 1,234; near copies 7"
