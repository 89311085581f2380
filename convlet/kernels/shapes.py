"""What a kernel is compiled for: sizes and strides, all counted in floats and known when the plan is made.

An operand of a kernel is an address; these descriptions say how the numbers behind it lie. They are plain
frozen data, so that a compiled kernel can be named by them (see `compile`) without loading Numba.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """Floats between neighbouring rows, images and pixels of an array; halos make a row longer."""

    row: int
    image: int
    pixel: int


FEW_FILTERS = 8
"""Convolutions with at most this many filters have kernels of their own, which sum over channels first: `sweep`."""


@dataclass(frozen=True)
class ConvShape:
    """A convolution: `height` x `width` outputs an image, read at `x`, written at `y`.

    finish : "plain", "relu" (store max(y, 0)) or "mask" (store y where the mask array is positive, else 0)
    start : "bias" (the sums begin with the biases), "zero", or "load" (they go on from what stands in y)
    pooled : store the largest of each 2x2 outputs alone, and which one it was: y is then half as high and wide, and
        `height` and `width` are even
    """

    height: int
    width: int
    channels: int
    filters: int
    size: int
    stride: int
    x: Grid
    y: Grid
    start: str = "bias"
    finish: str = "plain"
    mask: Grid | None = None
    pooled: bool = False


WINOGRAD_PLACES = 16
"""Products of one filter and channel with a tile of 4x4 inputs: see `winograd`."""

WINOGRAD_CHANNELS, WINOGRAD_SIDE = 32, 7
"""The fewest channels and filters, and rows and columns of outputs. On maps of 7x7, where of the 4x4 tiles those at two
edges are half empty, a step of two layers of 128 filters took three quarters of the time, on 14x14 five eighths."""


def suits_winograd(shape: ConvShape) -> bool:
    """Whether a convolution goes by `winograd`: by its shape alone, since it rounds differently from the direct one."""
    numbers = (shape.channels, shape.filters)
    many = min(numbers) >= WINOGRAD_CHANNELS and not any(number % 16 for number in numbers)
    return many and shape.size == 3 and shape.stride == 1 and min(shape.height, shape.width) >= WINOGRAD_SIDE


def winograd_tiles(shape: ConvShape) -> tuple[int, int]:
    """Tiles of 2x2 outputs down and across an image; those at the end may be cut off."""
    return (shape.height + 1) // 2, (shape.width + 1) // 2


WINOGRAD_TILES = 256
"""Tiles whose products a filter gradient sums before it transforms them: fewer are transformed too often."""


def winograd_images(shape: ConvShape) -> int:
    """Images whose products `winograd_filter_gradient` sums together: 1, 2, 4 or 8, by the shape alone.

    Sums of other images would round differently, so a network passes whole such sets of images at once.
    """
    down, across = winograd_tiles(shape)
    return next((images for images in (8, 4, 2) if images * down * across <= WINOGRAD_TILES), 1)


NO_WINNER = 4
"""Stored in place of the winner of 2x2 outputs where a relu made all of them zero."""


@dataclass(frozen=True)
class DenseShape:
    """A matrix product of `inputs` by `rows` x `units` numbers for every image.

    An image's inputs lie without gaps; its outputs lie in `rows` rows of `units`, so that a dense layer can write
    into an array with a halo. x is the stride of an image of x.
    """

    inputs: int
    units: int
    x: int
    y: Grid
    rows: int = 1
    start: str = "bias"
    finish: str = "plain"
    mask: Grid | None = None


@dataclass(frozen=True)
class PoolShape:
    """Pooling of windows, `stride` apart, of an `in_height` x `in_width` array to `height` x `width` outputs.

    x, y : the array before and after (for gradients, dx and dy)
    mask : where given, the pooled array went through a fused relu: its gradient counts only where it is positive
    """

    height: int
    width: int
    channels: int
    in_height: int
    in_width: int
    window: tuple[int, int]
    stride: int
    x: Grid
    y: Grid
    mask: Grid | None = None

    @property
    def winner_bytes(self) -> int:
        """Bytes that number the positions of a window."""
        return 1 if self.window[0] * self.window[1] <= 256 else 2


FROM_INPUT = frozenset({"gelu", "silu"})
"""Activations whose derivative is taken from the input; the others' is taken from the output."""


@dataclass(frozen=True)
class MapShape:
    """An operation on each of `height` x `width` pixels of `channels`, from x to y.

    saved : where backward reads what forward left (its x or its y, as the kernel says)
    number : the constant of the function: a slope, a dropout rate, an epsilon
    stream : the dropout layer's number in the network
    """

    height: int
    width: int
    channels: int
    x: Grid
    y: Grid
    saved: Grid | None = None
    function: str = ""
    number: float = 0.0
    stream: int = 0

    @property
    def sizes(self) -> tuple[int, ...]:
        """What the kernels of a `RowsShape` are given as operands: see there."""
        grids = [self.x, self.y] + ([self.saved] if self.saved else [])
        return self.height, self.width, self.channels, *(n for g in grids for n in (g.row, g.image, g.pixel))


@dataclass(frozen=True)
class RowsShape:
    """A `MapShape` whose sizes are operands, so that a network's layers share one kernel, compiled once.

    The operands behind those of its arrays are numbers: height, width, channels, then floats between rows, images and
    pixels of x, of y and, where there is one, of the saved array.

    divisor : a power of two up to 16 that divides the channels, for kernels whose lanes lie along them
    """

    function: str = ""
    number: float = 0.0
    divisor: int = 1


@dataclass(frozen=True)
class AugmentShape:
    """Images of `height` x `width` x `channels` picked by number, changed, scaled and written at y.

    The other fields are those of `convlet.learning.augmentation.Augmentation`; points is the number of control points
    of the elastic grid in each direction.
    """

    height: int
    width: int
    channels: int
    y: Grid
    shift: int = 0
    flip: str = ""
    rotate: float = 0.0
    zoom: float = 0.0
    elastic: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    erase: float = 0.0
    cutmix: float = 0.0
    points: int = 7

    @property
    def scratch_floats(self) -> int:
        """Floats of workspace: the grid of one image, and what it says about one row."""
        return 2 * self.points * (self.points + 1)


MIX_BYTES = 16
"""Bytes an image: how its label is mixed, as (partner's number, int64; own share, float32; nothing)."""


def kept_bytes(elements: int) -> int:
    """Bytes of an image's dropout flags: one an element, in whole blocks of what the generator gives at once."""
    return -(-elements // 64) * 64


@dataclass(frozen=True)
class PackShape:
    """Filters (size, size, inputs, units) to be flipped and transposed to (size, size, units, inputs)."""

    size: int
    inputs: int
    units: int


@dataclass(frozen=True)
class FoldShape:
    """Weights followed by a batch normalisation with this epsilon."""

    epsilon: float


@dataclass(frozen=True)
class PeakShape:
    """Chains of multiply-adds on vectors of `lanes` floats, `chains` of them side by side.

    Each chain is prolonged by `links` multiply-adds in each of COUNT turns.
    """

    lanes: int
    chains: int
    links: int = 4

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of a turn."""
        return self.lanes * self.chains * self.links


Shape = FoldShape | RowsShape | ConvShape | DenseShape | PoolShape | MapShape | PackShape | PeakShape | AugmentShape
