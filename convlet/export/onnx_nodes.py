"""The ONNX nodes of each operation. Images are (N, C, H, W) here, vectors (N, K).

Operator definitions: https://onnx.ai/onnx/operators/. Padding is always written out (above, left, below,
right), so SAME_UPPER and SAME_LOWER are not needed. If two sides differ, the extra zero is at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convlet.export.operations import (
    Activation,
    Convolution,
    Flattening,
    FullyConnected,
    GlobalMean,
    Normalisation,
    Operation,
    Pooling,
    Sum,
)
from convlet.export.targets import rule_for
from convlet.layers.base import Array
from convlet.layers.gelu import CUBIC, SLOPE


class Nodes:
    """Nodes and arrays of a graph as they are written, in order.

    Every value has the name of its node, so names of nodes are names of values too.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.arrays: dict[str, Array] = {}

    def node(self, operator: str, reads: list[str], name: str, **attributes: Any) -> str:
        """Append a node that gives one value; the name of both."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, reads, [name], name, **attributes))
        return name

    def array(self, name: str, values: Array) -> str:
        """Keep an array once; its name."""
        self.arrays.setdefault(name, values)
        return name

    def number(self, name: str, value: float) -> str:
        """Keep a float32 number of no axes; its name."""
        return self.array(name, np.array(value, np.float32))

    def operation(self, operation: Operation, reads: list[str], arrays: list[str], prefix: str) -> str:
        """Append the nodes of an operation; the name of the value it gives.

        reads : names of the values it reads
        arrays : names of its arrays, in the order of its ROLES
        prefix : what the names of its nodes begin with
        """
        rule = rule_for(RULES, operation, "onnx")
        return rule(self, operation, reads, arrays, prefix + operation.name)


def _convolution(nodes: Nodes, one: Convolution, reads: list[str], arrays: list[str], name: str) -> str:
    (above, below), (left, right) = one.pads
    form = {"kernel_shape": [one.size] * 2, "strides": [one.stride] * 2, "pads": [above, left, below, right]}
    return nodes.node("Conv", reads + arrays, name, **form)


def _pooling(nodes: Nodes, one: Pooling, reads: list[str], arrays: list[str], name: str) -> str:
    operator = {"max": "MaxPool", "avg": "AveragePool"}[one.how]
    return nodes.node(operator, reads, name, kernel_shape=[one.size] * 2, strides=[one.stride] * 2)


def _global_mean(nodes: Nodes, one: GlobalMean, reads: list[str], arrays: list[str], name: str) -> str:
    return nodes.node("Flatten", [nodes.node("GlobalAveragePool", reads, f"{name}.mean")], name, axis=1)


def _flattening(nodes: Nodes, one: Flattening, reads: list[str], arrays: list[str], name: str) -> str:
    return nodes.node("Flatten", reads, name, axis=1)


def _fully_connected(nodes: Nodes, one: FullyConnected, reads: list[str], arrays: list[str], name: str) -> str:
    return nodes.node("Gemm", reads + arrays, name, transB=1)


def _normalisation(nodes: Nodes, one: Normalisation, reads: list[str], arrays: list[str], name: str) -> str:
    """Inference ignores the momentum. With 1 the statistics stay what they are even in a program that moves them, as
    `onnx.reference` 1.23 does."""
    return nodes.node("BatchNormalization", reads + arrays, name, epsilon=one.epsilon, momentum=1.0)


def _sum(nodes: Nodes, one: Sum, reads: list[str], arrays: list[str], name: str) -> str:
    return nodes.node("Add", reads, name)


def _activation(nodes: Nodes, one: Activation, reads: list[str], arrays: list[str], name: str) -> str:
    if one.kind == "gelu":
        return _gelu(nodes, reads[0], name)
    if one.kind == "silu":
        return nodes.node("Mul", [reads[0], nodes.node("Sigmoid", reads, f"{name}.sigmoid")], name)
    if one.kind == "leaky_relu":
        return nodes.node("LeakyRelu", reads, name, alpha=one.slope)
    return nodes.node({"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}[one.kind], reads, name)


def _gelu(nodes: Nodes, x: str, name: str) -> str:
    """y = (x/2) (1 + tanh(SLOPE (x + CUBIC x^3))); ONNX has an operator of its own only from opset 20 on."""
    square = nodes.node("Mul", [x, x], f"{name}.square")
    cube = nodes.node("Mul", [square, x], f"{name}.cube")
    part = nodes.node("Mul", [cube, nodes.number("gelu.cubic", CUBIC)], f"{name}.part")
    inner = nodes.node("Add", [x, part], f"{name}.inner")
    scaled = nodes.node("Mul", [inner, nodes.number("gelu.slope", SLOPE)], f"{name}.scaled")
    tanh = nodes.node("Tanh", [scaled], f"{name}.tanh")
    raised = nodes.node("Add", [tanh, nodes.number("gelu.one", 1.0)], f"{name}.raised")
    half = nodes.node("Mul", [x, nodes.number("gelu.half", 0.5)], f"{name}.half")
    return nodes.node("Mul", [half, raised], name)


Rule = Callable[[Nodes, Any, list[str], list[str], str], str]

RULES: dict[type[Operation], Rule] = {
    Activation: _activation,
    Convolution: _convolution,
    Flattening: _flattening,
    FullyConnected: _fully_connected,
    GlobalMean: _global_mean,
    Normalisation: _normalisation,
    Pooling: _pooling,
    Sum: _sum,
}
