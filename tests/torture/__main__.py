"""`python -m tests.torture [--short] [--only WORD]`: every hard trial, and a table of what they gave.

Each trial runs in a process of its own. `--short` takes a small part of each, as the test suite does; `--only` those
whose name holds a word. The exit code is 1 where anything failed.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from time import perf_counter
from typing import NamedTuple

from tests.torture import model_damage
from tests.torture.trial import Outcome, in_process


class Row(NamedTuple):
    """A line of the table: its name, what gives its outcome, in full and in short."""

    name: str
    full: Callable[[], Outcome]
    short: Callable[[], Outcome]


def _process(module: str, full: tuple[object, ...], short: tuple[object, ...]) -> tuple[Callable[[], Outcome], ...]:
    """A trial that prints its outcome, with the arguments of both forms."""
    return (
        lambda: in_process(f"tests.torture.{module}", *full),
        lambda: in_process(f"tests.torture.{module}", *short),
    )


def _side_by_side(module: str, parts: int) -> Callable[[], Outcome]:
    """A trial in so many processes; each takes every `parts`-th, from another first one on."""

    def run() -> Outcome:
        with ThreadPoolExecutor(parts) as pool:
            outcomes = pool.map(lambda first: in_process(f"tests.torture.{module}", parts, first), range(1, parts + 1))
            return reduce(Outcome.add, outcomes)

    return run


def _counted(module: str) -> Callable[[], Outcome]:
    """A trial whose `main` gives counts, and whose `wrong` says how many of them must not be."""

    def run() -> Outcome:
        if importlib.util.find_spec(module) is None:
            return Outcome(notes="is not in this tree")
        trial = importlib.import_module(module)
        counts = trial.main()
        bad = trial.wrong(counts)
        notes = ", ".join(f"{name} {value}" for group in counts.values() for name, value in group.items())
        count = sum(next(iter(group.values())) for group in counts.values())
        return Outcome(count, [f"{bad} of the counts must not be: {notes}"] if bad else [], notes)

    return run


def _nothing() -> Outcome:
    return Outcome(notes="has a short form of its own")


ROWS = (
    Row("SIGKILL at random moments until done", *_process("kills", (200,), (2,))),
    Row(
        "fault at each call of the save path",
        _side_by_side("save_faults", 2),
        lambda: in_process("tests.torture.save_faults", 61),
    ),
    Row(
        "truncations and bit flips of a 4 KiB model",
        model_damage.truncations_and_flips,
        lambda: model_damage.truncations_and_flips(step=13),
    ),
    Row(
        "structured mutations of the header",
        lambda: model_damage.mutations(2000),
        lambda: model_damage.mutations(130),
    ),
    *(
        Row(f"fuzzing: {target}", *_process("fuzz", (target, 1_000_000), (target, 2000, "plain")))
        for target in ("idx", "model", "words")
    ),
    Row("image corpus: bombs, cuts, modes", *_process("picture_corpus", (300,), (150,))),
    Row("download server that misbehaves", *_process("downloads", (50,), (11,))),
    Row("kernel cache damaged, cold processes", _counted("tests.torture_cache"), _nothing),
    Row("fork and fit, threads predicting", _counted("tests.torture_threads"), _nothing),
    Row("same seed: networks x threads x repeats", *_process("same_seed", (5,), (1,))),
    Row("file arguments that are no files", *_process("odd_files", ("processes",), ())),
    Row("kernels over their whole range", *_process("kernel_ranges", ("--cases", 2000), ("--cases", 24))),
    Row("memory during hostile loads", *_process("hostile_memory", (10_000,), (300,))),
)


def main(arguments: list[str]) -> int:
    """Run the rows, print the table as it grows; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a small part of each trial")
    parser.add_argument("--only", default="", metavar="WORD", help="the trials whose name holds this")
    given = parser.parse_args(arguments)
    print(f"{'trial':<42} {'count':>9} {'failures':>8} {'seconds':>8}  notes", flush=True)
    failed = 0
    for row in ROWS:
        if given.only not in row.name:
            continue
        began = perf_counter()
        outcome = (row.short if given.short else row.full)()
        seconds = perf_counter() - began
        failed += len(outcome.failures)
        print(
            f"{row.name:<42} {outcome.count:>9,} {len(outcome.failures):>8,} {seconds:>8.1f}  {outcome.notes}",
            flush=True,
        )
        for failure in outcome.failures[:10]:
            print(f"    {failure[:500]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
