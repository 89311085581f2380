"""Numbers as text, one way for all tables."""

from __future__ import annotations


def percent(fraction: float | None) -> str:
    """0.0171 as `1.71 %`; `-` for None."""
    return "-" if fraction is None else f"{100 * fraction:.2f} %"


def interval(pair: list[float]) -> str:
    """Two fractions as `1.48 to 1.98 %`."""
    return f"{100 * pair[0]:.2f} to {100 * pair[1]:.2f} %"


def count(number: float) -> str:
    """15770 as `15,770`."""
    return f"{round(number):,}"


def seconds(value: float) -> str:
    """0.42 as `0.4 s`, 75 as `1 min 15 s`, 4000 as `1 h 7 min`."""
    if value < 59.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def duration(value: float) -> str:
    """Three digits: 0.0000769 seconds as `76.9 µs`, 0.00112 as `1.12 ms`, 2.5 as `2.50 s`."""
    factor, unit = next(((f, u) for f, u in ((1, "s"), (1e3, "ms")) if value * f >= 0.9995), (1e6, "µs"))
    return f"{three_digits(value * factor)} {unit}"


def three_digits(value: float) -> str:
    """0.0042 as `0.004`, 1.1234 as `1.12`, 12.34 as `12.3`, 1234.5 as `1,234`."""
    for limit, digits in ((0.9995, 3), (9.995, 2), (99.95, 1)):
        if abs(value) < limit:
            return f"{value:.{digits}f}"
    return f"{value:,.0f}"


def size(number: int) -> str:
    """Bytes as `512 B`, `24.5 KiB`, `3.1 MiB`."""
    value, units = float(number), ["B", "KiB", "MiB", "GiB"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{number} B" if units[0] == "B" else f"{value:.1f} {units[0]}"
