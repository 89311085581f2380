"""`convlet benchmark`."""

from __future__ import annotations

from typing import Any

import click

from convlet.cli import options


@click.command("benchmark")
@click.argument("architecture")
@click.option("--input", "input_shape", default="28x28x1", show_default=True, help=options.INPUT_HELP)
@click.option("--batch", type=int, default=128, show_default=True, help="Batch size of a training step.")
@click.option("--threads", type=int, help="Number of threads.  [default: all available processors]")
@click.option("--json", "json_file", metavar="FILE", help="Write all results to a JSON file.")
def command(**values: Any) -> None:
    """Measure the speed of ARCHITECTURE: images per second and percent of this machine's peak, in total and by layer.

    ARCHITECTURE is an architecture string such as conv8-relu-pool. A classifier head for 10 classes is added. Training
    steps use Adam and random images.
    """
    from rich.console import Console

    from convlet.measure.benchmark import Benchmark
    from convlet.report.benchmark import print_benchmark
    from convlet.report.progress import LiveStages

    options.check_file(values["json_file"], "--json")
    shape = options.input_shape(values["input_shape"])
    batch = options.positive("--batch", values["batch"])
    benchmark = Benchmark(values["architecture"], shape, batch, values["threads"])
    console = Console()
    with LiveStages(console) as stages:
        result = benchmark.run(stages.begin)
    try:
        if values["json_file"]:
            options.write_json(values["json_file"], result)
    finally:  # a full disk does not take the table away
        print_benchmark(result, console)
