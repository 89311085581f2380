"""Runs one compiled kernel on NumPy arrays, the way the engine would."""

from __future__ import annotations

import numpy as np

from convlet.kernels.calling import frame as fields
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.compiler.machine_code import caller


def run(kernel: Kernel, operands: list, *, count: int = 1, **frame_fields) -> None:
    """Operands are arrays (or None), (array, offset in elements), or integers; frame fields are arrays or integers."""
    table = []
    for item in operands:
        array, offset = item if isinstance(item, tuple) else (item, 0)
        address = 0 if array is None else array
        if isinstance(array, np.ndarray):
            address = array.ctypes.data + offset * array.itemsize
        table += [fields.ZERO, address]
    frame = np.zeros(fields.FIELDS, np.int64)
    frame[fields.COUNT] = count
    for name, value in frame_fields.items():
        frame[getattr(fields, name.upper())] = value.ctypes.data if isinstance(value, np.ndarray) else value
    table = np.array(table, np.int64)
    caller(kernel)(table.ctypes.data, frame.ctypes.data)


def padded(rng, shape, halo):
    """A float32 array with a halo of zeros (top, left, bottom, right), its inside random; both are returned."""
    n, h, w, c = shape
    top, left, bottom, right = halo
    whole = np.zeros((n, h + top + bottom, w + left + right, c), np.float32)
    inside = whole[:, top : top + h, left : left + w]
    inside[...] = rng.standard_normal(shape)
    return whole, inside


def grid(whole):
    """How the pixels of an array lie, in floats."""
    from convlet.kernels.shapes import Grid

    _, h, w, c = whole.shape
    return Grid(row=w * c, image=h * w * c, pixel=c)
