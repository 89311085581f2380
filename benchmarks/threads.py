"""A training step with each number of threads, from one to as many as there are, in turn in one process.

    python benchmarks/threads.py [--threads 2] [--batch 128] [--runs 7] [--json FILE] [--write] [NAME ...]

Checks first that every number of threads gives the same gradient, to the last bit. The ratio is the time with one
thread by the time with so many. Networks are in networks.txt.
"""

from __future__ import annotations

from convlet.learning.optimizers import Adam
from measure import Table, interleaved, network_options
from networks import drawn, engine_for, headed, networks, step_of, targets

COLUMNS = ("network", "threads", "ms", "ratio to 1 thread", "at least")


def times_of(name, shape, word, given):
    """threads -> seconds of a training step; exits unless all gave the same gradient."""
    images, labels = drawn(shape, 8 * given.batch)
    engines = {n: engine_for(headed(word), images, n) for n in range(1, given.threads + 1)}
    try:
        sides = {n: step_of(engine, images, labels, given.batch, Adam()) for n, engine in engines.items()}
        for step in sides.values():
            step()
        if len({engine.gradient.tobytes() for engine in engines.values()}) != 1:
            raise SystemExit(f"{name}: the gradient depends on the number of threads; nothing was timed")
        return interleaved(sides, given.runs)
    finally:
        for engine in engines.values():
            engine.close()


def main():
    given = network_options(__doc__).parse_args()
    wanted = targets("threads")
    table = Table("threads", COLUMNS, given, more={"batch": given.batch, "runs": given.runs})
    for name, (shape, word) in networks(given.names).items():
        times = times_of(name, shape, word, given)
        for threads, own in times.items():
            ratio, goal = times[1] / own, wanted.get(str(threads), "-")
            table.row([name, threads, own.shown(1e3), ratio.shown(), goal], network=name, threads=threads, seconds=own)
    table.done()


if __name__ == "__main__":
    main()
