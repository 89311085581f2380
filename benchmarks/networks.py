"""The networks and the targets of the benchmarks, read from networks.txt and targets.txt beside this file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from convlet.engine.choice import make_engine
from convlet.layers import Dropout, Sequential
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.settings import Settings
from convlet.network.word import parse, with_head

CLASSES = 10
FOLDER = Path(__file__).parent

TOLERANCE = 1e-3
"""The largest difference of two sides, as a share of the array's norm. float32 sums in another order differ by about
1e-6; the margin is for a relu or a maximum that rounding turns the other way."""


def networks(names=()):
    """name -> (input shape, word) of the networks with these names; all of them where none is named."""
    known = {name: (shape_of(line.split()[0]), line.split()[1]) for name, line in _lines("networks.txt")}
    for name in names:
        if name not in known:
            raise SystemExit(f"unknown network '{name}': expected {', '.join(known)}")
    return {name: known[name] for name in (names or known)}


def targets(table):
    """row -> the figure to reach, of one table: at least so much, or at most where the table says so."""
    found = ([*name.split(" ", 1), figure] for name, figure in _lines("targets.txt"))
    return {row: float(figure) for own, row, figure in found if own == table}


def shape_of(text):
    """`28x28x1` as (28, 28, 1)."""
    return tuple(map(int, text.split("x")))


def _lines(file):
    for line in (FOLDER / file).read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.rpartition(": ")
            yield name, rest


def same(what, ours, theirs):
    """Exit unless two sides' arrays are the same but for rounding."""
    gap = np.linalg.norm(ours - theirs) / max(np.linalg.norm(theirs), 1e-30)
    if not gap <= TOLERANCE:
        raise SystemExit(f"{what}: the two sides are {100 * gap:.2g} % apart; nothing was timed")


def headed(word, dropout=True):
    """The network of a word with its head; without its dropout layers if they are not wanted."""
    network = with_head(parse(word), CLASSES)
    return Sequential([layer for layer in network.layers if dropout or not isinstance(layer, Dropout)])


def drawn(shape, count):
    """Random uint8 images (count, H, W, C) and int64 labels (count,)."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, *shape), np.uint8), rng.integers(0, CLASSES, count)


def engine_for(network, images, threads, shard=None):
    """An engine with its initial parameters, as training would make it for these images."""
    engine = make_engine(
        network,
        images.shape[1:],
        Preprocessing.from_images(images),
        shard=shard or Settings().shard,
        threads=threads,
        seed=1,
    )
    engine.parameters[:] = engine.layout.initial_parameters(network, images.shape[1:], 1)
    return engine


def step_of(engine, images, labels, batch, optimizer):
    """A function that takes one training step on `batch` of the images: forward, backward and update."""
    numbers = np.random.default_rng(1).permutation(len(images))[:batch]
    slots, done = optimizer.new_slots(engine.layout.parameter_count), [0]

    def step():
        done[0] += 1
        engine.gradients(images, labels, numbers, epoch=0, position=0)
        engine.update(optimizer, slots, 1e-3, done[0])

    return step
