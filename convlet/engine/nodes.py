"""What each kind of layer becomes in a plan: the kernels of its forward and of its backward pass.

Convolutions are in `conv_node`, elementwise layers in `map_nodes`. A node is frozen. `declare` asks the plan for room
and returns the node that knows where its arrays lie; `forward` and `backward` of that node write the steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd

from convlet.engine.plan import Blob, Operand, Plan, Step, Tensor, Value
from convlet.kernels.calling import frame
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.shapes import (
    DenseShape,
    FoldShape,
    MapShape,
    PackShape,
    PoolShape,
    RowsShape,
)

NOTHING: Operand = (frame.ZERO, 0)


def parameter(offset: int) -> Operand:
    return frame.PARAMETERS, 4 * offset


def gradient(offset: int) -> Operand:
    return frame.GRADIENT, 4 * offset


@dataclass(frozen=True)
class Fold:
    """A batch normalisation behind a convolution or dense layer, done by its weights; only in inference plans.

    parameters : offsets of scale and shift; state : of running mean and variance
    """

    epsilon: float
    parameters: tuple[int, int]
    state: tuple[int, int]

    def declare(self, plan: Plan, read: tuple[Operand, Operand], inputs: int, units: int) -> tuple[Operand, Operand]:
        """Where the folded weights and biases will lie; `read` is where they come from."""
        folded = (frame.PACKED, plan.pack(inputs * units)), (frame.PACKED, plan.pack(units))
        operands = [*read, *(parameter(at) for at in self.parameters)]
        operands += [(frame.STATE, 4 * at) for at in self.state]
        sizes = (frame.ZERO, inputs), (frame.ZERO, units)
        plan.packs.append((Kernel("fold", FoldShape(self.epsilon)), [*operands, *folded, *sizes]))
        return folded


def map_shape(x: Tensor, y: Tensor, **more: object) -> MapShape:
    h, w, c = x.shape
    return MapShape(h, w, c, x.grid, y.grid, **more)  # type: ignore[arg-type]


def map_step(name: str, shape: MapShape, operands: list[Operand]) -> Step:
    """A step of a kernel that is given its sizes as operands."""
    rows = RowsShape(shape.function, shape.number, gcd(shape.channels, 16) if name.startswith("batch_norm") else 1)
    return Kernel(name, rows), operands + [(frame.ZERO, size) for size in shape.sizes]


def pack_step(size: int, inputs: int, units: int, weights: int, packed: int) -> Step:
    """The step that packs the filters at these places of the parameters and of the packed ones, after each update."""
    return Kernel("pack", PackShape(size, inputs, units)), [parameter(weights), (frame.PACKED, packed)]


def written(plan: Plan, value: Value, masked_already: bool = False) -> None:
    """Note that a reader has written its share of a value's gradient; the last one sees to the mask."""
    value.written += 1
    if value.masked and value.written == value.readers and not masked_already:
        shape = map_shape(value.gradient, value.gradient, saved=value.data.grid, function="relu")
        operands = [value.gradient.at(), value.gradient.at(), value.data.at()]
        plan.backward.append(map_step("activate_gradient", shape, operands))


def accumulation(value: Value) -> tuple[str, str]:
    """How a matrix kernel should start and finish when it writes this value's gradient."""
    last = value.masked and value.written + 1 == value.readers
    return ("load" if value.written else "zero"), ("mask" if last else "plain")


@dataclass(frozen=True)
class DenseNode:
    """Fully connected layer over all numbers of an image, with the relu that follows it.

    read : where forward reads weights and biases
    packed : offset of the transposed weights, which the gradient of x reads; None if nothing before x learns
    """

    x: Value
    y: Value
    weights: int
    biases: int
    relu: bool
    norm: Fold | None
    packed: int | None = None
    read: tuple[Operand, Operand] = (NOTHING, NOTHING)

    def declare(self, plan: Plan) -> DenseNode:
        inputs, units = self.x.numbers, self.y.numbers
        read = parameter(self.weights), parameter(self.biases)
        if self.norm:
            read = self.norm.declare(plan, read, inputs, units)
        plan.widest_dense_bytes = max(plan.widest_dense_bytes, 4 * inputs * units)
        if not (plan.training and self.x.learns):
            return replace(self, read=read)
        packed = plan.pack(inputs * units)
        plan.packs.append(pack_step(1, inputs, units, self.weights, packed))
        return replace(self, read=read, packed=packed)

    def forward(self, plan: Plan) -> None:
        x, y, finish = self.x.data, self.y.data, "relu" if self.relu else "plain"
        shape = DenseShape(self.x.numbers, self.y.numbers, x.floats, y.grid, finish=finish)
        operands = [x.at(), *self.read, y.at(), NOTHING]
        plan.forward.append((Kernel("dense", shape), operands))

    def backward(self, plan: Plan) -> None:
        x, dy, dx = self.x.data, self.y.gradient, self.x.gradient
        shape = DenseShape(self.x.numbers, self.y.numbers, x.floats, dy.grid)
        operands = [x.at(), dy.at(), gradient(self.weights), gradient(self.biases)]
        plan.backward.append((Kernel("dense_filter_gradient", shape), operands))
        if self.packed is None:
            return
        start, finish = accumulation(self.x)
        h, w, c = self.x.shape
        shape = DenseShape(self.y.numbers, w * c, dy.floats, dx.grid, rows=h, start=start, finish=finish, mask=x.grid)
        operands = [dy.at(), (frame.PACKED, self.packed), NOTHING, dx.at(), x.at()]
        plan.backward.append((Kernel("dense", shape), operands))
        written(plan, self.x, masked_already=finish == "mask")


