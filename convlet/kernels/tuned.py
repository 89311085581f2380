"""Every tuned number: how large register tiles are and how many images pass through a network at once.

None of these can change a result: a tile only chooses which outputs are computed together, and a group only
how many images pass each layer before the next layer starts. Changing them changes speed alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from convlet.kernels.shapes import WINOGRAD_PLACES, ConvShape, winograd_images, winograd_tiles
from convlet.kernels.target import Target

SUMS_IN_FLIGHT = 10
"""Accumulators that keep two multiply-add units busy at a latency of four cycles, with a little to spare."""

VECTORS_PER_TILE = 2
"""More vectors a tile read fewer inputs but leave fewer pixels; two was best from 16 to 256 filters."""

MOST_SUMS = 20
"""Accumulators of a tile of several vectors: 14 to 24 were alike, 28 were a fifth slower."""

FILTER_GRADIENT_SUMS = 24
"""Accumulators of a filter-gradient tile where there are 32 registers; half where there are 16."""

POOLED_SUMS = 20
"""The same for gradients of pooled outputs, which need registers for winners too: with 24, half again as long."""

SWEEP_VECTORS = 7
"""Vectors along a row of a tile that a sweep fills: with two rows and nine weights they fit 32 registers. More rows
or vectors were no faster from 3x3 to 5x5 filters, and two rows suit pooling."""

MOST_SWEPT = 9
"""The largest filter size whose taps a sweep writes out one by one. It writes size^2 multiply-adds for each output of a
tile, half a second of compilation at 9 and 12 at 31; larger filters loop over their taps."""

MOST_WRITTEN = 192
"""Vectors of a filter gradient whose tiles are written out one after the other; more are one tile in a loop. Each costs
3 ms of compilation, and without a bound 512 channels with 5x5 filters took 38 seconds."""

DENSE_IMAGES = 8
"""Images of a dense tile where there are 32 registers, half where there are 16; 16 images were slower."""

GROUP_BYTES = 3 * 1024 * 1024
"""What the arrays of one group of images may take. Larger groups than fit the second-level cache are no slower, since
convolutions read each number many times, and dense layers want many images at once."""

WIDE_DENSE_BYTES = 64 * 1024
"""Dense weights above this are read once a shard, so all images of the shard go through together."""

WINOGRAD_BYTES = 128 * 1024
"""Transformed inputs of the rows of tiles that go together: 64 KiB to 512 KiB were within a tenth of each other."""

WINOGRAD_GRADIENT_BYTES = 1024 * 1024
"""Transformed inputs and gradients of the rows of tiles that go together in a filter gradient: half and twice this took
a tenth longer."""

WINOGRAD_SLACK = 32
"""Tiles of room behind the last, since register tiles are filled whole; no register tile has more."""

WINOGRAD_GAP = 16
"""Floats between the places of a tile, so that their distance is no power of two."""

PIECE_FLOATS = 4096
"""Numbers of the flat vectors that one unit of work updates: a few rows of them fit the first-level cache."""

PIECES_WORTH_SHARING = 8
"""Fewer pieces are done by one thread before the others would have woken."""


@dataclass(frozen=True)
class Vectors:
    """How output channels are spread over vectors: `blocks` alike, then one `edge` block if any are left.

    counts, edge : floats used of each vector of a block
    """

    lanes: int
    blocks: int
    counts: tuple[int, ...]
    edge: tuple[int, ...]

    @property
    def step(self) -> int:
        """Channels from one block to the next."""
        return self.lanes * len(self.counts)


def vectors(channels: int, target: Target, per_tile: int = VECTORS_PER_TILE) -> Vectors:
    """The lanes that take the fewest cycles, the wider where equal, in blocks of up to `per_tile` vectors."""
    choices = [lanes for lanes in (16, 8, 4) if lanes <= target.lanes]
    lanes = min(choices, key=lambda n: (-(-channels // n) * -(-n // target.unit_lanes), -n))
    per_block = min(per_tile, max(1, channels // lanes))
    blocks, left = divmod(channels, lanes * per_block)
    edge = tuple(min(lanes, left - start) for start in range(0, left, lanes))
    if not blocks:
        return Vectors(lanes, 1, edge, ())
    return Vectors(lanes, blocks, (lanes,) * per_block, edge)


def pixels(vector_count: int, target: Target) -> int:
    """The most pixels a tile of `vector_count` vectors can hold without spilling registers."""
    room = target.registers - vector_count - 2
    return max(1, min(room, MOST_SUMS if vector_count > 1 else room) // vector_count)


def split(width: int, most: int) -> tuple[int, int, int]:
    """`width` as `count` tiles of `size` and a tail: as few tiles as possible, as even as possible."""
    tiles = -(-width // most)
    size = -(-width // tiles)
    count = width // size
    return size, count, width - size * count


def sweep(height: int, vectors: int, target: Target) -> tuple[int, int]:
    """Rows and vectors of a tile that a sweep fills."""
    return min(2, height), split(vectors, SWEEP_VECTORS if target.registers == 32 else SWEEP_VECTORS - 2)[0]


def rows_together(height: int, width: int, vector_count: int, most: int) -> int:
    """Rows one tile covers where single rows are too short to keep the units busy."""
    for rows in range(1, height + 1):
        if height % rows == 0 and rows * width <= most and rows * width * vector_count >= SUMS_IN_FLIGHT:
            return rows
    fitting = [r for r in range(1, height + 1) if height % r == 0 and r * width <= most]
    return fitting[-1] if fitting else 1


def filter_gradient_rows(vector_count: int, target: Target) -> int:
    """Weights rows (taps and channels) of a filter-gradient tile."""
    sums = FILTER_GRADIENT_SUMS if target.registers == 32 else FILTER_GRADIENT_SUMS // 2
    return max(1, sums // vector_count)


def dense_images(target: Target) -> tuple[int, int, int]:
    """Images of a dense tile where there are many, a few or one left."""
    many = DENSE_IMAGES * target.registers // 32
    return many, many // 4, 1


def group_images(shard: int, bytes_per_image: int, widest_dense_bytes: int, shard_together: bool, unit: int) -> int:
    """How many images go through the network together: a divisor of the shard, in whole units, or the shard."""
    if shard_together or widest_dense_bytes > WIDE_DENSE_BYTES or shard % unit:
        return shard
    fitting = max(unit, GROUP_BYTES // max(1, bytes_per_image))
    return max(d for d in range(unit, shard + 1, unit) if shard % d == 0 and d <= fitting)


def even_lanes(channels: int, target: Target) -> int:
    """The most lanes that divide the channels: for kernels whose time goes into memory, not arithmetic."""
    return next(lanes for lanes in (16, 8, 4, 2, 1) if lanes <= target.lanes and channels % lanes == 0)


def winograd_rows(shape: ConvShape) -> int:
    """Rows of tiles that go together in a convolution."""
    return max(1, WINOGRAD_BYTES // (4 * WINOGRAD_PLACES * winograd_tiles(shape)[1] * shape.channels))


def winograd_scratch_bytes(shape: ConvShape) -> int:
    """Room for transformed inputs and for the products of one block of filters, for any target."""
    (_, across), numbers = winograd_tiles(shape), shape.channels + VECTORS_PER_TILE * 16
    return 4 * WINOGRAD_PLACES * ((winograd_rows(shape) * across + WINOGRAD_SLACK) * numbers + 2 * WINOGRAD_GAP)


def winograd_gradient_rows(shape: ConvShape) -> int:
    """Rows of tiles that go together in a filter gradient: at most those of the images summed together."""
    down, across = winograd_tiles(shape)
    row_bytes = 4 * WINOGRAD_PLACES * across * (shape.channels + shape.filters)
    return min(max(1, WINOGRAD_GRADIENT_BYTES // row_bytes), down * winograd_images(shape))


def winograd_gradient_bytes(shape: ConvShape) -> int:
    """Room for transformed inputs and gradients and for the products."""
    tiles = winograd_gradient_rows(shape) * winograd_tiles(shape)[1]
    numbers = tiles * (shape.channels + shape.filters) + shape.channels * shape.filters + 3 * WINOGRAD_GAP
    return 4 * WINOGRAD_PLACES * numbers
