"""Random numbers without a state: each is a function of seed, purpose, stream, epoch and position.

The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as
1, 2, 3"). A number never depends on how many were drawn before it, on the thread that draws it, or on NumPy's
own streams, so a shard can draw its own numbers and a resumed run needs no saved generator.

Element e at a position comes from the block with the counter

    (e // 4,  position,  epoch,  purpose << 16 | stream)

under the key (low 32 bits of the seed, high 32 bits): it is word e % 4 of that block. The compiled kernels
repeat this rule bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import factorial, pi, prod
from typing import Any

import numpy as np

from convlet.errors import SettingsError

INITIAL = 1
"""Purpose: initial weights."""
SHUFFLE = 2
"""Purpose: the order of the training images in an epoch."""
DROPOUT = 3
"""Purpose: which activations dropout keeps; position is the image's place in the epoch."""
SPLIT = 4
"""Purpose: which images go to validation, test or a subset."""
AUGMENT = 5
"""Purpose: how an image is changed before it is shown."""
REPEAT = 6
"""Purpose: the seed of each repeat of a training after the first."""
MEMBER = 7
"""Purpose: the seed of each member of an ensemble after the first."""
PROOF = 8
"""Purpose: made-up images that an export is checked with; position is the image's number."""

SEED_BITS = 53
"""Bits of a derived seed: every JSON reader keeps an integer of this size exactly."""

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
"""What counter words 0 and 2 are multiplied by in each round."""
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
"""What the two key words grow by from round to round: the golden ratio and the square root of 3, less 1."""
ROUNDS = 10
DRAWN_TOGETHER = 2**17
"""Words of a permutation that are drawn at once, a multiple of 4; it bounds the memory, not the result."""

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


def philox(counters: tuple[Array, Array, Array, Array], key: tuple[int, int]) -> Array:
    """Turn counters into random words with Philox4x32-10.

    Each round replaces (c0, c1, c2, c3) by

        (high(M1 c2) ^ c1 ^ k0,  low(M1 c2),  high(M0 c0) ^ c3 ^ k1,  low(M0 c0))

    Parameters
    ----------
    counters : four integer arrays that broadcast to one shape S, values below 2**32
    key : two integers below 2**32

    Returns
    -------
    uint32 (*S, 4)
    """
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    m0, m1 = (np.uint64(m) for m in MULTIPLIERS)
    c0, c1, c2, c3 = np.broadcast_arrays(*(np.asarray(c, np.uint64) for c in counters))
    for i in range(ROUNDS):
        k0, k1 = (np.uint64((k + i * step) & 0xFFFFFFFF) for k, step in zip(key, KEY_STEPS, strict=True))
        product0, product1 = c0 * m0, c2 * m1
        c0, c1 = (product1 >> half) ^ c1 ^ k0, product1 & mask
        c2, c3 = (product0 >> half) ^ c3 ^ k1, product0 & mask
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def words(count: int, *, seed: int, purpose: int, stream: int = 0, epoch: int = 0, position: int = 0) -> Array:
    """Return the first `count` random words, uint32 (count,); see the module's rule.

    Parameters
    ----------
    count : 0 to 2**34
    seed : 0 to 2**64 - 1; anything else raises SettingsError
    purpose, stream : below 2**16
    epoch, position : below 2**32
    """
    return _words_of(np.array([position]), count, seed, purpose, stream, epoch)[0]


def uniform(shape: Shape, *, seed: int, purpose: int, stream: int = 0, epoch: int = 0, position: int = 0) -> Array:
    """Return float32 numbers of `shape`, even over [0, 1): (word >> 8) * 2**-24.

    The parameters are those of `words`; elements count in C order.
    """
    drawn = words(prod(shape), seed=seed, purpose=purpose, stream=stream, epoch=epoch, position=position)
    return _to_unit(drawn).reshape(shape)


def uniform_images(
    positions: Array, shape: Shape, *, seed: int, purpose: int, stream: int = 0, epoch: int = 0
) -> Array:
    """Return `uniform(shape, position=p)` for each p of `positions` (N,): float32 (N, *shape)."""
    drawn = _words_of(np.asarray(positions), prod(shape), seed, purpose, stream, epoch)
    return _to_unit(drawn).reshape(len(drawn), *shape)


def normal(shape: Shape, *, seed: int, purpose: int, stream: int = 0, epoch: int = 0, position: int = 0) -> Array:
    """Return float32 numbers of `shape` with mean 0 and variance 1 (Box and Muller 1958).

    Words 2i and 2i + 1 give a pair: with u = (w0 + 0.5) / 2**32 and v = w1 / 2**32,

        r = sqrt(-2 log u),   (r cos 2 pi v, r sin 2 pi v)

    in float64, rounded to float32 at the end. The parameters are those of `words`.
    """
    count = prod(shape)
    pairs = words(count + count % 2, seed=seed, purpose=purpose, stream=stream, epoch=epoch, position=position).reshape(
        -1, 2
    )
    radius = np.sqrt(-2.0 * _log((pairs[:, 0] + 0.5) * 2.0**-32))
    cosine, sine = _circle(pairs[:, 1])
    both = np.stack([radius * cosine, radius * sine], axis=-1)
    return both.reshape(-1)[:count].astype(np.float32).reshape(shape)


