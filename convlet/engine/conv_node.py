"""What a convolution becomes in a plan, with the activation and pooling behind it.

`ConvNode` describes the convolution. `declare` decides once by which kernel each pass runs and where its arrays lie;
`Convolution` holds these decisions and writes the steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from convlet.engine.nodes import (
    NOTHING,
    Fold,
    accumulation,
    gradient,
    map_shape,
    map_step,
    pack_step,
    parameter,
    written,
)
from convlet.engine.plan import Blob, Operand, Plan, Step, Tensor, Value
from convlet.kernels import tuned
from convlet.kernels.calling import frame
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.shapes import (
    WINOGRAD_PLACES,
    ConvShape,
    PackShape,
    PoolShape,
    suits_winograd,
    winograd_images,
)


@dataclass(frozen=True)
class Way:
    """How one convolution is computed: by the kernel `conv` or by `winograd`.

    filters : where the filters lie, as that kernel reads them
    scratch : the workspace of `winograd`; None for `conv`
    """

    filters: Operand
    scratch: Blob | None = None

    @classmethod
    def choose(cls, plan: Plan, shape: ConvShape, filters: Operand) -> Way:
        """The way that suits a shape; Winograd's gets its filters transformed after each update."""
        if not suits_winograd(shape):
            return cls(filters)
        transformed = frame.PACKED, plan.pack(WINOGRAD_PLACES * shape.channels * shape.filters)
        kernel = Kernel("winograd_filters", PackShape(shape.size, shape.channels, shape.filters))
        plan.packs.append((kernel, [filters, transformed]))
        return cls(transformed, plan.scratch(tuned.winograd_scratch_bytes(shape)))

    def step(self, shape: ConvShape, x: Operand, biases: Operand, y: Operand, mask: Operand) -> Step:
        """The step of y = x * filters + biases; `mask` as in `ConvShape`."""
        operands = [x, self.filters, biases, y, mask]
        if self.scratch is None:
            return Kernel("conv", shape), operands
        return Kernel("winograd", shape), [*operands, self.scratch.at()]


@dataclass(frozen=True)
class ConvNode:
    """Convolution with bias; a relu and 2x2 max pooling are fused where they follow.

    weights, biases : offsets of the parameters
    outputs : shape of the convolution before pooling; y is the pooled array if there is pooling
    """

    x: Value
    y: Value
    weights: int
    biases: int
    relu: bool
    norm: Fold | None
    outputs: tuple[int, int, int]
    size: int
    stride: int
    pads: tuple[tuple[int, int], tuple[int, int]]

    def declare(self, plan: Plan) -> Convolution:
        """Ask for halos and room, and decide how each pass is run."""
        (above, below), (left, right) = self.pads
        down, across = partial(self.forward_shape())
        self.x.data.ask(above, left, below + down, right + across)
        winners = plan.blob(self.y.numbers) if self.pooled else None
        weights, biases = parameter(self.weights), parameter(self.biases)
        if self.norm:
            taps = self.size * self.size * self.x.shape[2]
            weights, biases = self.norm.declare(plan, (weights, biases), taps, self.outputs[2])
        made = Convolution(self, biases, Way.choose(plan, self.forward_shape(), weights), winners)
        if not plan.training or not self.y.learns:
            return made
        if self.x.learns and (winners or self.stride > 1):
            made = replace(made, expanded=plan.tensor(self.outputs, self.stride))
        made = replace(made, by_winograd=self.declare_filter_gradient(plan, made))
        return replace(made, input_gradient=self.declare_input_gradient(plan, made.dy)) if self.x.learns else made

    def declare_filter_gradient(self, plan: Plan, made: Convolution) -> Blob | None:
        """The workspace of `winograd_filter_gradient`; None if another kernel computes the filter gradient."""
        shape = self.shape(made.dy)
        if made.pooled_gradient or not suits_winograd(shape):
            return None
        (above, below), (left, right) = self.pads
        down, across = partial(shape)
        self.x.data.ask(above, left, below + down, right + across)
        made.dy.ask(0, 0, down, across)
        plan.images_together = max(plan.images_together, winograd_images(shape))
        return plan.scratch(tuned.winograd_gradient_bytes(shape))

    def declare_input_gradient(self, plan: Plan, dy: Tensor) -> Way:
        """How dx is computed: dy, in a halo of zeros, times the flipped and transposed filters."""
        (above, _), (left, _) = self.pads
        reach, (h, w, c), (oh, ow, f) = self.size - 1, self.x.shape, self.outputs
        last_row, last_column = (oh - 1) * self.stride - above, (ow - 1) * self.stride - left
        shape = self.gradient_shape(dy)
        down, across = partial(shape)
        dy.ask(reach - above, reach - left, h - 1 - last_row + down, w - 1 - last_column + across)
        packed = plan.pack(self.size * self.size * c * f)
        plan.packs.append(pack_step(self.size, c, f, self.weights, packed))
        return Way.choose(plan, shape, (frame.PACKED, packed))

    @property
    def pooled(self) -> bool:
        return self.y.shape != self.outputs

    @property
    def window(self) -> Operand:
        """The first pixel of x that the first output reads."""
        return self.x.data.at(self.pads[0][0], self.pads[1][0])

    def shape(self, y: Tensor) -> ConvShape:
        """The convolution from x to y, or to its gradient."""
        (oh, ow, f), c = self.outputs, self.x.shape[2]
        return ConvShape(oh, ow, c, f, self.size, self.stride, self.x.data.grid, y.grid)

    def pooled_shape(self, y: Tensor) -> ConvShape:
        """The same for pooled y. Of an odd number of rows or columns, the last is in no 2x2 window."""
        return replace(self.shape(y), height=2 * self.y.shape[0], width=2 * self.y.shape[1], pooled=True)

    def forward_shape(self) -> ConvShape:
        shape = self.pooled_shape(self.y.data) if self.pooled else self.shape(self.y.data)
        return replace(shape, finish="relu" if self.relu else "plain")

    def gradient_shape(self, dy: Tensor) -> ConvShape:
        """The convolution that takes dy, which may be spread out by strides, to dx."""
        (h, w, c), f = self.x.shape, self.outputs[2]
        grid = type(dy.grid)(row=dy.padded[1] * f, image=dy.floats, pixel=f)
        return ConvShape(h, w, f, c, self.size, 1, grid, self.x.gradient.grid, mask=self.x.data.grid)


