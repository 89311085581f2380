"""Small data files for tests."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np


def idx_bytes(array) -> bytes:
    array = np.asarray(array, np.uint8)
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder: Path, *, images=30, test_images=12, size=(5, 4), classes=3, compress=True, seed=0):
    """A folder of IDX files in which each class has its own brightness."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", images), ("t10k", test_images)):
        labels = np.arange(count) % classes
        pixels = (labels[:, None, None] * 60 + rng.integers(0, 40, (count, *size))).astype(np.uint8)
        for kind, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            data = idx_bytes(array)
            path = folder / f"{name}-{kind}-ubyte{'.gz' if compress else ''}"
            path.write_bytes(gzip.compress(data, mtime=0) if compress else data)
    return folder