def permutation(n: int, seed: int, purpose: int, stream: int = 0, epoch: int = 0) -> Array:
    """Return the numbers 0 to n - 1 in random order, int64 (n,).

    Image i gets the 64-bit word w[2i] << 32 | w[2i + 1]; the order is that of a stable sort by it.
    """
    order = np.empty(n, np.uint64)
    for first in range(0, n, DRAWN_TOGETHER // 2):
        own = order[first : first + DRAWN_TOGETHER // 2]
        drawn = _words_of(np.zeros(1, np.int64), 2 * len(own), seed, purpose, stream, epoch, first // 2)
        pairs = drawn.reshape(-1, 2)
        own[:] = pairs[:, 0].astype(np.uint64) << np.uint64(32) | pairs[:, 1]
    return np.argsort(order, kind="stable").astype(np.int64, copy=False)


def derived_seed(seed: int, purpose: int, number: int) -> int:
    """Return the seed of training `number` of several that share one seed, independent of all the others.

    Number 0 keeps the seed itself, so a single training and the first of several are the same. The others get the
    high 53 bits of the first two words at position `number`. Counting up from the seed would not do: member 1 of
    seed 5 would then be member 0 of seed 6.

    Parameters
    ----------
    seed : 0 to 2**64 - 1; anything else raises SettingsError
    purpose : REPEAT or MEMBER, so that repeat 1 and member 1 of a seed differ
    number : 0 to 2**32 - 1
    """
    if number == 0:
        return seed
    high, low = (int(word) for word in words(2, seed=seed, purpose=purpose, position=number))
    return (high << 32 | low) >> (64 - SEED_BITS)


@dataclass
class InitialDraws:
    """The numbers a network's initial values come from: draw i of a network uses stream i.

    It keeps the `layers.base.Draws` contract. Only the count of draws changes, so a network's initial values
    depend on its seed and its layers alone.
    """

    seed: int
    drawn: int = field(default=0, init=False)

    def uniform(self, shape: Shape) -> Array:
        """Float32 numbers of this shape, even over [0, 1), from the next stream."""
        return uniform(shape, seed=self.seed, purpose=INITIAL, stream=self._next())

    def normal(self, shape: Shape) -> Array:
        """Float32 numbers of this shape with mean 0 and variance 1, from the next stream."""
        return normal(shape, seed=self.seed, purpose=INITIAL, stream=self._next())

    def _next(self) -> int:
        self.drawn += 1
        return self.drawn - 1


def _words_of(
    positions: Array, count: int, seed: int, purpose: int, stream: int, epoch: int, first_block: int = 0
) -> Array:
    """Return uint32 (N, count) for `positions` (N,), from block `first_block` on."""
    if not 0 <= seed < 2**64:
        raise SettingsError(f"seed must be from 0 to 2**64 - 1, but got {seed}")
    blocks = -(-count // 4)
    counters = (
        np.arange(first_block, first_block + blocks),
        positions[:, None],
        np.array(epoch),
        np.array(purpose << 16 | stream),
    )
    drawn = philox(counters, (seed & 0xFFFFFFFF, seed >> 32))
    return drawn.reshape(len(positions), blocks * 4)[:, :count]


def _to_unit(drawn: Array) -> Array:
    """Map words to float32 in [0, 1); 24 bits, so that every value is exact."""
    return (drawn >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


# NumPy's logarithm and cosine may differ in the last bit from one CPU or version to the next. The two below
# use only operations that IEEE 754 defines exactly, so initial weights are the same everywhere.


def _log(x: Array) -> Array:
    """Logarithm of float64 x = m 2**k > 0: log m = 2 (s + s**3/3 + s**5/5 ...), s = (m - 1) / (m + 1)."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < 0.5**0.5
    mantissa = np.where(small, mantissa * 2.0, mantissa)
    exponent = exponent - small
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    series = np.zeros_like(s)
    for n in range(25, 0, -2):
        series = series * square + 2.0 / n
    return series * s + exponent * 0.6931471805599453


def _circle(turns: Array) -> tuple[Array, Array]:
    """Cosine and sine of 2 pi w / 2**32 for uint32 w: Taylor series within an eighth of a turn of an axis."""
    quarter = (turns.astype(np.int64) + 2**29) >> 30
    angle = (turns.astype(np.int64) - (quarter << 30)) * (2.0 * pi * 2.0**-32)
    square = angle * angle
    cosine, sine = np.zeros_like(angle), np.zeros_like(angle)
    for n in range(16, -1, -2):
        sign = -1.0 if n % 4 else 1.0
        cosine = cosine * square + sign / factorial(n)
        sine = sine * square + sign / factorial(n + 1)
    sine = sine * angle
    swap = quarter % 2 == 1
    cosine, sine = np.where(swap, sine, cosine), np.where(swap, cosine, sine)
    return (
        np.where((quarter % 4 == 1) | (quarter % 4 == 2), -cosine, cosine),
        np.where(quarter % 4 >= 2, -sine, sine),
    )
