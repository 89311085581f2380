"""One call for all blocks of output channels: whole blocks of vectors, and the smaller block at the edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.extending import register_jitable

from convlet.kernels.tuned import Vectors


def block_count(spread: Vectors) -> int:
    """Blocks of output channels, with the one at the edge."""
    return spread.blocks + bool(spread.edge)


def for_each_block(spread: Vectors, make: Callable[..., Any], *more: Any) -> Any:
    """`tile(block, x, w, b, y, mask, count)` that runs the register tile of a block.

    Parameters
    ----------
    make : `make(counts, *more)` gives the tile (see `tile.make_tile`) of a block whose vectors have `counts` floats
    """
    blocks = spread.blocks
    whole = make(spread.counts, *more)
    if not spread.edge:

        @register_jitable
        def tile(block, x, w, b, y, mask, count):
            whole(x, w, b, y, mask, count)

        return tile
    edge = make(spread.edge, *more)

    @register_jitable
    def tile_or_edge(block, x, w, b, y, mask, count):
        if block < blocks:
            whole(x, w, b, y, mask, count)
        else:
            edge(x, w, b, y, mask, count)

    return tile_or_edge
