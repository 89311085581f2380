"""The plan of a network: which kernels run in which order, and where every array lies.

Values are the arrays between layers, each with its data and its gradient. A layer that reads its input through
a halo of zeros asks for it here, so that the layer before writes straight into the padded array. When all is asked
for, offsets are given out once for `group` images; nothing is allocated in a step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from convlet.kernels import tuned
from convlet.kernels.calling import frame
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.shapes import Grid

ALIGNMENT = 64  # bytes: a cache line

Operand = tuple[int, int]
"""(base in the frame, offset in bytes)"""


@dataclass
class Tensor:
    """An array of (H, W, C) floats an image inside a halo; `spread` pixels lie where strides left zeros."""

    shape: tuple[int, int, int]
    halo: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    spread: int = 1
    offset: int = -1

    def ask(self, above: int, left: int, below: int, right: int) -> None:
        """Make the halo at least this wide."""
        self.halo = [max(*pair) for pair in zip(self.halo, (above, left, below, right), strict=True)]

    @property
    def padded(self) -> tuple[int, int]:
        (above, left, below, right), (h, w, _) = self.halo, self.shape
        return above + (h - 1) * self.spread + 1 + below, left + (w - 1) * self.spread + 1 + right

    @property
    def floats(self) -> int:
        return self.padded[0] * self.padded[1] * self.shape[2]

    @property
    def grid(self) -> Grid:
        row = self.padded[1] * self.shape[2]
        return Grid(row=row * self.spread, image=self.floats, pixel=self.shape[2] * self.spread)

    def at(self, above: int = 0, left: int = 0) -> Operand:
        """The first pixel, or one that lies `above` and `left` of it in the halo."""
        down, across = self.halo[0] - above, self.halo[1] - left
        return frame.WORKSPACE, self.offset + 4 * (down * self.padded[1] + across) * self.shape[2]


@dataclass
class Value:
    """What one layer hands to the next.

    masked : a relu was fused into the layer before, so whoever writes the gradient zeroes it where data is not
        positive
    readers : layers that read it, each of which writes or adds to its gradient
    """

    shape: tuple[int, int, int]
    learns: bool = True
    masked: bool = False
    readers: int = 0
    written: int = 0
    data: Tensor = field(init=False)
    gradient: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.data, self.gradient = Tensor(self.shape), Tensor(self.shape)

    @property
    def numbers(self) -> int:
        return self.shape[0] * self.shape[1] * self.shape[2]


Step = tuple[Kernel, list[Operand]]


@dataclass(frozen=True)
class Part:
    """What a step is there for: a pass such as "forward", and the number of the network's layer that it belongs to.

    A step that several layers share belongs to the first of them; one that is no layer's has None.
    """

    name: str
    layer: int | None = None


class Declared(Protocol):
    """A node that knows where its arrays lie, and writes its steps."""

    @property
    def y(self) -> Value: ...
    def forward(self, plan: Plan) -> None: ...
    def backward(self, plan: Plan) -> None: ...


class Node(Protocol):
    """What a layer becomes. `declare` asks the plan for halos and room, before any offset is given out."""

    @property
    def y(self) -> Value: ...
    def declare(self, plan: Plan) -> Declared: ...


@dataclass
class Plan:
    """Values, bytes and steps, gathered layer by layer.

    bytes : workspace arrays that are no tensors, as (plan offset holder, bytes an image, bytes in all)
    shared : the blob, if any, that `scratch` gives out
    begun : each layer as it was lowered, by its path in the network, and how many nodes there were before it
    forward_parts, backward_parts : what each step of forward and backward is there for
    packs : steps that reorder parameters after each update
    together : a whole shard must pass as one group (batch normalisation)
    images_together : groups are multiples of this, or the shard (Winograd's filter gradient)
    """

    training: bool
    values: list[Value] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    blobs: list[Blob] = field(default_factory=list)
    shared: list[Blob] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    begun: list[tuple[tuple[int, ...], int]] = field(default_factory=list)
    forward: list[Step] = field(default_factory=list)
    backward: list[Step] = field(default_factory=list)
    forward_parts: list[Part] = field(default_factory=list)
    backward_parts: list[Part] = field(default_factory=list)
    packs: list[Step] = field(default_factory=list)
    packed_floats: int = 0
    widest_dense_bytes: int = 0
    together: bool = False
    images_together: int = 1
    group: int = 0
    workspace_bytes: int = 0

    def value(self, shape: tuple[int, int, int], **more: Any) -> Value:
        made = Value(shape, **more)
        self.values.append(made)
        return made

    def tensor(self, shape: tuple[int, int, int], spread: int = 1) -> Tensor:
        """An array that is no value, such as a gradient spread out by strides."""
        made = Tensor(shape, spread=spread)
        self.tensors.append(made)
        return made

    def blob(self, per_image: int, once: int = 0) -> Blob:
        """Room for bytes that are no tensor."""
        made = Blob(per_image, once)
        self.blobs.append(made)
        return made

    def scratch(self, size: int) -> Blob:
        """Room for at least `size` bytes that one step uses alone: all such steps share it, and it stays cached."""
        if not self.shared:
            self.shared.append(self.blob(0))
        self.shared[0].once = max(self.shared[0].once, size)
        return self.shared[0]

    def pack(self, floats: int) -> int:
        """The offset in bytes of room for packed parameters."""
        offset = 4 * self.packed_floats
        self.packed_floats += floats
        return offset

    def begin(self, path: tuple[int, ...]) -> None:
        """Nodes from here on are of the layer at this place in the network."""
        self.begun.append((path, len(self.nodes)))

    def declare(self) -> None:
        """Let every node ask for halos and room, before any offset is given out."""
        self.declared = [node.declare(self) for node in self.nodes]

    def lay_out(self, shard: int) -> None:
        """Choose how many images go together and give every array its offset."""
        tensors = [value.data for value in self.values] + self.tensors
        if self.training:
            tensors += [value.gradient for value in self.values if value.learns]
        per_image = 4 * sum(tensor.floats for tensor in tensors) + sum(blob.per_image for blob in self.blobs)
        together = self.together and self.training
        self.group = tuned.group_images(shard, per_image, self.widest_dense_bytes, together, self.images_together)
        end = 0
        for tensor in tensors:
            tensor.offset = end
            end += _aligned(4 * tensor.floats * self.group)
        for blob in self.blobs:
            blob.offset = end
            end += _aligned(blob.per_image * self.group + blob.once)
        self.workspace_bytes = end + ALIGNMENT

    def emit(self) -> None:
        """Write the steps, forward in order, backward in reverse, and note whose each is."""
        numbered = list(enumerate(self.declared))
        for number, node in numbered:
            node.forward(self)
            part = Part("forward", self.layer_of(number))
            self.forward_parts += [part] * (len(self.forward) - len(self.forward_parts))
        if self.training:
            for number, node in reversed(numbered):
                if node.y.learns:
                    node.backward(self)
                part = Part("backward", self.layer_of(number))
                self.backward_parts += [part] * (len(self.backward) - len(self.backward_parts))

    def layer_of(self, number: int) -> int | None:
        """The network's layer that a node belongs to: the last one begun before it."""
        return next((path[0] for path, before in reversed(self.begun) if before <= number), None)

    def kernels(self) -> list[Kernel]:
        return [kernel for kernel, _ in self.forward + self.backward + self.packs]


@dataclass
class Blob:
    """Bytes in the workspace."""

    per_image: int
    once: int
    offset: int = -1

    def at(self, skip: int = 0) -> Operand:
        return frame.WORKSPACE, self.offset + skip


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
