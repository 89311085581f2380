"""SVG elements as text that is escaped once, and the frame that all charts share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from markupsafe import Markup, escape

from convlet.report.page.scales import Scale

WIDTH, HEIGHT = 460, 290
"""Of a chart, in the units of its own drawing."""

LEFT, RIGHT, TOP, BOTTOM = 62, 14, 12, 44
"""Around the plot, for the axes."""

Format = Callable[[float], str]


def element(name: str, *children: Any, **attributes: Any) -> Markup:
    """An element; `class_` and `stroke_width` stand for class and stroke-width, None leaves an attribute out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{''.join(map(str, map(escape, children)))}</{name}>")


def joined(parts: Iterable[Markup]) -> Markup:
    """Elements one after the other."""
    return Markup("").join(parts)


def text(x: float, y: float, words: str, class_: str, **attributes: Any) -> Markup:
    """Words at a place."""
    return element("text", words, x=x, y=y, class_=class_, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def drawing(content: Markup, name: str, height: int = HEIGHT, **attributes: Any) -> Markup:
    """The outer element, which a screen reader takes for one picture called `name`."""
    return element(
        "svg", content, viewBox=f"0 0 {WIDTH} {height}", role="img", aria_label=name, class_="chart-svg", **attributes
    )


def group(content: Markup, name: str, height: int = HEIGHT, **attributes: Any) -> Markup:
    """The outer element of a chart whose parts are read one by one."""
    return element(
        "svg", content, viewBox=f"0 0 {WIDTH} {height}", role="group", aria_label=name, class_="chart-svg", **attributes
    )


def axes(x: Scale, y: Scale, titles: tuple[str, str], formats: tuple[Format, Format], bottom: float) -> Markup:
    """Grid, ticks and titles of a chart whose plot ends at the y `bottom`."""
    parts = []
    for value in y.ticks():
        parts.append(line(x.start, y(value), x.end, y(value), "grid"))
        parts.append(text(x.start - 7, y(value) + 4, formats[1](value), "tick", text_anchor="end"))
    for value in x.ticks():
        parts.append(line(x(value), bottom, x(value), bottom + 4, "axis"))
        parts.append(text(x(value), bottom + 17, formats[0](value), "tick", text_anchor="middle"))
    parts.append(line(x.start, bottom, x.end, bottom, "axis"))
    parts.append(text((x.start + x.end) / 2, bottom + 35, titles[0], "axis-title", text_anchor="middle"))
    middle = (y.start + y.end) / 2
    parts.append(text(9, middle, titles[1], "axis-title", text_anchor="middle", transform=f"rotate(-90 9 {middle})"))
    return joined(parts)
