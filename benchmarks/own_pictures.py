"""Pictures that people bring to a model of digits: how many are right, warned of and rejected.

    python benchmarks/own_pictures.py MODEL [FOLDER] [--digits 3] [--json FILE]

MODEL is a model file or a run of `convlet train mnist`. FOLDER holds pictures named DIGIT-STYLE.png; without it
digits are drawn in the styles of tests/cases/drawn.py, `--digits` of each. The counts are: right as the pictures are,
right once prepared, warned of as they are, kept by --reject-error 0.01 once prepared. The last rows are the test images
of MNIST, of which few should be warned of and most kept, and pictures of no digit, none of which should be kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from convlet.cli.options import model_path
from convlet.data import load
from convlet.data.brought import Brought
from convlet.likeness import unlike
from convlet.model import model_file
from convlet.model.predicting import predictions, rejection
from tests.cases import drawn
from tests.cases.test_unlike_pictures import unknown_pictures

ERROR = 0.01


def draw(folder, count):
    """Digits in every style as files."""
    for style in drawn.STYLES:
        for digit in range(10):
            for seed in range(count):
                Image.fromarray(drawn.brought(digit, style, seed)).save(folder / f"{digit}-{style}-{seed}.png")


def row_of(model, paths):
    """The counts for pictures whose names begin with their digit."""
    brought = [Brought(str(path)) for path in paths]
    labels = [path.name[0] for path in paths]
    plain = list(predictions(model, brought))
    prepared = list(predictions(model, brought, prepare=True, reject=rejection(model, None, ERROR)))
    best = [model.classes[int(found["probabilities"].argmax())] for found in prepared]
    return {
        "images": len(paths),
        "right": sum(found["class"] == label for found, label in zip(plain, labels, strict=True)),
        "right_prepared": sum(name == label for name, label in zip(best, labels, strict=True)),
        "warned": sum(bool(found["unlike"]) for found in plain),
        "kept": sum(found["class"] is not None for found in prepared),
    }


def row_of_test_images(model):
    """The same for the test images of MNIST, which need no preparing."""
    test = load("mnist", offline=True).test
    logits = model.logits(test.images)
    notes, reject = unlike(test.images, model.training_images, logits), rejection(model, None, ERROR)
    far = model.training_images.scores.unlike(logits, strict=True)
    sure = np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1) ** -1.0
    kept = [reject.reason(*item) is None for item in zip(sure, notes, far, strict=True)]
    right = int((logits.argmax(axis=1) == test.labels).sum())
    warned = sum(map(bool, notes))
    return {"images": len(test), "right": right, "right_prepared": right, "warned": warned, "kept": sum(kept)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--digits", type=int, default=3)
    parser.add_argument("--json", metavar="FILE")
    given = parser.parse_args()
    model = model_file.load(model_path(given.model))
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        if given.folder is None:
            draw(folder, given.digits)
        for style in sorted({path.stem.split("-")[1] for path in folder.glob("*-*.png")}):
            rows[style] = row_of(model, sorted(folder.glob(f"*-{style}*.png")))
        unknown = Path(name) / "unknown"
        unknown.mkdir()
        for kind, pixels in unknown_pictures():
            Image.fromarray(pixels).save(unknown / f"{kind}.png")
        rows["no digit"] = row_of(model, sorted(unknown.iterdir()))
    rows["MNIST, test"] = row_of_test_images(model)
    print(f"{'':14} images  right  prepared  warned   kept")
    for style, row in rows.items():
        counts = (row[key] for key in ("right", "right_prepared", "warned", "kept"))
        print(f"{style:14} {row['images']:6}" + "".join(f"{n:{w}}" for n, w in zip(counts, (7, 10, 8, 7), strict=True)))
    if given.json:
        Path(given.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
