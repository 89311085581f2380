"""Kernels over the whole range of what their layers accept, against the definitions.

    python -m tests.torture.kernel_ranges [--cases 2000] [--seed 0] [--processes 2]

Prints each difference, and at the end the outcome: cases drawn, differences beyond rounding, seconds.
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

from convlet.kernels.compiler.machine_code import addresses
from tests.torture.kernel_cases import CASES_EACH, draw
from tests.torture.kernel_runs import Lowered, failure
from tests.torture.trial import Outcome, draws, report

TOGETHER = 10
"""Networks whose kernels are compiled at once, so that the helper processes have enough to do."""


def ranges(count: int, seed: int, processes: int) -> Outcome:
    """About that many cases, whole networks of them; the same for the same seed."""
    outcome, drawn, began, kernels = Outcome(), draws(seed), perf_counter(), 0
    networks = -(-count // CASES_EACH)
    for first in range(0, networks, TOGETHER):
        together = [draw(drawn) for _ in range(min(TOGETHER, networks - first))]
        unlike = [case for cases in together for case in {case.training: case for case in cases}.values()]
        wanted = {kernel for case in unlike for kernel in Lowered(case).plan.kernels()}
        kernels += len(wanted)
        addresses(wanted, processes=processes)
        for case in (case for cases in together for case in cases):
            wrong = failure(case)
            outcome.tried(wrong)
            if wrong:
                print(wrong, file=sys.stderr, flush=True)
        print(f"{outcome.count:,} cases, {perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    outcome.notes = f"{networks:,} networks, {kernels:,} kernels, seed {seed}, {perf_counter() - began:.0f} s"
    return outcome


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.torture.kernel_ranges", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    report(ranges(given.cases, given.seed, given.processes))
