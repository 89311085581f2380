"""The text form of a network: one word, tokens joined by hyphens, such as `conv8-relu-pool`.

The classifier head (flatten, dense to the number of classes) is implied: `parse` gives the network without
it, `with_head` puts it on, `without_head` takes it off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from math import prod

from convlet.errors import ArchitectureError
from convlet.layers import (
    GELU,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sequential,
    Shape,
    SiLU,
    Sigmoid,
    Tanh,
)
from convlet.layers.checks import shorten, times

WORD_LIMIT = 2000
"""Characters of the longest word that is read or written: some two hundred layers."""

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class Rule:
    """One row of the token table.

    `shape` describes the token: letters stand for themselves, `#` for a whole number, `%` for a decimal, square
    brackets around what may be left out. `make` gets the numbers in their order, None for those left out.
    """

    shape: str
    make: Callable[..., Layer]
    example: str


RULES = (
    Rule("conv#[k#][s#]", lambda f, k, s: Conv(f, k or 3, s or 1), "conv8"),
    Rule("conv#[k#][s#]v", lambda f, k, s: Conv(f, k or 3, s or 1, "valid"), "conv8v"),
)
