"""Training steps of convlet and PyTorch side by side: the same network, batch and optimizer (Adam), in one process.

    python benchmarks/against_pytorch.py [--threads 2] [--batch 128] [--runs 7] [NAME ...]

Checks first that both sides give the same logits for the same weights; then times them in turn and prints medians and
the ratio to the better of PyTorch's two memory layouts. Networks are in networks.txt; PyTorch is the extra [bench].
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from convlet.architecture import parse, with_head
from convlet.layers import Conv, Dense, Dropout, Flatten, GlobalAvgPool, MaxPool, ReLU, Tanh
from convlet.machine import machine
from convlet.training import Preprocessing
from convlet.training.compiled import CompiledEngine
from convlet.training.optimizers import Adam

CLASSES = 10


def networks():
    """name -> (input shape, word)."""
    found = {}
    for line in (Path(__file__).parent / "networks.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition(": ")
            shape, word = rest.split()
            found[name] = tuple(map(int, shape.split("x"))), word
    return found


def in_pytorch(network, shape, parameters):
    """The same network with the same weights. NHWC weights are reordered for PyTorch's NCHW."""
    layers = []
    for prefix, layer, before in network.parts(shape):
        match layer:
            case Conv():
                made = nn.Conv2d(before[2], layer.filters, layer.size, padding=layer.padding)
                made.weight.data = torch.tensor(parameters[prefix + "weights"].transpose(3, 2, 0, 1).copy())
            case Dense():
                made = nn.Linear(int(np.prod(before)), layer.units)
                weights = parameters[prefix + "weights"]
                if len(before) == 3:
                    h, w, c = before
                    weights = weights.reshape(h, w, c, -1).transpose(2, 0, 1, 3).reshape(h * w * c, -1)
                made.weight.data = torch.tensor(weights.T.copy())
            case MaxPool():
                made = nn.MaxPool2d(layer.size, layer.stride)
            case GlobalAvgPool():
                made = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
            case Dropout():
                made = nn.Dropout(layer.rate)
            case ReLU() | Tanh():
                made = {"relu": nn.ReLU, "tanh": nn.Tanh}[layer.kind]()
            case Flatten():
                continue
        if isinstance(layer, Dense) and len(before) == 3:
            layers.append(nn.Flatten())
        if isinstance(layer, Conv | Dense):
            made.bias.data = torch.tensor(parameters[prefix + "biases"].copy())
        layers.append(made)
    return nn.Sequential(*layers)


def unflattened(word):
    """The network without the flatten of its head: a dense layer reads images as they are."""
    network = with_head(parse(word), CLASSES)
    return type(network)([layer for layer in network.layers if not isinstance(layer, Flatten)])


def compare(name, shape, word, batch, threads, runs):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8 * batch, *shape)).astype(np.uint8)
    labels, numbers = rng.integers(0, CLASSES, len(images)), rng.permutation(len(images))[:batch]
    network, preprocessing = unflattened(word), Preprocessing.from_images(images)
    engine = CompiledEngine(network, shape, preprocessing, shard=16, threads=threads, seed=1)
    engine.parameters[:] = engine.layout.initial_parameters(network, shape, 1)
    scaled = images[numbers] * preprocessing.scale + preprocessing.offset
    x, y = torch.tensor(scaled.astype(np.float32)).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels[numbers])
    sides = []
    for layout in (torch.contiguous_format, torch.channels_last):
        other = in_pytorch(network, shape, engine.layout.views(engine.parameters)).to(memory_format=layout)
        with torch.no_grad():
            gap = np.abs(other.eval()(x).numpy() - engine.logits(images[numbers])).max()
        assert gap < 1e-3, f"{name}: the two sides differ by {gap}"
        sides.append(step_of(other.train(), x.contiguous(memory_format=layout), y))
    optimizer = Adam()
    slots, done = optimizer.new_slots(len(engine.parameters)), [0]

    def own():
        done[0] += 1
        engine.gradients(images, labels, numbers, epoch=0, position=0)
        engine.update(optimizer, slots, 1e-3, done[0])

    times = interleaved([own, *sides], runs)
    engine.close()
    return times


def step_of(network, x, y):
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), y).backward()
        optimizer.step()

    return step


def interleaved(sides, runs):
    """Median milliseconds of each side; each run takes every side in turn for about a tenth of a second."""
    found = [[] for _ in sides]
    for side in sides:
        side()
    for _ in range(runs):
        for side, own in zip(sides, found, strict=True):
            side()
            count, began = 0, time.perf_counter()
            while time.perf_counter() - began < 0.1:
                side()
                count += 1
            own.append(1e3 * (time.perf_counter() - began) / count)
    return [statistics.median(own) for own in found]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("names", nargs="*")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--batch", type=int, default=128)
    options.add_argument("--runs", type=int, default=7)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    about = f"PyTorch {torch.__version__}, Python {platform.python_version()}, NumPy {np.__version__}"
    print(f"{machine()['processor']}, {given.threads} threads, batch {given.batch}, {about}")
    print("| network | convlet ms | PyTorch ms | PyTorch channels-last ms | ratio |\n|---|---|---|---|---|")
    for name, (shape, word) in networks().items():
        if not given.names or name in given.names:
            own, plain, last = compare(name, shape, word, given.batch, given.threads, given.runs)
            print(f"| {name} | {own:.2f} | {plain:.2f} | {last:.2f} | {min(plain, last) / own:.2f} |", flush=True)


if __name__ == "__main__":
    main()
