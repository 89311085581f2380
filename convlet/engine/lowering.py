"""From a network's layers to the nodes of a plan: what is fused, skipped or written out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from convlet.engine.conv_node import ConvNode
from convlet.engine.map_nodes import ActivationNode, AddNode, CopyNode, DropoutNode
from convlet.engine.nodes import DenseNode, Fold, NormNode, PoolNode
from convlet.engine.plan import Node, Plan, Value
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
from convlet.network.layout import Layout, dropout_streams

ACTIVATIONS = (ReLU, LeakyReLU, Tanh, Sigmoid, GELU, SiLU)
SAME_SHAPE = (*ACTIVATIONS, Dropout, BatchNorm)


def lower(
    network: Sequential, input_shape: Shape, layout: Layout, training: bool, frozen: int = 0
) -> tuple[Plan, Value, Value]:
    """The plan of a network, with the values of its images and of its logits.

    frozen : layers from the front that do not learn: they run as at inference and have no backward pass
    """
    plan = Plan(training)
    lowering = Lowering(network, input_shape, layout, plan, frozen)
    images = plan.value(cast(tuple[int, int, int], tuple(input_shape)), learns=False)
    logits = lowering.sequence(network, images, "", ())
    plan.declare()
    return plan, images, logits


@dataclass(frozen=True)
class Fused:
    """The layers behind a convolution or dense layer that its kernel does along with it, in this order."""

    norm: Fold | None = None
    relu: bool = False
    pool: MaxPool | None = None

    @property
    def count(self) -> int:
        return (self.norm is not None) + self.relu + (self.pool is not None)


def as_pixels(shape: Shape) -> tuple[int, int, int]:
    """Every array has rows, columns and channels; a vector is one pixel."""
    return cast(tuple[int, int, int], tuple(shape) if len(shape) == 3 else (1, 1, *shape))


class Lowering:
    """Walks through the layers and adds nodes to the plan."""

    def __init__(self, network: Sequential, input_shape: Shape, layout: Layout, plan: Plan, frozen: int) -> None:
        self.plan, self.frozen = plan, frozen
        self.streams = dropout_streams(network, input_shape)
        self.parameters = dict(zip(layout.names, layout.offsets, strict=True))
        self.state = dict(zip(layout.state_names, layout.state_offsets, strict=True))

    def sequence(self, layers: Sequential, x: Value, prefix: str, path: tuple[int, ...]) -> Value:
        names = [prefix + name for name in layers.prefixes()]
        index = 0
        while index < len(names):
            self.plan.begin((*path, index))
            layer, rest = layers.layers[index], layers.layers[index + 1 :]
            fused = self.fused(layer, rest, names[index + 1 :], self.learns((*path, index + 1)))
            if not isinstance(layer, Flatten) or self.needs_copy(rest, x):
                x = self.layer(layer, x, names[index], (*path, index), fused)
            index += 1 + fused.count
        return x

    def learns(self, path: tuple[int, ...]) -> bool:
        """Whether the layer at this place in the network learns in this plan."""
        return self.plan.training and path[0] >= self.frozen

    def fused(self, layer: Layer, rest: tuple[Layer, ...], names: list[str], next_learns: bool) -> Fused:
        """What can be fused: a batch normalisation unless it learns, a relu, behind a convolution 2x2 max pooling."""
        found = Fused()
        if not isinstance(layer, Conv | Dense):
            return found
        following = iter(rest)
        after = next(following, None)
        if isinstance(after, BatchNorm) and not next_learns:
            found = replace(found, norm=Fold(after.epsilon, *self.norm_places(names[0])))
            after = next(following, None)
        if isinstance(after, ReLU):
            found = replace(found, relu=True)
            after = next(following, None)
        if isinstance(layer, Conv) and isinstance(after, MaxPool) and (after.size, after.stride) == (2, 2):
            found = replace(found, pool=after)
            if not found.relu and isinstance(next(following, None), ReLU):
                found = replace(found, relu=True)  # a relu of the largest is the largest of relus
        return found

    def norm_places(self, name: str) -> tuple[tuple[int, int], tuple[int, int]]:
        """Offsets of a batch normalisation's scale and shift, and of its running mean and variance."""
        return (
            (self.parameters[name + "scale"], self.parameters[name + "shift"]),
            (self.state[name + "mean"], self.state[name + "variance"]),
        )

    @staticmethod
    def needs_copy(rest: tuple[Layer, ...], x: Value) -> bool:
        """Whether a flatten must really be done: a dense layer reads any shape, and so does what goes by number."""
        if x.shape[:2] == (1, 1):
            return False
        reader = next((layer for layer in rest if not isinstance(layer, (*ACTIVATIONS, Dropout, Flatten))), None)
        return not isinstance(reader, Dense)

    def layer(self, layer: Layer, x: Value, name: str, path: tuple[int, ...], fused: Fused) -> Value:
        if isinstance(layer, Residual):
            return self.residual(layer, x, name, path)
        if isinstance(layer, Dropout) and (not self.plan.training or layer.rate == 0):
            return x
        outputs = x.shape if isinstance(layer, SAME_SHAPE) else as_pixels(layer.output_shape(x.shape))
        y = self.plan.value(as_pixels(fused.pool.output_shape(outputs)) if fused.pool else outputs)
        x.readers += 1
        learns = self.learns(path)
        y.learns = x.learns or (learns and isinstance(layer, Conv | Dense | BatchNorm))
        y.masked = fused.relu and not fused.pool  # where a pool follows, its winners say where the relu let through
        self.plan.nodes.append(self.node(layer, x, y, name, path, outputs, fused))
        return y

    def node(
        self,
        layer: Layer,
        x: Value,
        y: Value,
        name: str,
        path: tuple[int, ...],
        outputs: tuple[int, int, int],
        fused: Fused,
    ) -> Node:
        match layer:
            case Conv():
                weights, pads = self.weights(name), layer.pads(*x.shape[:2])
                return ConvNode(x, y, *weights, fused.relu, fused.norm, outputs, layer.size, layer.stride, pads)
            case Dense():
                return DenseNode(x, y, *self.weights(name), fused.relu, fused.norm)
            case MaxPool():
                return PoolNode(x, y, "max_pool", (layer.size, layer.size), layer.stride)
            case AvgPool():
                return PoolNode(x, y, "average_pool", (layer.size, layer.size), layer.stride)
            case GlobalAvgPool():
                return PoolNode(x, y, "average_pool", x.shape[:2], max(x.shape[:2]))
            case BatchNorm():
                return NormNode(x, y, layer.epsilon, *self.norm_places(name), observes=self.learns(path))
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

    def weights(self, name: str) -> tuple[int, int]:
        return self.parameters[name + "weights"], self.parameters[name + "biases"]

    def residual(self, layer: Residual, x: Value, name: str, path: tuple[int, ...]) -> Value:
        """main and shortcut from the same value, their sum, a relu."""
        outputs = []
        for index, (prefix, branch) in enumerate(layer.branches(x.shape).items()):
            outputs.append(self.sequence(branch, x, name + prefix, (*path, index)))
        if len(outputs) == 1:
            x.readers += 1
        main, shortcut = outputs if len(outputs) == 2 else (outputs[0], x)
        learns = main.learns or shortcut.learns
        total, y = (self.plan.value(main.shape, learns=learns) for _ in range(2))
        main.readers, total.readers = main.readers + 1, 1
        if len(outputs) == 2:
            shortcut.readers += 1
        self.plan.nodes += [AddNode(main, shortcut, total), ActivationNode(total, y, "relu")]
        return y
