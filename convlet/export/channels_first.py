"""A member's arrays for programs whose images are (C, H, W), as those of ONNX and PyTorch are.

There a flattened image lies in the order channels, rows, columns. Instead of turning it back, the arrays that meet it
are turned once, here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from convlet.export.graph import Graph
from convlet.export.operations import Convolution, Flattening, FullyConnected, Normalisation, Operation
from convlet.layers.base import Array, Shape


def channels_first(graph: Graph) -> tuple[Mapping[str, Array], ...]:
    """Return each member's arrays by the same names: filters (F, C, KH, KW), dense weights (units, K).

    K counts channels, rows, columns where the vector was an image.
    """
    orders: list[Array | None] = [None]
    for operation in graph.operations:
        orders.append(_order_after(operation, [orders[value] for value in operation.reads]))
    found = []
    for member in graph.members:
        turned: dict[str, Array] = {}
        for operation in graph.operations:
            order = orders[operation.reads[0]]
            turned |= {name: _turned(operation, member[name], order) for name in operation.array_names}
        found.append(turned)
    return tuple(found)


def _order_after(operation: Operation, orders: list[Array | None]) -> Array | None:
    """Where each value of a vector, which was an image, lies in convlet's order; None for other values."""
    if isinstance(operation, Flattening):
        return channel_order(operation.takes)
    return None if isinstance(operation, FullyConnected) else orders[0]


def channel_order(shape: Shape) -> Array:
    """For each value of an image in the order channels, rows, columns its place in the order of convlet: (H W C,)."""
    return np.arange(np.prod(shape)).reshape(shape).transpose(2, 0, 1).reshape(-1)


def _turned(operation: Operation, values: Array, order: Array | None) -> Array:
    if isinstance(operation, Convolution) and values.ndim == 4:
        values = values.transpose(3, 2, 0, 1)
    elif isinstance(operation, FullyConnected) and values.ndim == 2:
        values = (values if order is None else values[order]).T
    elif isinstance(operation, Normalisation) and order is not None:
        values = values[order]
    return np.ascontiguousarray(values)
