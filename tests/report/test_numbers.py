"""Numbers as text."""

from __future__ import annotations

import pytest

from convlet.report import numbers


@pytest.mark.parametrize(
    ("came", "wanted"),
    [
        (numbers.percent(0.0171), "1.71 %"),
        (numbers.percent(None), "-"),
        (numbers.interval([0.0148, 0.0198]), "1.48 to 1.98 %"),
        (numbers.count(15770.4), "15,770"),
        (numbers.seconds(0.42), "0.4 s"),
        (numbers.seconds(59.96), "1 min 0 s"),
        (numbers.seconds(75), "1 min 15 s"),
        (numbers.seconds(4000), "1 h 6 min"),
        (numbers.duration(76.94e-6), "76.9 µs"),
        (numbers.duration(0.0009996), "1.00 ms"),
        (numbers.duration(0.00112), "1.12 ms"),
        (numbers.duration(0.0123), "12.3 ms"),
        (numbers.duration(75), "75.0 s"),
        (numbers.three_digits(0.0042), "0.004"),
        (numbers.three_digits(9.996), "10.0"),
        (numbers.three_digits(1234.5), "1,234"),
        (numbers.size(512), "512 B"),
        (numbers.size(25_088), "24.5 KiB"),
        (numbers.size(3 * 2**20), "3.0 MiB"),
    ],
)
def test_text(came, wanted):
    assert came == wanted
