"""How the cost of training grows: images per second by batch, image side, channels, number of images and threads.

    python benchmarks/scaling.py [--threads 2] [--runs 5] [--quick] [--plot FILE] [--json FILE] [--write]

One thing changes at a time, the others stay as the column "network" says. A figure is the median of the runs, in turn
over all values; `--quick` takes few and small ones. The numbers of images are those of a memory-mapped file, each
trained for one epoch in a process of its own, whose peak memory must stay flat. The file needs a gigabyte in the folder
for temporary files. `--write` also draws scaling.svg.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from convlet.learning.optimizers import Adam
from convlet.network.costs import layers_work
from convlet.system.threads import available_threads
from measure import Spread, Table, interleaved, options
from networks import FOLDER, drawn, engine_for, headed, step_of
from plot import Panel, svg

B6 = "conv8-relu-pool-conv8-relu-pool"
SIDES = "conv16-relu-pool-conv32-relu-pool"
CHANNELS = "conv{0}-relu-conv{0}-relu-pool"
COLUMNS = ("what grows", "value", "network", "images/s", "GFLOP/s", "peak memory MB")


def points(quick):
    """(what grows, values, function of a value to (input shape, word, batch, threads or None for all))."""
    few = slice(None, None, 2) if quick else slice(None)
    return (
        ("batch", (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)[few][: 3 if quick else None], by_batch),
        ("side", (8, 12, 16, 24, 32, 48, 64, 96)[few][: 3 if quick else None], by_side),
        ("channels", (4, 8, 16, 32, 64, 128, 256)[few][: 3 if quick else None], by_channels),
        ("threads", thread_counts(available_threads()), by_threads),
    )


def by_batch(value):
    return (28, 28, 1), B6, value, None


def by_side(value):
    return (value, value, 3), SIDES, 128, None


def by_channels(value):
    return (16, 16, 3), CHANNELS.format(value), 64, None


def by_threads(value):
    return (28, 28, 1), CHANNELS.format(16), 256, value


def thread_counts(most):
    """1, 2, 4, ... and all there are."""
    return sorted({2**k for k in range(most.bit_length()) if 2**k <= most} | {most})


def sweep(table, what, values, network_of, given):
    """Rows and (value, images per second) of one thing that grows."""
    engines, sides, about = [], {}, {}
    for value in values:
        shape, word, batch, threads = network_of(value)
        images, labels = drawn(shape, batch)
        engine = engine_for(headed(word), images, threads or given.threads)
        engines.append(engine)
        sides[value] = step_of(engine, images, labels, batch, Adam())
        about[value] = shape, word, batch
    times = interleaved(sides, given.runs)
    for engine in engines:
        engine.close()
    line = []
    for value in values:
        shape, word, batch = about[value]
        rate = Spread(tuple(batch / seconds for seconds in times[value].runs))
        gflops = 2e-9 * sum(own.total for own in layers_work(headed(word), shape)) * rate.median
        where = f"{'x'.join(map(str, shape))} {word}, batch {batch}"
        table.row([what, f"{value:,}", where, rate.shown(), f"{gflops:.1f}", "-"], what=what, value=value, rate=rate)
        line.append((value, rate.median))
    return line


def by_images(table, counts, given):
    """Rows, (count, images per second) and (count, peak megabytes) of files with more and more images."""
    rates, peaks = [], []
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            path = Path(folder) / "images.npy"
            write_images(path, count)
            found = [one_file(path, given.threads) for _ in range(1 if count > 100_000 else 3)]
            rate = Spread(tuple(own["images_per_second"] for own in found))
            peak, base = (max(own[key] for own in found) for key in ("peak_bytes", "baseline_bytes"))
            where = f"28x28x1 {B6}, batch 128, file of {found[0]['file_bytes'] / 1e6:,.0f} MB"
            cells = ["images", f"{count:,}", where, rate.shown(), "-", f"{peak / 1e6:.0f}"]
            table.row(cells, what="images", value=count, rate=rate, peak_bytes=peak, baseline_bytes=base)
            rates.append((count, rate.median))
            peaks.append((count, peak / 1e6))
    return rates, peaks


def write_images(path, count, together=10_000):
    """A .npy of random images, written part by part."""
    rng = np.random.default_rng(0)
    mapped = np.lib.format.open_memmap(path, "w+", np.uint8, (count, 28, 28, 1))
    for first in range(0, count, together):
        part = mapped[first : first + together]
        part[:] = rng.integers(0, 256, part.shape, np.uint8)
    mapped.flush()


def one_file(path, threads):
    """What `from_file.py` measured in a process of its own."""
    command = [sys.executable, str(FOLDER / "from_file.py"), str(path), B6, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def main():
    parser = options(__doc__, runs=5)
    parser.add_argument("--quick", action="store_true", help="few and small points")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw an SVG")
    given = parser.parse_args()
    table = Table("scaling", COLUMNS, given, more={"runs": given.runs})
    lines = {what: sweep(table, what, values, of, given) for what, values, of in points(given.quick)}
    counts = (1_000, 10_000) if given.quick else (1_000, 10_000, 100_000, 300_000, 1_000_000)
    rates, peaks = by_images(table, counts, given)
    plot = given.plot or (FOLDER / "scaling.svg" if given.write else None)
    if given.write:
        table.note(f"![The table as plots: images per second, and peak memory]({plot.name})")
    table.done()
    if plot:
        plot.write_text(svg(panels(lines, rates, peaks), "Images per second, and peak memory, as training grows"))


def panels(lines, rates, peaks):
    """The plots of every sweep."""
    labels = {"batch": "batch", "side": "image side, pixels", "channels": "filters of each layer", "threads": "threads"}
    made = [Panel(f"by {what}", labels[what], "images/s", {"convlet": line}) for what, line in lines.items()]
    made.append(Panel("by number of images", "images in the file", "images/s", {"convlet": rates}))
    made.append(Panel("memory", "images in the file", "peak, MB", {"convlet": peaks}))
    return made


if __name__ == "__main__":
    main()
