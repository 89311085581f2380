"""Made pictures of surface faults: what `compare` chooses on them, and how wrong it and the recipes are.

    python benchmarks/surface_faults.py [--images 2000] [--seed 0] [--draw FOLDER] [--json FILE]

Six classes of 64x64 grey pictures: good, scratch, dent, spot, stain, crack. Every fault lies anywhere, is turned at
random and has its own size and strength; the ground is rough, grained in some direction and unevenly lit. Each command
is a process of its own, and its seconds are those of all its threads on the processor. `--draw` writes the pictures
into a folder and trains nothing.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("crack", "dent", "good", "scratch", "spot", "stain")
SIDE = 64
Y, X = np.mgrid[:SIDE, :SIDE].astype(np.float64)


def smooth(rng, cells_y, cells_x):
    """Noise of standard deviation 1 with so many cells on each side, (SIDE, SIDE) float64."""
    coarse = Image.fromarray(rng.normal(size=(cells_y, cells_x)).astype(np.float32))
    found = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float64)
    return (found - found.mean()) / max(found.std(), 1e-9)


def ground(rng):
    """A surface without a fault: light from one side, a grain in one direction, and noise, (SIDE, SIDE) levels."""
    light = rng.uniform(-18, 18) * (X / SIDE - 0.5) + rng.uniform(-18, 18) * (Y / SIDE - 0.5)
    grain = smooth(rng, SIDE, 5) if rng.random() < 0.5 else smooth(rng, 5, SIDE)
    return 128 + rng.uniform(-25, 25) + light + rng.uniform(3, 8) * grain + rng.uniform(4, 9) * rng.normal(size=X.shape)


def turned(rng, margin=14):
    """Coordinates (along, across) around a random place, turned by a random angle."""
    angle = rng.uniform(0, 2 * np.pi)
    x, y = (X - rng.uniform(margin, SIDE - margin)), (Y - rng.uniform(margin, SIDE - margin))
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def scratch(rng):
    """A straight, thin line, light or dark."""
    along, across = turned(rng)
    long, wide = rng.uniform(9, 18), rng.uniform(0.7, 1.2)
    return rng.choice((-1, 1)) * 38 * np.exp(-0.5 * (across / wide) ** 2) * (np.abs(along) < long)


def crack(rng):
    """A dark line that wanders from side to side."""
    along, across = turned(rng)
    long = rng.uniform(9, 18)
    places = np.linspace(-long, long, int(long) + 2)
    way = np.interp(along, places, np.cumsum(rng.choice((-1, 1), len(places)) * rng.uniform(1, 2.6, len(places))))
    way -= np.interp(0, places, np.interp(places, along.ravel()[:1], way.ravel()[:1]))
    return -38 * np.exp(-0.5 * ((across - way) / rng.uniform(0.7, 1.2)) ** 2) * (np.abs(along) < long)


def dent(rng):
    """A round hollow: light on one side, dark on the other."""
    along, across = turned(rng)
    size = rng.uniform(3.5, 7)
    return rng.uniform(30, 42) * along / size * np.exp(0.5 - 0.5 * (along**2 + across**2) / size**2)


def spot(rng):
    """A round, evenly filled spot with a sharp rim, light or dark."""
    along, across = turned(rng)
    size = rng.uniform(3, 7)
    return rng.choice((-1, 1)) * rng.uniform(22, 32) / (1 + np.exp(3 * (np.hypot(along, across) - size)))


def stain(rng):
    """A patch of irregular outline that fades, light or dark."""
    along, across = turned(rng)
    size = rng.uniform(5, 9)
    far = np.hypot(along, across) / size + 0.35 * smooth(rng, 9, 9)
    return rng.choice((-1, 1)) * rng.uniform(24, 36) * np.clip(1.2 - far, 0, 1)


FAULTS = {"scratch": scratch, "crack": crack, "dent": dent, "spot": spot, "stain": stain}


def draw(count, seed):
    """Pictures (count, SIDE, SIDE, 1) uint8 and their classes (count,) int64, as many of each class as can be."""
    rng = np.random.default_rng(seed)
    images, labels = np.empty((count, SIDE, SIDE, 1), np.uint8), np.arange(count) % len(CLASSES)
    for image, label in zip(images, labels, strict=True):
        fault = FAULTS.get(CLASSES[label])
        levels = ground(rng) + (fault(rng) if fault else 0)
        image[..., 0] = np.clip(np.rint(levels), 0, 255)
    return images, labels.astype(np.int64)


def write(folder, count, seed):
    """The pictures as PNG files, one folder a class."""
    for name in CLASSES:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, (image, label) in enumerate(zip(*draw(count, seed), strict=True)):
        Image.fromarray(image[..., 0]).save(folder / CLASSES[label] / f"{number:05}.png")


def convlet(*arguments):
    """What a command printed, and its seconds on the processor; its kernels were compiled before."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "convlet", *arguments], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime"))


def rows_of(place, folder):
    """A row for each network of `compare` and for each recipe: error, seconds on the processor, what was chosen."""
    pictures = str(place)
    convlet("compare", pictures, "--epochs", "1", "--json", str(folder / "first.json"))  # compiles
    rows = []
    for name, words in (("compare", ()), ("compare --preset six", ("--preset", "six"))):
        _, seconds = convlet("compare", pictures, *words, "--json", str(folder / "result.json"))
        result = json.loads((folder / "result.json").read_text())
        for row in result["results"]:
            chosen = row["label"] == result["best_label"]
            rows.append({"command": name, "network": row["label"], "error": row["test_error"], "chosen": chosen})
        rows[-1] |= {"seconds": seconds, "not tried": result["untried"]}
    for recipe in ("fast", "standard"):
        run = folder / recipe
        _, seconds = convlet("train", pictures, "--recipe", recipe, "--output", str(run))
        error = json.loads((run / "result.json").read_text())["result"]["test_error"]
        rows.append({"command": f"train --recipe {recipe}", "network": recipe, "error": error, "seconds": seconds})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draw", type=Path, metavar="FOLDER")
    parser.add_argument("--json", metavar="FILE")
    given = parser.parse_args()
    if given.draw:
        write(given.draw, given.images, given.seed)
        return
    with tempfile.TemporaryDirectory() as name:
        write(Path(name) / "faults", given.images, given.seed)
        rows = rows_of(Path(name) / "faults", Path(name))
    print(f"{'command':24} {'network':28} test error  CPU seconds")
    for row in rows:
        seconds = f"{row['seconds']:10.1f}" if "seconds" in row else ""
        more = " (chosen)" * row.get("chosen", False)
        more += "".join(f"; not tried: {one}" for one in row.get("not tried", ()))
        print(f"{row['command']:24} {row['network']:28} {100 * row['error']:8.2f} % {seconds}{more}")
    if given.json:
        Path(given.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
