"""Timing sides in turn, and tables that carry their conditions: on the screen, as JSON and in RESULTS.md."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from convlet.measure.conditions import machine, versions
from convlet.system.threads import available_threads

RESULTS = Path(__file__).parent / "RESULTS.md"


@dataclass(frozen=True)
class Spread:
    """A figure measured once a run."""

    runs: tuple[float, ...]

    @property
    def median(self):
        return statistics.median(self.runs)

    def __truediv__(self, other):
        """The ratio of two medians, with the ratios of the single runs as its spread."""
        return Ratio(self.median / other.median, tuple(a / b for a, b in zip(self.runs, other.runs, strict=True)))

    def shown(self, scale=1.0):
        """`0.94 (0.91-1.02)`: median, least and most."""
        return f"{number(scale * self.median)} ({number(scale * min(self.runs))}-{number(scale * max(self.runs))})"

    def as_dict(self):
        return {"median": self.median, "least": min(self.runs), "most": max(self.runs), "runs": list(self.runs)}


@dataclass(frozen=True)
class Ratio:
    """A ratio of medians, and that of each run."""

    median: float
    runs: tuple[float, ...]

    shown, as_dict = Spread.shown, Spread.as_dict


def number(value):
    """About three figures, and whole numbers with separators: 0.094, 0.94, 12.5, 1,234."""
    places = next((places for places, least in enumerate((100, 10, 0.1)) if abs(value) >= least), 3)
    return f"{value:,.{places}f}"


def percent(shares):
    """`98.95 (98.93-98.97)`: mean, least and most of shares of 1, in percent."""
    return f"{100 * statistics.fmean(shares):.2f} ({100 * min(shares):.2f}-{100 * max(shares):.2f})"


def interleaved(sides, runs, seconds=0.1):
    """Seconds of one call of each side: name -> Spread.

    Each run takes every side in turn, beginning one side later than the run before; a side is first called once
    unmeasured, so that it finds its own data and threads awake, then for `seconds` at least.
    """
    found = {name: [] for name in sides}
    names = list(sides)
    for name in names:
        sides[name]()
    for run in range(runs):
        start = run % len(names)
        for name in names[start:] + names[:start]:
            found[name].append(_seconds(sides[name], seconds))
    return {name: Spread(tuple(own)) for name, own in found.items()}


def _seconds(side, seconds):
    side()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds or not count:
        side()
        count += 1
    return (time.perf_counter() - began) / count


def options(doc, **defaults):
    """A parser with what all benchmarks share; `defaults` change theirs."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--threads", type=int, default=available_threads(), help="default: all there are")
    parser.add_argument("--runs", type=int, default=7, help="default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run's figure too")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    parser.set_defaults(**defaults)
    return parser


def network_options(doc, **defaults):
    """`options` with the size of a batch, and the names of networks."""
    parser = options(doc, **defaults)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--batch", type=int, default=128, help="default: %(default)s")
    return parser


class Table:
    """A table that is printed row by row, and kept with its conditions.

    name : the block of RESULTS.md it belongs into, and the key of its targets
    given : the parsed options
    more : names and values of other conditions
    """

    def __init__(self, name, columns, given, packages=(), more=None):
        self.name, self.given, self.rows = name, given, []
        self.conditions = conditions(given.threads, packages)
        self.conditions |= more or {}
        self.lines = [self._command(), "", self._about(), ""]
        self.lines += [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
        print("\n".join(self.lines), flush=True)

    def row(self, cells, **figures):
        """A row of texts for people, and the figures behind it for the JSON."""
        self.lines.append(f"| {' | '.join(map(str, cells))} |")
        self.rows.append(figures)
        print(self.lines[-1], flush=True)

    def note(self, text, **figures):
        """A line below the table, and the figures behind it."""
        self.lines += ["", text]
        self.conditions |= figures
        print(f"\n{text}", flush=True)

    def done(self):
        """Write what the options ask for."""
        if self.given.json:
            whole = {"table": self.name, "command": self._command().strip(), **self.conditions, "rows": self.rows}
            text = json.dumps(whole, indent=1, default=lambda value: value.as_dict())
            self.given.json.write_text(text + "\n")
        if self.given.write:
            write_block(self.name, "\n".join(self.lines), RESULTS)

    def _command(self):
        left_out = {"--write"} | ({"--json", str(self.given.json)} if self.given.json else set())
        words = [word for word in sys.argv[1:] if word not in left_out]
        return "    " + shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *words])

    def _about(self):
        known = self.conditions
        packages = ", ".join(f"{name} {own}" for name, own in known["versions"].items() if name != "engine")
        more = "".join(
            f", {name.replace('_', ' ')} {value}"
            for name, value in known.items()
            if name not in ("machine", "versions", "threads", "load")
        )
        load = "" if known["load"] is None else f", load {known['load']:.1f} before"
        threads = "1 thread" if known["threads"] == 1 else f"{known['threads']} threads"
        return f"{known['machine']['processor']}, {threads}{more}{load}; {packages}."


def conditions(threads, packages=()):
    """What every figure was measured under."""
    found = versions()
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"machine": machine(), "versions": found, "threads": threads, "load": load}


def write_block(name, text, path):
    """Put `text` between the two comments that mark the block `name` of the results."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    whole = path.read_text()
    if whole.count(begin) != 1 or whole.count(end) != 1:
        raise SystemExit(f"{path}: expected one '{begin}' and one '{end}'")
    before, _, rest = whole.partition(begin)
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}")
