"""`convlet benchmark` in a terminal."""

from __future__ import annotations

from rich.console import Console

from convlet.records.benchmark import BenchmarkResult, LayerSpeed, OneThread
from convlet.report.numbers import count, duration, three_digits
from convlet.report.tables import add, say, show, table

WIDE = 76
"""From this width on the table of layers has GFLOP/s beside the share of the peak."""

PASSES = ("forward", "dx", "dw")
"""Forward, input gradient and filter gradient, as the table calls them."""

OTHER = {
    "gather": "gather",
    "loss": "loss",
    "pack": "packing",
    "add_rows": "adding rows",
    "update": "update",
    "walk": "between kernels",
    "python": "Python",
}
"""What a step does beside its layers, as the table calls it."""


def print_benchmark(result: BenchmarkResult, console: Console) -> None:
    """Print what `convlet benchmark --json` writes."""
    say(console, result["architecture"], "bold")
    threads = f"{result['threads']} thread" + "s" * (result["threads"] > 1)
    batch = f"batch {count(result['batch'])}, shards of {result['shard']}, {count(result['parameters'])} parameters"
    say(console, f"{result['input']} images, {batch}")
    say(console, f"{result['machine']['processor']}, {threads}{_peak(result)}")
    say(console)
    _totals(result, console)
    if result["compile_seconds"] is not None:
        say(console, f"kernels ready after {duration(result['compile_seconds'])}")
    say(console)
    if result["layers"] and result["one_thread"] is not None:
        _layers(result["layers"], result["one_thread"], console)
    else:
        say(console, "no figures by layer, and no peak: the reference engine runs NumPy, not kernels of its own")


def _peak(result: BenchmarkResult) -> str:
    """The measured peak, of all threads and of one."""
    peak, one_thread = result["peak_gflops"], result["one_thread"]
    if peak is None:
        return ""
    alone = one_thread["peak_gflops"] if one_thread is not None else None
    both = f" ({count(alone)} on one)" if result["threads"] > 1 and alone is not None else ""
    return f", measured peak {count(peak)} GFLOP/s{both}"


def _totals(result: BenchmarkResult, console: Console) -> None:
    """Training and inference as a whole."""
    training, inference = result["training"], result["inference"]
    made = table([("", False), ("time", True), ("images/s", True), ("GFLOP/s", True), ("of peak", True)])
    for name, seconds, own in (
        ("training step", training["seconds_per_step"], training),
        (f"inference of {count(inference['images'])}", inference["images"] / inference["images_per_second"], inference),
    ):
        rates = [count(own["images_per_second"]), _gflops(own["gflops"]), _share(own["share_of_peak"])]
        add(made, [name, duration(seconds), *rates])
    one = inference["seconds_one_image"]
    add(made, ["inference of 1", duration(one), count(1 / one), "", ""])
    show(console, made)


def _layers(rows: list[LayerSpeed], one_thread: OneThread, console: Console) -> None:
    """A line for each layer: time, speed and share of the peak of its passes; then what else the step does."""
    whole, wide = one_thread["seconds_per_step"], console.width >= WIDE
    say(console, "a step on one thread, layer by layer", "bold")
    columns = [("layer", False), ("\nms", True), ("of\nstep", True)]
    for title in PASSES:
        columns += [(f"{title}\nms", True), *([("\nGF/s", True)] if wide else []), ("of\npeak", True)]
    made = table(columns)
    for row in rows:
        passes = [row["forward"], row["input_gradient"], row["filter_gradient"]]
        cells = [row["layer"], *_time(sum(own["seconds"] for own in passes), whole)]
        for own in passes:
            cells += [_time(own["seconds"], whole)[0], *([_gflops(own["gflops"])] if wide else [])]
            cells.append(_share(own["share_of_peak"]))
        add(made, cells)
    for name, seconds in one_thread["seconds"].items():
        add(made, [OTHER.get(name, name), *_time(seconds, whole)])
    add(made, ["step", *_time(whole, whole)], "bold")
    show(console, made)
    say(console, "dx, dw: gradients of input and weights; GF/s: GFLOP/s, of one thread's peak")


def _time(seconds: float, whole: float) -> list[str]:
    """Milliseconds, and the share of the whole step."""
    return [three_digits(1e3 * seconds), _share(seconds / whole)] if seconds else ["-", "-"]


def _gflops(value: float | None) -> str:
    return "-" if value is None else three_digits(value) if value < 9.95 else count(value)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"
