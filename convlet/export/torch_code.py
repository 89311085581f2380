"""The lines of PyTorch of each operation: a module where it has arrays, and the line of `forward`.

Images are (N, C, H, W) here, vectors (N, K).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from convlet.export.graph import Graph
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

TENSORS = {"scale": "weight", "weights": "weight", "shift": "bias", "biases": "bias"}
TENSORS |= {"mean": "running_mean", "variance": "running_var"}
"""What PyTorch calls the arrays of a module."""


class Lines(NamedTuple):
    """What makes the module, "" if the operation has no arrays, and what is done with the values it reads."""

    module: str
    forward: str


def module_name(name: str) -> str:
    """The attribute of an operation: "0.conv" becomes conv0, "2.residual.main.0.conv" residual2_main_conv0."""
    parts = re.sub(r"(\d+)\.(\w+)", r"\2\1", name).split(".")
    return "_".join(parts)


def tensor_name(name: str) -> str:
    """The name in a state dictionary of an array of convlet: "0.conv.weights" becomes "conv0.weight"."""
    operation, _, role = name.rpartition(".")
    return f"{module_name(operation)}.{TENSORS[role]}"


def quoted(text: str) -> str:
    """A text as Python code in ASCII, whatever it holds; in double quotes unless it has some itself."""
    shown = ascii(f"'{text}")  # with this quote in front, Python takes double quotes if it can
    return shown[0] + (shown[2:] if shown[0] == '"' else shown[3:])


def lines_of(graph: Graph) -> tuple[list[str], list[str]]:
    """Return the lines that make the modules, and those of `forward`, which reads and gives x."""
    modules, images = [], _variable(graph, 0)
    forward = [] if images == "x" else [f"{images} = x"]
    for number, operation in enumerate(graph.operations):
        reads = [_variable(graph, value) for value in operation.reads]
        found = rule_for(RULES, operation, "torch")(operation, *reads)
        if found.module:
            modules.append(f"self.{module_name(operation.name)} = {found.module}")
        forward.append(f"{_variable(graph, number + 1)} = {found.forward}")
    return modules, forward


def _variable(graph: Graph, value: int) -> str:
    """x for a value that the next operation alone reads, else a name of its own."""
    readers = graph.readers(value)
    return "x" if readers in ([value], []) else f"x{value}"


def _convolution(one: Convolution, x: str) -> Lines:
    (above, below), (left, right) = one.pads
    even = above == below and left == right
    words = [str(one.takes[2]), str(one.gives[2]), str(one.size)]
    if one.stride != 1:
        words.append(f"stride={one.stride}")
    if even and above == left != 0:
        words.append(f"padding={above}")
    elif even and above + left:
        words.append(f"padding=({above}, {left})")
    read = x if even else f"F.pad({x}, ({left}, {right}, {above}, {below}))"  # left, right, above, below
    return Lines(f"nn.Conv2d({', '.join(words)})", f"self.{module_name(one.name)}({read})")


def _pooling(one: Pooling, x: str) -> Lines:
    return Lines("", f"F.{one.how}_pool2d({x}, {one.size}, stride={one.stride})")


def _fully_connected(one: FullyConnected, x: str) -> Lines:
    return Lines(f"nn.Linear({one.takes[0]}, {one.gives[0]})", f"self.{module_name(one.name)}({x})")


def _normalisation(one: Normalisation, x: str) -> Lines:
    kind = "BatchNorm2d" if len(one.takes) == 3 else "BatchNorm1d"
    return Lines(f"nn.{kind}({one.takes[-1]}, eps={one.epsilon!r})", f"self.{module_name(one.name)}({x})")


def _activation(one: Activation, x: str) -> Lines:
    calls = {
        "relu": f"F.relu({x})",
        "leaky_relu": f"F.leaky_relu({x}, {one.slope!r})",
        "tanh": f"torch.tanh({x})",
        "sigmoid": f"torch.sigmoid({x})",
        "gelu": f'F.gelu({x}, approximate="tanh")',
        "silu": f"F.silu({x})",
    }
    return Lines("", calls[one.kind])


Rule = Callable[..., Lines]

RULES: dict[type[Operation], Rule] = {
    Activation: _activation,
    Convolution: _convolution,
    Flattening: lambda one, x: Lines("", f"{x}.flatten(1)"),
    FullyConnected: _fully_connected,
    GlobalMean: lambda one, x: Lines("", f"{x}.mean((2, 3))"),
    Normalisation: _normalisation,
    Pooling: _pooling,
    Sum: lambda one, x, y: Lines("", f"{x} + {y}"),
}
