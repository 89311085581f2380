"""The charts of a report, in SVG. Names from data never stand in them: networks are letters, with a key beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from convlet.records.evaluation import Bin
from convlet.report.page.scales import Scale, around, prefers_log, short
from convlet.report.page.svg import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Format,
    axes,
    drawing,
    element,
    group,
    joined,
    line,
    text,
)

PLOT_BOTTOM = HEIGHT - BOTTOM


@dataclass(frozen=True)
class Point:
    """A network in the plane: its letter and colour, x, y with its interval, and the words shown for it."""

    letter: str
    colour: int
    x: float
    y: float
    low: float
    high: float
    words: str
    chosen: bool = False


@dataclass(frozen=True)
class Carried:
    """A network's errors, one for each kind of images or None, and the words shown for it."""

    letter: str
    colour: int
    label: str
    values: list[float | None]
    words: str


@dataclass(frozen=True)
class Series:
    """A line: letter and colour of its network, and a value (or None) at each x."""

    letter: str
    colour: int
    values: list[float | None]
    chosen: bool = False


def whole_percent(value: float) -> str:
    """0.025 as `2.5 %`."""
    return f"{100 * value:.3g} %"


def tradeoff(points: list[Point], x_title: str, x_format: Format = short) -> Markup:
    """Error with its interval against what a network costs: the further down and to the left the better."""
    xs = [point.x for point in points]
    log = prefers_log(xs, 3)
    x = Scale(*around(xs, log, 0.12), LEFT, WIDTH - RIGHT, log)
    y = _error_scale(points)
    parts = [axes(x, y, (x_title, "test error"), (x_format, whole_percent), PLOT_BOTTOM)]
    for point, shift in zip(points, _dodged([x(point.x) for point in points]), strict=True):
        at = round(x(point.x) + shift, 2)
        parts.append(
            element(
                "g",
                line(at, y(point.low), at, y(point.high), "whisker"),
                element("circle", cx=at, cy=y(point.y), r=10, class_="dot"),
                text(at, y(point.y) + 4.2, point.letter, "letter", text_anchor="middle"),
                class_=f"point c{point.colour}{' chosen' if point.chosen else ''}",
                tabindex=0,
                role="img",
                aria_label=point.words,
                data_tip=point.words,
            )
        )
    return group(joined(parts), f"test error against {x_title}")


def _error_scale(points: list[Point]) -> Scale:
    """From 0 where the errors are near it, logarithmic where one network is far worse than another."""
    ends = [end for point in points for end in (point.low, point.high)]
    if prefers_log([point.y for point in points], 5) and min(ends) > 0:
        return Scale(*around(ends, True, 0.05), PLOT_BOTTOM, TOP, True)
    if min(ends) > 0.35 * max(ends):
        low, high = around(ends, False)
        return Scale(max(0.0, low), high, PLOT_BOTTOM, TOP)
    return Scale(0, max(ends) * 1.06 or 1.0, PLOT_BOTTOM, TOP)


def _dodged(places: list[float], width: float = 22) -> list[float]:
    """How far to move dots sideways so that none lies upon another, each group around its own middle."""
    order = sorted(range(len(places)), key=lambda k: places[k])
    groups: list[list[int]] = []
    for k in order:
        if groups and places[k] - places[groups[-1][-1]] < width:
            groups[-1].append(k)
        else:
            groups.append([k])
    shifts = [0.0] * len(places)
    for members in groups:
        middle = sum(places[k] for k in members) / len(members)
        wanted = [middle + (rank - (len(members) - 1) / 2) * width for rank in range(len(members))]
        over = max(0.0, wanted[-1] - (WIDTH - RIGHT - 10)) - max(0.0, LEFT + 12 - wanted[0])
        for place, k in zip(wanted, members, strict=True):
            shifts[k] = place - over - places[k]
    return shifts


def lines(
    series: list[Series], xs: Sequence[float], titles: tuple[str, str], y_format: Format, *, may_be_log: bool = True
) -> Markup:
    """Lines over epochs; the reader's pointer or arrow keys pick an x, see `script.js`."""
    values = [value for item in series for value in item.values if value is not None]
    log = may_be_log and prefers_log(values)
    low, high = around(values, log, 0.06)
    x = Scale(xs[0], xs[-1], LEFT, WIDTH - RIGHT)
    y = Scale(low if log or min(values) < 0 else max(0.0, low), high, PLOT_BOTTOM, TOP, log)
    parts = [axes(x, y, titles, (short, y_format), PLOT_BOTTOM)]
    for item in sorted(series, key=lambda item: item.chosen):  # the chosen one is drawn last, on top
        kind = f"series c{item.colour}{' chosen' if item.chosen else ''}"
        dots = len(xs) <= 12
        shown = [(x(at), y(value)) for at, value in zip(xs, item.values, strict=True) if value is not None]
        path = "M" + "L".join(f"{px} {py}" for px, py in shown)
        marks = [element("circle", cx=px, cy=py, r=2.6, class_="mark") for px, py in shown] if dots else []
        parts.append(
            element("g", element("path", d=path, class_="curve"), *marks, class_=kind, data_letter=item.letter)
        )
    parts.append(element("line", x1=0, y1=TOP, x2=0, y2=PLOT_BOTTOM, class_="guide", visibility="hidden"))
    where = " ".join(str(x(at)) for at in xs)
    return drawing(joined(parts), f"{titles[1]} over {titles[0]}", data_places=where)