@dataclass(frozen=True)
class PoolNode:
    """Max pooling (`kind` "max_pool") or average pooling ("average_pool")."""

    x: Value
    y: Value
    kind: str
    window: tuple[int, int]
    stride: int
    winners: Blob | None = None

    def declare(self, plan: Plan) -> PoolNode:
        if self.kind != "max_pool":
            return self
        size = self.shape(self.x.data, self.y.data).winner_bytes
        return replace(self, winners=plan.blob(size * self.y.numbers))

    def shape(self, x: Tensor, y: Tensor, masked: bool = False) -> PoolShape:
        (oh, ow, c), (h, w, _) = self.y.shape, self.x.shape
        mask = self.y.data.grid if masked else None
        return PoolShape(oh, ow, c, h, w, self.window, self.stride, x.grid, y.grid, mask)

    def forward(self, plan: Plan) -> None:
        x, y = self.x.data, self.y.data
        winners = [self.winners.at()] if self.winners else []
        plan.forward.append((Kernel(self.kind, self.shape(x, y)), [x.at(), y.at(), *winners]))

    def backward(self, plan: Plan) -> None:
        if not self.x.learns:
            return
        dx, dy = self.x.gradient, self.y.gradient
        masked = self.x.masked and self.kind == "max_pool"  # the winner is positive where the pooled value is
        kernel = Kernel(f"{self.kind}_gradient", self.shape(dx, dy, masked))
        between = [self.winners.at(), dx.at(), self.y.data.at()] if self.winners else [dx.at()]
        plan.backward.append((kernel, [dy.at(), *between]))
        written(plan, self.x, masked_already=masked)


@dataclass(frozen=True)
class NormNode:
    """Batch normalisation.

    observes : whether it uses the shard's own statistics, as it does if it learns, instead of the running ones
    """

    x: Value
    y: Value
    epsilon: float
    parameters: tuple[int, int]
    state: tuple[int, int]
    observes: bool
    inverse: Blob | None = None

    def declare(self, plan: Plan) -> NormNode:
        if not self.observes:
            return self
        plan.together = True
        if not self.x.learns:
            plan.tensors.append(self.x.gradient)  # the kernel writes it with the sums; nobody reads it
        return replace(self, inverse=plan.blob(0, 4 * self.x.shape[2]))

    def observed(self) -> list[Operand]:
        return [(frame.OBSERVED, 4 * offset) for offset in self.state]

    def forward(self, plan: Plan) -> None:
        x, y = self.x.data, self.y.data
        operands = [x.at(), y.at(), *(parameter(offset) for offset in self.parameters)]
        shape = map_shape(x, y, number=self.epsilon)
        if self.observes:
            assert self.inverse is not None  # declared
            plan.forward.append(map_step("batch_norm", shape, [*operands, *self.observed(), self.inverse.at()]))
        else:
            running = [(frame.STATE, 4 * offset) for offset in self.state]
            plan.forward.append((Kernel("batch_norm_inference", shape), operands + running))

    def backward(self, plan: Plan) -> None:
        assert self.inverse is not None  # declared
        x, dx, dy = self.x.data, self.x.gradient, self.y.gradient
        scale, shift = self.parameters
        shape = map_shape(dx, dy, saved=x.grid, number=self.epsilon)
        sums = [parameter(scale), self.observed()[0], self.inverse.at(), gradient(scale), gradient(shift)]
        plan.backward.append(map_step("batch_norm_gradient", shape, [dy.at(), dx.at(), x.at(), *sums]))
        if self.x.learns:
            written(plan, self.x)
