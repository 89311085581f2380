"""Memory for the kernels."""

from __future__ import annotations

import numpy as np

from convlet.layers.base import Array


def aligned_zeros(size: int, kind: type = np.uint8) -> Array:
    """Zeros that begin on a cache line: float32, int64 or uint8 (size,)."""
    item = np.dtype(kind).itemsize
    room = np.zeros(size * item + 64, np.uint8)
    skip = -room.ctypes.data % 64
    return room[skip : skip + size * item].view(kind)
