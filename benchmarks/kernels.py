"""Every kernel of a training step on the layers of networks.txt: GFLOP/s, share of the peak, share of the step.

    python benchmarks/kernels.py [--batch 128] [--runs 5] [--json FILE] [--write] [NAME ...]

A layer's passes are timed where they stand, in steps of the whole network on one thread, as `convlet benchmark` does; a
figure is the median of the runs, each with a peak of its own. That kernels compute what they should is what
tests/kernels shows, row by row. The targets are meant for convolutions from 8 channels and more to 8 filters and more,
on maps of 14x14 and more.
"""

from __future__ import annotations

from convlet.engine.choice import backend_name
from convlet.layers import Conv
from convlet.measure.benchmark import Benchmark
from convlet.network.word import parse
from measure import Spread, Table, network_options, number
from networks import networks, targets

COLUMNS = (
    *("network", "layer", "input", "pass", "kernels", "ms", "share of step %"),
    *("GFLOP/s", "share of peak %", "at least %"),
)
PASSES = ("forward", "input_gradient", "filter_gradient")
LEAST_CHANNELS, LEAST_SIDE = 8, 14


def in_scope(layer, before):
    """Whether the targets are meant for this layer: a convolution, with enough channels, on a large enough map."""
    own = parse(layer["layer"]).layers[0]
    if not isinstance(own, Conv):
        return False
    height, width, channels = before
    return min(channels, own.filters) >= LEAST_CHANNELS and min(height, width) >= LEAST_SIDE


def report(table, name, shape, runs, wanted):
    """The rows of one network from the dictionaries of its runs; how many of the targets in it are met, and missed."""
    met, missed, before = 0, 0, list(shape)
    for number_of_layer, layer in enumerate(runs[0]["layers"]):
        for own in PASSES:
            timed = [run["layers"][number_of_layer][own] for run in runs]
            if not timed[0]["seconds"]:
                continue
            seconds = Spread(tuple(one["seconds"] for one in timed))
            step = Spread(tuple(run["one_thread"]["seconds_per_step"] for run in runs))
            kernels = " ".join(dict.fromkeys(k["kernel"] for k in layer["kernels"] if k["pass"] == own))
            cells = [name, layer["layer"], "x".join(map(str, before)), own.replace("_", " "), kernels]
            cells += [seconds.shown(1e3), number(100 * seconds.median / step.median)]
            share = goal = None
            if timed[0]["gflops"]:
                gflops, share = (Spread(tuple(one[key] for one in timed)) for key in ("gflops", "share_of_peak"))
                cells += [gflops.shown(), share.shown(100)]
            else:
                cells += ["-", "-"]
            if share and in_scope(layer, before):
                goal = wanted[own]
                met, missed = met + (share.median >= goal), missed + (share.median < goal)
            cells.append(f"{100 * goal:.0f}" if goal else "-")
            table.row(cells, network=name, layer=layer["layer"], kernel_pass=own, seconds=seconds, share_of_peak=share)
        before = layer["output_shape"]
    return met, missed


def main():
    given = network_options(__doc__, runs=5, threads=1).parse_args()
    if backend_name() != "compiled" or given.threads != 1:
        raise SystemExit("kernels are timed in the compiled engine on one thread")
    table = Table("kernels", COLUMNS, given, more={"batch": given.batch, "runs": given.runs})
    wanted, counts, peaks = targets("kernels"), [], []
    for name, (shape, word) in networks(given.names).items():
        runs = [Benchmark(word, shape, given.batch, 1).run(lambda stage: None) for _ in range(given.runs)]
        peaks += [run["peak_gflops"] for run in runs]
        counts.append(report(table, name, shape, runs, wanted))
    met, missed = map(sum, zip(*counts, strict=True))
    peak = Spread(tuple(peaks))
    table.note(f"Peak of one thread: {peak.shown()} GFLOP/s. Targets met: {met} of {met + missed}.", peak_gflops=peak)
    table.done()


if __name__ == "__main__":
    main()