def partial(shape: ConvShape) -> tuple[int, int]:
    """Rows and columns of x beyond those of the convolution that Winograd's tiles read at the edge of y."""
    return (shape.height % 2, shape.width % 2) if suits_winograd(shape) else (0, 0)


@dataclass(frozen=True)
class Convolution:
    """A declared convolution: what was decided for each pass, and its steps.

    biases : where forward reads them
    winners : the winner of each 2x2 window; None without pooling
    expanded : dy before pooling, or spread out by strides; None if y's own gradient will do
    by_winograd : the workspace of `winograd_filter_gradient`; None if it is not used
    input_gradient : how dx is computed; None if nothing before x learns
    """

    node: ConvNode
    biases: Operand
    way: Way
    winners: Blob | None = None
    expanded: Tensor | None = None
    by_winograd: Blob | None = None
    input_gradient: Way | None = None

    @property
    def y(self) -> Value:
        return self.node.y

    @property
    def dy(self) -> Tensor:
        """The gradient that the backward passes read."""
        return self.expanded or self.node.y.gradient

    @property
    def pooled_gradient(self) -> bool:
        """Whether the filter gradient is taken from the pooled gradient and its winners, in a kernel of its own."""
        return self.winners is not None and self.expanded is None

    def forward(self, plan: Plan) -> None:
        """Write the step of y."""
        node, winners = self.node, self.winners.at() if self.winners else NOTHING
        plan.forward.append(self.way.step(node.forward_shape(), node.window, self.biases, node.y.data.at(), winners))

    def backward(self, plan: Plan) -> None:
        """Write the steps of dw and db, and of dx."""
        node, dy = self.node, self.dy
        if self.expanded:
            self.expand(plan, node.y.gradient, self.expanded)
        gradients = [gradient(node.weights), gradient(node.biases)]
        if self.pooled_gradient:
            assert self.winners is not None
            operands = [node.window, dy.at(), self.winners.at(), *gradients]
            plan.backward.append((Kernel("pooled_filter_gradient", node.pooled_shape(dy)), operands))
        elif self.by_winograd:
            operands = [node.window, dy.at(), *gradients, self.by_winograd.at()]
            plan.backward.append((Kernel("winograd_filter_gradient", node.shape(dy)), operands))
        else:
            plan.backward.append((Kernel("conv_filter_gradient", node.shape(dy)), [node.window, dy.at(), *gradients]))
        if self.input_gradient:
            self.into_x(plan, dy, self.input_gradient)

    def expand(self, plan: Plan, dy: Tensor, into: Tensor) -> None:
        """Write the gradient of the pooled values at their winners, or of each pixel where strides put it."""
        if self.winners:
            (oh, ow, c), (ph, pw, _) = self.node.outputs, self.node.y.shape
            shape = PoolShape(ph, pw, c, oh, ow, (2, 2), 2, into.grid, dy.grid)
            plan.backward.append((Kernel("max_pool_gradient", shape), [dy.at(), self.winners.at(), into.at(), NOTHING]))
        else:
            plan.backward.append(map_step("copy", map_shape(dy, into), [dy.at(), into.at()]))

    def into_x(self, plan: Plan, dy: Tensor, way: Way) -> None:
        """Write or add to the gradient of x."""
        node, x = self.node, self.node.x
        start, finish = accumulation(x)
        shape = replace(node.gradient_shape(dy), start=start, finish=finish)
        reach = node.size - 1
        window = dy.at(reach - node.pads[0][0], reach - node.pads[1][0])
        plan.backward.append(way.step(shape, window, NOTHING, x.gradient.at(), x.data.at()))
        written(plan, x, masked_already=finish == "mask")
