"""A training step with Winograd's convolutions and with direct ones, in turn in one process.

    python benchmarks/winograd.py [--threads 2] [--batch 128] [--runs 7] [--json FILE] [--write] [NAME ...]

Checks first that both give the same gradient but for rounding. Only networks are shown that have a layer for which the
rule `convlet.kernels.shapes.suits_winograd` chooses Winograd's way; networks are in networks.txt.
"""

from __future__ import annotations

from unittest.mock import patch

from convlet.engine import conv_node
from convlet.learning.optimizers import Adam
from measure import Table, interleaved, network_options
from networks import drawn, engine_for, headed, networks, same, step_of, targets

COLUMNS = ("network", "Winograd ms", "direct ms", "ratio", "at least")


def sides_of(word, images, labels, given):
    """Engines and their steps, by the rule and with direct convolutions; None where the rule chooses nothing."""
    chosen = []

    def watched(shape, rule=conv_node.suits_winograd):
        chosen.append(rule(shape))
        return chosen[-1]

    rules = {"Winograd": watched, "direct": lambda shape: False}
    engines, steps = {}, {}
    for side, rule in rules.items():
        with patch.object(conv_node, "suits_winograd", rule):  # kernels are planned in the first step
            engines[side] = engine_for(headed(word), images, given.threads)
            steps[side] = step_of(engines[side], images, labels, given.batch, Adam())
            steps[side]()
        if not any(chosen):
            engines[side].close()
            return None
    return engines, steps


def main():
    given = network_options(__doc__).parse_args()
    wanted = targets("winograd")
    table = Table("winograd", COLUMNS, given, more={"batch": given.batch, "runs": given.runs})
    for name, (shape, word) in networks(given.names).items():
        images, labels = drawn(shape, 2 * given.batch)
        sides = sides_of(word, images, labels, given)
        if sides is None:
            continue
        engines, steps = sides
        same(f"{name}, gradient", *(engine.gradient for engine in engines.values()))
        times = interleaved(steps, given.runs, seconds=0.5)
        for engine in engines.values():
            engine.close()
        ratio = times["direct"] / times["Winograd"]
        cells = [name, *(own.shown(1e3) for own in times.values()), ratio.shown(), wanted.get(name, "-")]
        table.row(cells, network=name, architecture=word, ratio=ratio, seconds_per_step=times)
    table.done()


if __name__ == "__main__":
    main()
