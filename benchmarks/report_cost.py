"""What a report costs for images of many shapes: seconds, memory and the size of the page.

    python benchmarks/report_cost.py [--threads 2] [--keep FOLDER] [--json FILE] [NAME ...]

Each case trains a small network for one epoch in a process of its own, which then writes the report twice: as
`convlet train` does after the training, and as `convlet report` does in a fresh process. Memory is the highest resident
size during the report, above what the process held before it; that of `convlet report` is above what it held when its
data and model were loaded. Linux only. Exit code 1 if a case takes more than AT_MOST.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

AT_MOST = {"seconds": 10.0, "MiB": 300.0, "page MB": 10.0}

CONV, LINE = "conv16-relu-pool-conv32-relu-pool", "conv16-relu-conv32-relu-gap"

CASES = {
    # name: (word, (height, width, channels), classes, training images, test images)
    "8x8": (CONV, (8, 8, 1), 10, 1200, 500),
    "28x28": (CONV, (28, 28, 1), 10, 5000, 10_000),
    "96x96": (CONV, (96, 96, 3), 10, 500, 500),
    "300x300": (CONV, (300, 300, 3), 5, 120, 120),
    "2000x20": (CONV, (2000, 20, 1), 5, 150, 150),
    "20x2000": (CONV, (20, 2000, 3), 5, 150, 150),
    "1x4000": (LINE, (1, 4000, 1), 5, 300, 300),
    "4000x1": (LINE, (4000, 1, 2), 5, 300, 300),
    "1x60000": (LINE, (1, 60_000, 1), 3, 30, 30),
    "8x1000": (CONV, (8, 1000, 1), 5, 100, 100),
    "1x150": ("conv8-relu-gap", (1, 150, 1), 5, 200, 200),
    "2000x2000": ("conv8s4-relu-pool-conv16-relu-gap", (2000, 2000, 1), 2, 12, 12),
    "2000x2000 wide": ("conv16-relu-pool-gap", (2000, 2000, 3), 2, 6, 6),
    "13 channels": (CONV, (64, 64, 13), 5, 200, 200),
    "2 channels": (CONV, (300, 300, 2), 3, 40, 40),
    "1000 classes": ("conv8-relu-pool-gap", (28, 28, 1), 1000, 3000, 3000),
    "few images": (CONV, (300, 300, 3), 2, 4, 2),
    "deep": ("res16-res16-res16-res16-res16-res16-res16-res16-gap", (64, 64, 3), 12, 100, 100),
    "float": (CONV, (96, 96, 3), 5, 300, 300),
}

ONE_CASE = """
import json, sys, time
import numpy as np
from convlet import model_file
from convlet.cli.report import of_training, write_report
from convlet.data.dataset import Dataset, ImageSet
from convlet.trials.trial import measure, train_on
from convlet.training import Settings

given = json.loads(sys.argv[1])
word, shape, classes, train, test = given["case"]
rng = np.random.default_rng(0)

def part(images):
    labels = np.arange(images, dtype=np.int64) % classes
    images = np.empty((images, *shape), np.float32 if given["float"] else np.uint8)
    for image, label in zip(images, labels):  # a bright bar whose place is the class, under noise
        image[...] = rng.integers(0, 120, shape)
        long = int(np.argmax(shape[:2]))
        place = int(label) * shape[long] // classes
        bar = [slice(None)] * 3
        bar[long] = slice(place, place + max(1, shape[long] // classes))
        image[tuple(bar)] += 60
    return ImageSet(images, labels)

def held(name="VmRSS"):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))

def timed(call):
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the highest resident size is counted anew
    before, began, cpu = held(), time.perf_counter(), time.process_time()
    call()
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "MiB": held("VmHWM") - before}

names = tuple(f"class {k}" for k in range(classes))
set = Dataset("made", "made", names, part(train), part(max(2, test // 4)), part(test))
settings = Settings(epochs=1, batch=min(16, train), threads=given["threads"], learning_rate=0.005)
if given["train"]:
    trained = train_on(set, word, settings)
    found, model = measure(trained, set), trained.model
    model_file.save(model, given["folder"] + "/model.safetensors")
    with open(given["folder"] + "/found.json", "w") as file:
        json.dump(found, file)
else:
    model = model_file.load(given["folder"] + "/model.safetensors")
    with open(given["folder"] + "/found.json") as file:
        found = json.load(file)
config = {"architecture": word, "data": set.describe(), "settings": settings.as_dict(), "machine": {}}
result = of_training(config | {"versions": {"convlet": "0"}}, found)
page = given["folder"] + "/report.html"
figures = timed(lambda: write_report(page, result, set, [model], None, given["threads"]))
print(json.dumps(figures))
"""


def measured(name: str, threads: int, folder: Path) -> dict[str, float]:
    """The figures of one case: the worse of both reports, and the size of the page."""
    found: dict[str, float] = {}
    for train in (True, False):
        given = {"case": CASES[name], "float": name == "float", "threads": threads, "folder": str(folder)}
        done = subprocess.run(
            [sys.executable, "-P", "-c", ONE_CASE, json.dumps(given | {"train": train})],
            capture_output=True,
            text=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": str(threads)},
        )
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr}")
        figures = json.loads(done.stdout.splitlines()[-1])
        found = {key: max(value, found.get(key, 0.0)) for key, value in figures.items()}
    return found | {"page MB": (folder / "report.html").stat().st_size / 1e6}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CASES)}")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder for the pages")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in CASES]
    if unknown:
        parser.error(f"'{unknown[0]}' is not a case; choose from {', '.join(CASES)}")
    rows, over = {}, []
    print(f"{'case':16} {'seconds':>8} {'cpu':>8} {'MiB':>8} {'page MB':>8}")
    for name in given.names or CASES:
        with tempfile.TemporaryDirectory() as scratch:
            folder = given.keep / name.replace(" ", "-") if given.keep else Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            rows[name] = measured(name, given.threads, folder)
        print(f"{name:16}" + "".join(f" {rows[name][key]:8.1f}" for key in ("seconds", "cpu", "MiB", "page MB")))
        sys.stdout.flush()
        over += [f"{name}: {key}" for key, most in AT_MOST.items() if rows[name][key] > most]
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))
    for what in over:
        print(f"too much: {what}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
