"""Line plots side by side as one SVG, readable on light and on dark paper, without any plotting library.

Both axes are logarithmic. Colours follow the reader's colour scheme; text and lines are dark on light otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 310, 230
LEFT, RIGHT, TOP, BOTTOM = 58, 26, 38, 44
PER_ROW = 3
LINE_COLOURS = ("a", "b", "c")
STYLE = """
 text{fill:#1d2733;font:12px system-ui,sans-serif} .title{font-weight:600;font-size:13px} .dim{fill:#5b6b84}
 .axis{stroke:#5b6b84;fill:none} .grid{stroke:#5b6b84;stroke-opacity:.2} path{fill:none;stroke-width:2}
 .a{stroke:#2f6fb5} .b{stroke:#b5612f} .c{stroke:#4c8a3a} .dot.a{fill:#2f6fb5} .dot.b{fill:#b5612f} .dot.c{fill:#4c8a3a}
 @media (prefers-color-scheme: dark){
 text{fill:#eef2f8} .dim{fill:#a9b8cf} .axis,.grid{stroke:#a9b8cf}
 .a{stroke:#7ab0ea} .b{stroke:#eaa27a} .c{stroke:#8fcf7d} .dot.a{fill:#7ab0ea} .dot.b{fill:#eaa27a} .dot.c{fill:#8fcf7d}
 }
"""


@dataclass(frozen=True)
class Panel:
    """One plot: lines are name -> [(x, y), ...], all above 0; `every` point has its x named, or round numbers are."""

    title: str
    x_label: str
    y_label: str
    lines: dict[str, list[tuple[float, float]]]
    every: bool = True


def svg(panels, about):
    """The panels in rows of PER_ROW as the text of an SVG; `about` describes it to who cannot see it."""
    columns, rows = min(PER_ROW, len(panels)), -(-len(panels) // PER_ROW)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * WIDTH} {rows * HEIGHT}" role="img" '
        f'aria-label="{escape(about, {chr(34): "&quot;"})}">',
        f"<style>{STYLE}</style>",
    ]
    for place, panel in enumerate(panels):
        row, column = divmod(place, PER_ROW)
        parts += [f'<g transform="translate({column * WIDTH} {row * HEIGHT})">', *_drawn(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _drawn(panel):
    points = [point for line in panel.lines.values() for point in line]
    x_of, x_ticks = _axis([x for x, _ in points], LEFT, WIDTH - RIGHT, panel.every)
    y_of, y_ticks = _axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    yield f'<text class="title" x="{LEFT}" y="16">{escape(panel.title)}</text>'
    for value in y_ticks:
        y = y_of(value)
        yield f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        yield f'<text class="dim" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(value)}</text>'
    for value in x_ticks:
        x = x_of(value)
        yield f'<line class="axis" x1="{x:.1f}" y1="{HEIGHT - BOTTOM}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM + 4}"/>'
        yield f'<text class="dim" x="{x:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{short(value)}</text>'
    yield f'<path class="axis" style="stroke-width:1" d="M{LEFT},{TOP} V{HEIGHT - BOTTOM} H{WIDTH - RIGHT}"/>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(panel.x_label)}</text>'
    yield f'<text class="dim" x="{LEFT - 50}" y="{TOP - 6}" font-size="11">{escape(panel.y_label)}</text>'
    for colour, (name, line) in zip(LINE_COLOURS, panel.lines.items(), strict=False):
        yield from _line(name if len(panel.lines) > 1 else "", colour, [(x_of(x), y_of(y)) for x, y in line])


def _line(name, colour, places):
    corners = " L".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<path class="{colour}" d="M{corners}"/>'
    for x, y in places:
        yield f'<circle class="dot {colour}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
    if name:
        x, y = places[0]
        yield f'<text x="{x + 8:.1f}" y="{y - 5:.1f}">{escape(name)}</text>'


def _axis(values, start, end, every=False):
    """A function from a value to its place, and the values to name: all of them, or 1, 2, 5 times powers of ten."""
    if every:
        low, high, ticks = min(values), max(values), sorted(set(values))
        while len(ticks) > 7:  # names need room
            ticks = ticks[::2]
    else:
        low, high = min(values) / 1.15, max(values) * 1.15
        ticks = _round_values(low, high)
        if len(ticks) < 2:  # a flat line still needs a scale
            low, high = low / 3, high * 3
            ticks = _round_values(low, high)
    span = math.log(high / low) or 1.0
    return lambda value: start + (end - start) * math.log(value / low) / span, ticks


def _round_values(low, high):
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), range(1, 10)):
        found = [step * 10.0**power for power in decades for step in steps]
        kept = [value for value in found if low <= value <= high]
        if len(kept) > 2:
            break
    return kept if len(kept) <= 7 else [value for value in kept if round(math.log10(value), 6).is_integer()]


def short(value):
    """15000 as `15k`, 2000000 as `2M`; 1024 stays."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= 10 * size or (value >= size and value % size == 0):
            return f"{value / size:.3g}{letter}"
    return f"{value:.4g}"
