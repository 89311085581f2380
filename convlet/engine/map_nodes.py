"""Layers that work number by number, in a plan: activations, dropout, copies and sums."""

from __future__ import annotations

from dataclasses import dataclass, replace

from convlet.engine.nodes import map_shape, map_step, written
from convlet.engine.plan import Blob, Plan, Tensor, Value
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.shapes import FROM_INPUT, MapShape, kept_bytes


@dataclass(frozen=True)
class ActivationNode:
    """One activation function, number by number."""

    x: Value
    y: Value
    function: str
    number: float = 0.0

    def declare(self, plan: Plan) -> ActivationNode:
        return self

    def forward(self, plan: Plan) -> None:
        x, y = self.x.data, self.y.data
        shape = map_shape(x, y, function=self.function, number=self.number)
        plan.forward.append(map_step("activate", shape, [x.at(), y.at()]))

    def backward(self, plan: Plan) -> None:
        if not self.x.learns:
            return
        dx, dy = self.x.gradient, self.y.gradient
        saved = self.x.data if self.function in FROM_INPUT else self.y.data
        shape = map_shape(dx, dy, saved=saved.grid, function=self.function, number=self.number)
        plan.backward.append(map_step("activate_gradient", shape, [dy.at(), dx.at(), saved.at()]))
        written(plan, self.x)


@dataclass(frozen=True)
class DropoutNode:
    """Dropout; only in training plans."""

    x: Value
    y: Value
    rate: float
    stream: int
    keep: Blob | None = None

    def declare(self, plan: Plan) -> DropoutNode:
        return replace(self, keep=plan.blob(kept_bytes(self.x.numbers)))

    def forward(self, plan: Plan) -> None:
        assert self.keep is not None  # declared
        x, y = self.x.data, self.y.data
        kernel = Kernel("dropout", map_shape(x, y, number=self.rate, stream=self.stream))
        plan.forward.append((kernel, [x.at(), y.at(), self.keep.at()]))

    def backward(self, plan: Plan) -> None:
        if not self.x.learns:
            return
        assert self.keep is not None  # declared
        dx, dy = self.x.gradient, self.y.gradient
        kernel = Kernel("dropout_gradient", map_shape(dx, dy, number=self.rate))
        plan.backward.append((kernel, [dy.at(), dx.at(), self.keep.at()]))
        written(plan, self.x)


@dataclass(frozen=True)
class CopyNode:
    """The same numbers in another shape: flatten, where what follows cannot read the old one."""

    x: Value
    y: Value

    def declare(self, plan: Plan) -> CopyNode:
        return self

    def tensors(self, x: Tensor, y: Tensor) -> tuple[MapShape, MapShape]:
        """To y and back: y's numbers read as x's rows."""
        (h, w, c), grid = self.x.shape, x.grid
        flat = type(grid)(row=w * c, image=y.floats, pixel=c)
        return MapShape(h, w, c, grid, flat), MapShape(h, w, c, flat, grid)

    def forward(self, plan: Plan) -> None:
        shape, _ = self.tensors(self.x.data, self.y.data)
        plan.forward.append(map_step("copy", shape, [self.x.data.at(), self.y.data.at()]))

    def backward(self, plan: Plan) -> None:
        if not self.x.learns:
            return
        _, shape = self.tensors(self.x.gradient, self.y.gradient)
        plan.backward.append(map_step("copy", shape, [self.y.gradient.at(), self.x.gradient.at()]))
        written(plan, self.x)


@dataclass(frozen=True)
class AddNode:
    """y = main + shortcut; both get y's gradient."""

    main: Value
    shortcut: Value
    y: Value

    def declare(self, plan: Plan) -> AddNode:
        return self

    def forward(self, plan: Plan) -> None:
        main, shortcut, y = self.main.data, self.shortcut.data, self.y.data
        plan.forward.append(map_step("copy", map_shape(main, y), [main.at(), y.at()]))
        plan.forward.append(map_step("add", map_shape(shortcut, y), [shortcut.at(), y.at()]))

    def backward(self, plan: Plan) -> None:
        dy = self.y.gradient
        for value in (self.main, self.shortcut):
            if value.learns:
                shape = map_shape(dy, value.gradient)
                plan.backward.append(map_step("copy", shape, [dy.at(), value.gradient.at()]))
                written(plan, value)
