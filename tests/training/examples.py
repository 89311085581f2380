"""Small labelled images, networks and engines to test training with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlet import random
from convlet.engine.reference import ReferenceEngine
from convlet.learning.preprocessing import Preprocessing
from convlet.network.word import parse, with_head

CLASSES = ("rows", "columns", "plain")
SHAPE = (8, 8, 1)


@dataclass(frozen=True)
class ImageSet:
    """Images (n, H, W, C) and labels (n,)."""

    images: Any
    labels: Any


def stripes(count: int, seed: int = 0, channels: int = 1) -> ImageSet:
    """Noisy uint8 images of 8x8 pixels: striped along the rows, along the columns, or plain."""
    noise = random.uniform((count, 8, 8, channels), seed=seed, purpose=random.AUGMENT) * 120
    labels = random.permutation(count, seed, random.AUGMENT, stream=1) % len(CLASSES)
    light = (np.arange(8) % 2 * 120).astype(np.float32)
    noise[labels == 0] += light[:, None, None]
    noise[labels == 1] += light[None, :, None]
    noise[labels == 2] += 60
    return ImageSet(noise.astype(np.uint8), labels)


def network(word: str, classes: int = len(CLASSES)):
    """The network of a word, with its head."""
    return with_head(parse(word), classes)


def engine(word: str, images, *, shard: int = 32, threads: int = 1, seed: int = 0) -> ReferenceEngine:
    """A reference engine with its initial parameters, for images (n, H, W, C)."""
    made = ReferenceEngine(
        network(word),
        images.shape[1:],
        Preprocessing.from_images(images),
        shard=shard,
        threads=threads,
        seed=seed,
    )
    made.parameters[:] = made.layout.initial_parameters(made.network, made.input_shape, seed)
    return made


def set_clock(monkeypatch: Any, clock: Callable[[], float]) -> None:
    """Let the training loop read this clock."""
    for module in ("run", "pace", "progress", "standing"):
        monkeypatch.setattr(f"convlet.training.{module}.perf_counter", clock)
