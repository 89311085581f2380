"""From a network's layers to the nodes of a plan: what is fused, skipped or written out."""

from __future__ import annotations

from typing import cast

from convlet.errors import ArchitectureError
from convlet.layers import (
    GELU,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    ReLU,
    Residual,
    Sequential,
    Shape,
    Sigmoid,
    SiLU,
    Tanh,
)
from convlet.training.layout import Layout, dropout_streams
from convlet.training.nodes import (
    ActivationNode,
    AddNode,
    ConvNode,
    CopyNode,
    DenseNode,
    DropoutNode,
    NormNode,
    PoolNode,
)
from convlet.training.plan import Plan, Value

ACTIVATIONS = (ReLU, LeakyReLU, Tanh, Sigmoid, GELU, SiLU)


def lower(network: Sequential, input_shape: Shape, layout: Layout, training: bool) -> tuple[Plan, Value, Value]:
    """The plan of a network, with the values of its images and of its logits."""
    plan = Plan(training)
    lowering = Lowering(network, input_shape, layout, plan)
    images = plan.value(cast(tuple[int, int, int], tuple(input_shape)), learns=False)
    logits = lowering.sequence(network, images, "", ())
    for node in plan.nodes:
        node.declare(plan)
    return plan, images, logits


def fused_layers(layer: Layer, rest: tuple[Layer, ...], x: Value) -> tuple[Layer, ...]:
    """The layers after this one that its kernel does along with it: a relu, and behind a convolution 2x2 pooling."""
    fused = rest[:1] if rest and isinstance(layer, Conv | Dense) and isinstance(rest[0], ReLU) else ()
    after = rest[len(fused)] if len(rest) > len(fused) else None
    if isinstance(layer, Conv) and isinstance(after, MaxPool) and (after.size, after.stride) == (2, 2):
        fused += (after,)
    return fused


class Lowering:
    """Walks through the layers and adds nodes to the plan."""

    def __init__(self, network: Sequential, input_shape: Shape, layout: Layout, plan: Plan) -> None:
        self.plan = plan
        self.streams = dropout_streams(network, input_shape)
        self.parameters = dict(zip(layout.names, layout.offsets, strict=True))
        self.state = dict(zip(layout.state_names, layout.state_offsets, strict=True))

    def sequence(self, layers: Sequential, x: Value, prefix: str, path: tuple[int, ...]) -> Value:
        index, named = 0, list(zip(layers.prefixes(), layers.layers, strict=True))
        while index < len(named):
            name, layer = named[index]
            rest = layers.layers[index + 1 :]
            fused = fused_layers(layer, rest, x)
            if not isinstance(layer, Flatten) or self.needs_copy(rest, x):
                x = self.layer(layer, x, prefix + name, (*path, index), fused)
            index += 1 + len(fused)
        return x

    @staticmethod
    def needs_copy(rest: tuple[Layer, ...], x: Value) -> bool:
        """Whether a flatten must really be done: a dense layer reads any shape, and so does what goes by number."""
        if x.shape[:2] == (1, 1):
            return False
        reader = next((layer for layer in rest if not isinstance(layer, (*ACTIVATIONS, Dropout, Flatten))), None)
        return not isinstance(reader, Dense)

    def layer(self, layer: Layer, x: Value, name: str, path: tuple[int, ...], fused: tuple[Layer, ...]) -> Value:
        if isinstance(layer, Residual):
            return self.residual(layer, x, name, path)
        if isinstance(layer, Dropout) and (not self.plan.training or layer.rate == 0):
            return x
        shape = x.shape if isinstance(layer, (*ACTIVATIONS, Dropout, BatchNorm)) else layer.output_shape(x.shape)
        full = shape
        pooled = any(isinstance(after, MaxPool) for after in fused)
        if pooled:
            shape = fused[-1].output_shape(shape)
        y = self.plan.value(cast(tuple[int, int, int], shape if len(shape) == 3 else (1, 1, *shape)))
        x.readers += 1
        y.learns = x.learns or isinstance(layer, Conv | Dense | BatchNorm)
        relu = any(isinstance(after, ReLU) for after in fused)
        y.masked = relu and not pooled  # where a pool follows, its winners say where the relu let through
        if isinstance(layer, Conv):
            self.plan.nodes.append(self.convolution(layer, x, y, name, full, relu))
        else:
            self.plan.nodes.append(self.node(layer, x, y, name, path))
        return y

    def convolution(self, layer: Conv, x: Value, y: Value, name: str, full: Shape, relu: bool) -> ConvNode:
        at = self.parameters
        outputs = cast(tuple[int, int, int], tuple(full))
        pads = layer.pads(*x.shape[:2])
        return ConvNode(x, y, outputs, layer.size, layer.stride, pads, at[name + "weights"], at[name + "biases"], relu)

    def node(self, layer: Layer, x: Value, y: Value, name: str, path: tuple[int, ...]) -> object:
        at = self.parameters
        match layer:
            case Dense():
                return DenseNode(x, y, at[name + "weights"], at[name + "biases"])
            case MaxPool():
                return PoolNode(x, y, "max_pool", (layer.size, layer.size), layer.stride)
            case AvgPool():
                return PoolNode(x, y, "average_pool", (layer.size, layer.size), layer.stride)
            case GlobalAvgPool():
                return PoolNode(x, y, "average_pool", x.shape[:2], max(x.shape[:2]))
            case BatchNorm():
                state = self.state[name + "mean"], self.state[name + "variance"]
                return NormNode(x, y, layer.epsilon, (at[name + "scale"], at[name + "shift"]), state)
            case Dropout():
                return DropoutNode(x, y, layer.rate, self.streams[path])
            case LeakyReLU():
                return ActivationNode(x, y, layer.kind, layer.slope)
            case ReLU() | Tanh() | Sigmoid() | GELU() | SiLU():
                return ActivationNode(x, y, layer.kind)
            case Flatten():
                return CopyNode(x, y)
        raise ArchitectureError(
            f"{layer.token()} has no compiled kernels; set CONVLET_BACKEND=reference to run its own NumPy"
        )

    def residual(self, layer: Residual, x: Value, name: str, path: tuple[int, ...]) -> Value:
        """main and shortcut from the same value, their sum, a relu."""
        outputs = []
        for index, (prefix, branch) in enumerate(layer.branches(x.shape).items()):
            outputs.append(self.sequence(branch, x, name + prefix, (*path, index)))
        if len(outputs) == 1:
            x.readers += 1
        main, shortcut = outputs if len(outputs) == 2 else (outputs[0], x)
        total, y = self.plan.value(main.shape), self.plan.value(main.shape)
        main.readers, total.readers = main.readers + 1, 1
        if len(outputs) == 2:
            shortcut.readers += 1
        self.plan.nodes += [AddNode(main, shortcut, total), ActivationNode(total, y, "relu")]
        return y
