"""What a convolution becomes in a plan, with the activation and pooling behind it, direct or by Winograd's way."""

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
from convlet.kernels.compiler.compile import Kernel
from convlet.kernels.shapes import (
    WINOGRAD_PLACES,
    ConvShape,
    PackShape,
    PoolShape,
    suits_winograd,
    winograd_images,
)


@dataclass
class ConvNode:
    """Convolution with bias; a relu and 2x2 max pooling are fused where they follow.

    outputs : shape of the convolution before pooling; y is the pooled array where there is pooling
    transformed, packed_transformed : where the filters of forward and of the gradient of x lie as `winograd` reads them
    expanded : dy as the gradient of the input reads it where y's own will not do: pooled, or spread out by strides
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
    packed: int = -1
    expanded: Tensor | None = None
    winners: Blob | None = None
    read: tuple[Operand, Operand] = (NOTHING, NOTHING)
    transformed: int = -1
    packed_transformed: int = -1

    def declare(self, plan: Plan) -> None:
        (above, below), (left, right) = self.pads
        down, across = self.partial(self.forward_shape())
        self.x.data.ask(above, left, below + down, right + across)
        if self.y.shape != self.outputs:
            self.winners = plan.blob(self.y.numbers)
        self.read = parameter(self.weights), parameter(self.biases)
        if self.norm:
            taps = self.size * self.size * self.x.shape[2]
            self.read = self.norm.declare(plan, self.read, taps, self.outputs[2])
        self.transformed = self.transform(plan, self.forward_shape(), self.read[0])
        if not plan.training or not self.y.learns:
            return
        if self.x.learns and (self.winners or self.stride > 1):
            self.expanded = plan.tensor(self.outputs, self.stride)
        self.declare_filter_gradient(plan)
        if not self.x.learns:
            return
        source = self.expanded or self.y.gradient
        reach, (h, w, c), (oh, ow, f) = self.size - 1, self.x.shape, self.outputs
        last_row, last_column = (oh - 1) * self.stride - above, (ow - 1) * self.stride - left
        gradient_shape = self.gradient_shape(source)
        down, across = self.partial(gradient_shape)
        source.ask(reach - above, reach - left, h - 1 - last_row + down, w - 1 - last_column + across)
        self.packed = plan.pack(self.size * self.size * c * f)
        flipped = frame.PACKED, self.packed
        plan.packs.append(pack_step(self.size, c, f, self.weights, self.packed))
        self.packed_transformed = self.transform(plan, gradient_shape, flipped)

    def declare_filter_gradient(self, plan: Plan) -> None:
        """Ask for what `winograd_filter_gradient` needs, where it is used."""
        dy = self.expanded or self.y.gradient
        shape = self.shape(dy)
        if not suits_winograd(shape) or (self.winners and not self.expanded):  # the pooled gradient has its own kernel
            return
        (above, below), (left, right) = self.pads
        down, across = self.partial(shape)
        self.x.data.ask(above, left, below + down, right + across)
        dy.ask(0, 0, down, across)
        plan.images_together = max(plan.images_together, winograd_images(shape))
        plan.scratch(tuned.winograd_gradient_bytes(shape))

    @staticmethod
    def partial(shape: ConvShape) -> tuple[int, int]:
        """Rows and columns of x behind those of the convolution that tiles cut off by the edge of y read."""
        return (shape.height % 2, shape.width % 2) if suits_winograd(shape) else (0, 0)

    @staticmethod
    def transform(plan: Plan, shape: ConvShape, weights: Operand) -> int:
        """Where the filters will lie as `winograd` reads them, written after each update; -1 where it is not used."""
        if not suits_winograd(shape):
            return -1
        offset = plan.pack(WINOGRAD_PLACES * shape.channels * shape.filters)
        kernel = Kernel("winograd_filters", PackShape(shape.size, shape.channels, shape.filters))
        plan.packs.append((kernel, [weights, (frame.PACKED, offset)]))
        plan.scratch(tuned.winograd_scratch_bytes(shape))
        return offset

    @staticmethod
    def convolution(plan: Plan, shape: ConvShape, operands: list[Operand], transformed: int) -> Step:
        """The step of a convolution (x, w, b, y, mask), direct or by Winograd's way."""
        if transformed < 0:
            return Kernel("conv", shape), operands
        x, _, *rest = operands
        scratch = plan.scratch(tuned.winograd_scratch_bytes(shape)).at()
        return Kernel("winograd", shape), [x, (frame.PACKED, transformed), *rest, scratch]

    def shape(self, y: Tensor, **more: object) -> ConvShape:
        (oh, ow, f), c = self.outputs, self.x.shape[2]
        shape = ConvShape(oh, ow, c, f, self.size, self.stride, self.x.data.grid, y.grid)
        if more.get("pooled"):  # of an odd number of rows or columns the last is in no 2x2
            shape = replace(shape, height=2 * self.y.shape[0], width=2 * self.y.shape[1])
        return replace(shape, **more)  # type: ignore[arg-type]

    @property
    def window(self) -> Operand:
        return self.x.data.at(self.pads[0][0], self.pads[1][0])

    def forward_shape(self) -> ConvShape:
        finish, pooled = "relu" if self.relu else "plain", self.y.shape != self.outputs
        return self.shape(self.y.data, finish=finish, pooled=pooled)

    def forward(self, plan: Plan) -> None:
        winners = self.winners.at() if self.winners else NOTHING
        operands = [self.window, *self.read, self.y.data.at(), winners]
        plan.forward.append(self.convolution(plan, self.forward_shape(), operands, self.transformed))

    def backward(self, plan: Plan) -> None:
        dy = self.y.gradient
        if self.winners and not self.expanded:
            shape = self.shape(dy, pooled=True)
            operands = [self.window, dy.at(), self.winners.at(), gradient(self.weights), gradient(self.biases)]
            plan.backward.append((Kernel("pooled_filter_gradient", shape), operands))
            return
        if self.expanded:
            self.expand(plan, dy, self.expanded)
            dy = self.expanded
        shape, operands = self.shape(dy), [self.window, dy.at(), gradient(self.weights), gradient(self.biases)]
        if suits_winograd(shape):
            scratch = plan.scratch(tuned.winograd_gradient_bytes(shape)).at()
            plan.backward.append((Kernel("winograd_filter_gradient", shape), [*operands, scratch]))
        else:
            plan.backward.append((Kernel("conv_filter_gradient", shape), operands))
        if self.x.learns:
            self.input_gradient(plan, dy)

    def expand(self, plan: Plan, dy: Tensor, into: Tensor) -> None:
        """The gradient of the pooled values at their winners, or each pixel's where strides put it."""
        if self.winners:
            (oh, ow, c), (ph, pw, _) = self.outputs, self.y.shape
            shape = PoolShape(ph, pw, c, oh, ow, (2, 2), 2, into.grid, dy.grid)
            plan.backward.append((Kernel("max_pool_gradient", shape), [dy.at(), self.winners.at(), into.at(), NOTHING]))
        else:
            plan.backward.append(map_step("copy", map_shape(dy, into), [dy.at(), into.at()]))

    def gradient_shape(self, dy: Tensor) -> ConvShape:
        """The convolution that takes dy, which may be spread out by strides, to dx."""
        (h, w, c), f = self.x.shape, self.outputs[2]
        grid = type(dy.grid)(row=dy.padded[1] * f, image=dy.floats, pixel=f)
        return ConvShape(h, w, f, c, self.size, 1, grid, self.x.gradient.grid, mask=self.x.data.grid)

    def input_gradient(self, plan: Plan, dy: Tensor) -> None:
        """The convolution of dy, in its halo, with the flipped and transposed filters."""
        start, finish = accumulation(self.x)
        shape = replace(self.gradient_shape(dy), start=start, finish=finish)
        reach = self.size - 1
        window = dy.at(reach - self.pads[0][0], reach - self.pads[1][0])
        operands = [window, (frame.PACKED, self.packed), NOTHING, self.x.gradient.at(), self.x.data.at()]
        plan.backward.append(self.convolution(plan, shape, operands, self.packed_transformed))
        written(plan, self.x, masked_already=finish == "mask")