def carried_over(rows: list[Carried], names: tuple[str, ...]) -> Markup:
    """For each network its errors on several kinds of images, on one line."""
    height = TOP + 30 * len(rows) + BOTTOM
    bottom = height - BOTTOM
    values = [value for row in rows for value in row.values if value is not None]
    x = Scale(0, max(values) * 1.05 or 1.0, 30, WIDTH - RIGHT)
    parts = []
    for value in x.ticks(6):
        parts.append(line(x(value), TOP, x(value), bottom, "grid"))
        parts.append(text(x(value), bottom + 17, whole_percent(value), "tick", text_anchor="middle"))
    parts.append(text((x.start + x.end) / 2, bottom + 35, "error rate", "axis-title", text_anchor="middle"))
    for number, row in enumerate(rows):
        at = TOP + 30 * number + 15
        known = [value for value in row.values if value is not None]
        shapes = [
            _shape(place, x(value), at, names[place]) for place, value in enumerate(row.values) if value is not None
        ]
        parts.append(
            element(
                "g",
                text(12, at + 4.5, row.letter, "row-letter", text_anchor="middle"),
                line(x(min(known)), at, x(max(known)), at, "whisker"),
                *shapes,
                class_=f"point c{row.colour}",
                tabindex=0,
                role="img",
                aria_label=row.words,
                data_tip=row.words,
            )
        )
    return group(joined(parts), "error rates of each network: " + ", ".join(names), height)


def _shape(place: int, x: float, y: float, name: str) -> Markup:
    """Square, circle, filled diamond: told apart without colour."""
    if place == 0:
        return element("rect", x=x - 5, y=y - 5, width=10, height=10, class_="hollow", data_name=name)
    if place == 1:
        return element("circle", cx=x, cy=y, r=5.5, class_="hollow", data_name=name)
    return element(
        "path", d=f"M{x} {y - 7.5}L{x + 7.5} {y}L{x} {y + 7.5}L{x - 7.5} {y}Z", class_="full", data_name=name
    )


def reliability(bins: list[Bin], words: list[str]) -> Markup:
    """Accuracy in each bin of confidence, with the line where both are equal; below, how many images."""
    height, bottom, floor = 360, 236, 312
    x = Scale(0, 1, LEFT, WIDTH - RIGHT)
    y = Scale(0, 1, bottom, TOP)
    most = max(row["images"] for row in bins) or 1
    parts = [axes(x, y, ("", "accuracy"), (lambda value: "", whole_percent), bottom)]
    for row, said in zip(bins, words, strict=True):
        left, width = x(row["low"]) + 1, x(row["high"]) - x(row["low"]) - 2
        accuracy, certainty = row["accuracy"], row["certainty"]
        if accuracy is None or certainty is None:
            continue
        tall = max(1.5, (floor - bottom - 16) * (row["images"] / most) ** 0.5)
        marks = [
            element("rect", x=left, y=y(accuracy), width=width, height=bottom - y(accuracy), class_="bar"),
            element("rect", x=left, y=floor - tall, width=width, height=tall, class_="count"),
            line(left, y(certainty), left + width, y(certainty), "expected"),
        ]
        parts.append(element("g", *marks, class_="point", tabindex=0, role="img", aria_label=said, data_tip=said))
    parts.append(line(x(0), y(0), x(1), y(1), "diagonal"))
    parts.append(line(x.start, floor, x.end, floor, "axis"))
    for value in x.ticks():
        parts.append(text(x(value), floor + 17, whole_percent(value), "tick", text_anchor="middle"))
    parts.append(text((x.start + x.end) / 2, floor + 36, "confidence", "axis-title", text_anchor="middle"))
    middle = (bottom + floor) / 2 + 6
    parts.append(text(x.start - 7, middle, "images", "tick", text_anchor="end"))
    return group(joined(parts), "accuracy against confidence", height)
