"""Exported networks against convlet: random networks of all layers, and trained ones on every test image.

    python benchmarks/export_onnx.py [--networks 200] [--reference 2] [--trained] [--json FILE]

Each random network is exported to ONNX and run on 8 images in ONNX Runtime, and on `--reference` of them with
ONNX's own definition (onnx.reference, which is slow). `--trained` trains one network on digits and the six of `convlet
compare` on MNIST, one epoch, seeds 0 to 5, and runs every test image in ONNX Runtime. No time is measured.

A difference is that of a logit, as a fraction of the spread (largest less smallest logit) of the network.
CONVLET_BACKEND=reference spares compiling the kernels of each random network.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

import numpy as np

from convlet import Model, Settings, export
from convlet.data import load
from convlet.errors import ArchitectureError
from convlet.learning.preprocessing import Preprocessing
from convlet.network.layout import Layout
from convlet.network.word import parse, with_head
from convlet.recipes.presets import SIX
from convlet.training import train

IMAGES = 8
MOST_DIFFERENCE = 1e-4
MOST_VALUES = 20_000
"""Of a network's parameters: larger ones are drawn again."""

WINDOWS = ("conv{f}", "conv{f}k{k}", "conv{f}s{s}", "conv{f}k{k}s{s}", "conv{f}k{k}v", "conv{f}k{k}s{s}v", "res{f}")
WINDOWS += ("res{f}s{s}", "pool", "pool{k}s{s}", "avgpool", "avgpool{k}s{s}")
ELEMENTS = ("relu", "leakyrelu", "leakyrelu0.3", "tanh", "sigmoid", "gelu", "silu", "bn", "bne0.01", "dropout0.4")
VIEWS = ("", "", "", "flip", "shift1", "shift2-flip")


def drawn_word(draw):
    """An architecture of up to nine layers that fits some images: (word, shape)."""
    while True:
        shape = (draw.choice((1, 5, 8, 13)), draw.choice((6, 9, 14)), draw.randint(1, 4))
        tokens = [draw.choice(draw.choice((WINDOWS, ELEMENTS))) for _ in range(draw.randint(1, 6))]
        tokens += draw.choice(([], ["gap"], ["flatten"], ["dense7"]))
        if tokens[-1] in ("gap", "flatten", "dense7"):
            tokens += [draw.choice((*ELEMENTS, "dense5", "flatten")) for _ in range(draw.randint(0, 3))]
        numbers = {"f": draw.randint(1, 6), "k": draw.randint(1, 5), "s": draw.randint(1, 3)}
        word = "-".join(tokens).format(**numbers)
        try:
            network = with_head(parse(word), 4)
            if Layout(network, shape).parameter_count <= MOST_VALUES:
                return word, shape
        except ArchitectureError:
            continue


def drawn_model(seed):
    """A random network of random parameters and statistics, with one to three members and some views."""
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    word, shape = drawn_word(draw)
    members, views = draw.choice((1, 1, 2, 3)), draw.choice(VIEWS)
    network = with_head(parse(word), 4)
    layout = Layout(network, shape)
    parameters = [_parameters(layout, network, shape, rng, member) for member in range(members)]
    state = 0.5 + rng.random(members * layout.state_count)
    scale = Preprocessing(tuple(rng.uniform(80, 160, shape[2])), tuple(rng.uniform(40, 90, shape[2])))
    settings = Settings(members=members, views=views).as_dict()
    return Model(word, shape, tuple("abcd"), scale, np.concatenate(parameters), state, settings)


def _parameters(layout, network, shape, rng, seed):
    """Initial weights, the head's ten times as large, so that logits differ; every other number is moved."""
    values = layout.initial_parameters(network, shape, seed)
    values = values + np.float32(0.1) * rng.standard_normal(len(values)).astype(np.float32)
    return values


def in_runtime(model, images, file):
    """The logits of an exported file in ONNX Runtime, 1,000 images at once."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    parts = [images[first : first + 1000] for first in range(0, len(images), 1000)]
    return np.concatenate([session.run(["logits"], {"images": part})[0] for part in parts])


def in_reference(model, images, file):
    """The same with ONNX's own definition of each operator."""
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(str(file)).run(["logits"], {"images": images})[0]


def difference(ours, theirs):
    """(images of another class, largest difference of a logit as a fraction of the spread)."""
    spread = max(float(ours.max() - ours.min()), 1e-30)
    return int((ours.argmax(1) != theirs.argmax(1)).sum()), float(np.abs(ours - theirs).max() / spread)


def compared(model, images, logits, file, sides):
    """The `difference` on each side, by name, of a model that is exported to a file."""
    export.write(model, file, "onnx", check=images[:20])
    return {
        name: difference(logits[:count], side(model, images[:count], file)) for name, (side, count) in sides.items()
    }


def random_row(seed, folder, reference):
    """A random network and how far both sides are from convlet."""
    model = drawn_model(seed)
    images = np.random.default_rng(seed).integers(0, 256, (IMAGES, *model.input_shape), np.uint8)
    sides = {"ONNX Runtime": (in_runtime, IMAGES)} | (
        {"onnx.reference": (in_reference, reference)} if reference else {}
    )
    found = compared(model, images, model.logits(images), folder / "drawn.onnx", sides)
    return {"seed": seed, "architecture": model.architecture, "members": model.members, "sides": found}


def trained_models():
    """(name, model, test images) of a network trained on digits and six on MNIST."""
    for place, entries in (("digits", SIX[-1:]), ("mnist", SIX)):
        data = load(place)
        for seed, entry in enumerate(entries):
            settings = Settings(epochs=1, seed=seed)
            network = with_head(parse(entry.architecture), len(data.classes))
            done = train(network, data.train, data.validation, classes=data.classes, settings=settings)
            yield f"{place}, {entry.architecture}, seed {seed}", done.model, data.test.images


def table(rows):
    """Print and return what the rows of one kind give on each side."""
    found = {}
    for name in rows[0]["sides"]:
        pairs = [row["sides"][name] for row in rows]
        worst = max(rows, key=lambda row: row["sides"][name][1])
        found[name] = {"networks": len(rows), "other_class": sum(pair[0] for pair in pairs), "worst": worst}
        largest = worst["sides"][name][1]
        print(f"| {name} | {len(rows)} | {found[name]['other_class']} | {largest:.1e} | {worst['architecture']} |")
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--reference", type=int, default=2, metavar="IMAGES")
    parser.add_argument("--trained", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    result = {}
    print("| side | networks | images of another class | largest difference | of |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if given.networks:
            result["random"] = table([random_row(seed, place, given.reference) for seed in range(given.networks)])
        for name, model, images in trained_models() if given.trained else ():
            sides = {"ONNX Runtime": (in_runtime, len(images))}
            found = compared(model, images, model.logits(images), place / "trained.onnx", sides)
            result[name] = table([{"architecture": f"{name}, {len(images):,} images", "sides": found}])
    if given.json:
        given.json.write_text(json.dumps(result, indent=1) + "\n")
    wrong = any(
        own["other_class"] or not worst_of(own, name) <= MOST_DIFFERENCE
        for group in result.values()
        for name, own in group.items()
    )
    return 1 if wrong else 0


def worst_of(own, name):
    """The largest difference of a side's worst network."""
    return own["worst"]["sides"][name][1]


if __name__ == "__main__":
    sys.exit(main())
