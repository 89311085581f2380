"""Runs killed at random moments, again and again, until they are done: each must end as one that was left alone.

python -m tests.torture.kills RUNS [compare]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from tests.torture import children
from tests.torture.trial import Outcome, draws, report

SAVE = ("--save-every", "0")


def kills(count: int) -> Outcome:
    """Kill `count` trainings until each is done."""
    outcome, rng, total = Outcome(), draws(1), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = children.make_data(folder)
        children.warm(data, folder / "warm")
        began = time.monotonic()
        if children.wait(children.child(children.train(data, folder / "whole", *SAVE))):
            raise RuntimeError("a run that nobody killed failed")
        length = time.monotonic() - began
        expected = children.results(folder / "whole")
        for number in range(count):
            run = folder / f"run{number}"
            failure, killed = _until_done(data, run, length, rng)
            if failure is None and children.results(run) != expected:
                failure = "the results differ"
            outcome.tried(failure and f"run {number}: {failure}")
            total += killed
    outcome.notes = f"{total} kills"
    return outcome


def _until_done(data: Path, run: Path, length: float, rng: random.Random) -> tuple[str | None, int]:
    """What went wrong, and how often the run was killed."""
    for killed in range(200):
        # mostly somewhere in the middle, so that a run is killed several times
        seconds = children.between(rng, 0.0, 0.6 * length)
        code = children.killed_after(children.child(children.train(data, run, *SAVE)), seconds)
        if code == 0:
            return None, killed
        if code != -9:
            return f"exit code {code} after {killed} kills", killed
        failure = loads(run)
        if failure:
            return failure, killed
    return "it never ended", 200


def loads(run: Path) -> str | None:
    """Whether what a kill left can be gone on with."""
    from convlet.runs.listing import describe

    if not (run / "config.json").exists():
        return None
    facts = describe(run)
    return None if facts["state"] in ("stopped", "finished") else f"{facts['state']}: {facts['detail']}"


if __name__ == "__main__":
    report(kills(int(sys.argv[1])))
