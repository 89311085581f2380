"""What a pass through the layers' NumPy definitions costs for one image: memory and time, known before it is run."""

from __future__ import annotations

from math import prod

from convlet.layers import AvgPool, Conv, MaxPool, Sequential
from convlet.layers.base import Layer, Shape
from convlet.network.layout import leaves

FLOAT = 4
"""Bytes of a number."""

KEPT, AT_ONCE = 3, 5
"""Arrays like each layer's output that stay until the backward pass is over, and those like the largest one that are
there beside them for a moment. Measured with networks of all layers; the test compares them with the memory used."""

FORWARD_AND_BACKWARD = 2
"""Each multiply-add of the forward pass has one in the backward pass, which leaves the parameters alone."""

MULTIPLY_ADDS_OF_A_VALUE = 20
"""What NumPy can multiply and add while it reads and writes one value: it does so for every tap of a window."""


def trace_bytes(network: Sequential, input_shape: Shape) -> int:
    """About the most memory that one image takes, forward and backward."""
    sizes = [prod(input_shape)]
    for _, _, layer, shape in leaves(network, input_shape):
        sizes += [prod(layer.output_shape(shape)), _padded(layer, shape)]
    return FLOAT * (KEPT * sum(sizes) + AT_ONCE * max(sizes))


def trace_work(network: Sequential, input_shape: Shape) -> int:
    """What one image takes forward and backward, in multiply-adds: 10^10 of them are one to two seconds."""
    multiply_adds = network.multiply_adds(input_shape)
    return FORWARD_AND_BACKWARD * multiply_adds + MULTIPLY_ADDS_OF_A_VALUE * _touched(network, input_shape)


def values(network: Sequential, input_shape: Shape) -> int:
    """The pixels of one image and what every layer makes of them: how many numbers that is."""
    return prod(input_shape) + sum(
        prod(layer.output_shape(shape)) for _, _, layer, shape in leaves(network, input_shape)
    )


def _touched(network: Sequential, input_shape: Shape) -> int:
    """Values that are read or written, once for every tap of a window."""
    total = prod(input_shape)
    for _, _, layer, shape in leaves(network, input_shape):
        taps = layer.size**2 if isinstance(layer, (Conv, MaxPool, AvgPool)) else 1
        total += taps * prod(layer.output_shape(shape)) + _padded(layer, shape)
    return total


def _padded(layer: Layer, shape: Shape) -> int:
    """Values of the zero-padded copy that a convolution makes of its input; 0 for other layers."""
    if not isinstance(layer, Conv):
        return 0
    height, width, channels = shape
    (above, below), (left, right) = layer.pads(height, width)
    return (above + height + below) * (left + width + right) * channels
