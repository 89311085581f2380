"""What the compiled kernels and the definitions make of a case, and what differs."""

from __future__ import annotations

import numpy as np

from convlet import random as convlet_random
from convlet.engine.aligned import aligned_zeros
from convlet.engine.lowering import Lowering
from convlet.engine.plan import Plan
from convlet.kernels.calling import frame
from convlet.kernels.compiler.machine_code import caller
from convlet.layers import BatchNorm, MaxPool, Pass, ReLU, Residual
from convlet.network.layout import Layout, dropout_streams
from tests.torture.kernel_cases import exact, numbers

SEED, EPOCH = 5, 3
ROUNDING = 2e-5
"""Of the largest number of an array, where a layer rounds."""

HIDE = (MaxPool, ReLU, Residual)
"""With NaN before them, what gets the gradient is not defined; every one gives NaN, so no training goes on with it."""


def definition(case, x, parameters, state, dy):
    """y, and in training dx and the gradient of each parameter, by the layers' own NumPy in float64."""
    network, layout = case.network, Layout(case.network, case.shape)
    streams = dropout_streams(network, case.shape)

    def uniform(path, shape):
        return convlet_random.uniform_images(
            np.arange(len(x)), shape[1:], seed=SEED, purpose=convlet_random.DROPOUT, stream=streams[path], epoch=EPOCH
        )

    views = layout.views(parameters.astype(np.float64))
    running = layout.state_views(state.astype(np.float64))
    with np.errstate(all="ignore"):
        y, saved = network.forward(x.astype(np.float64), views, running, Pass(training=case.training, uniform=uniform))
        if not case.training:
            return {"y": y}
        dx, gradients = network.backward(dy.astype(np.float64), saved, views)
    return {"y": y, "dx": dx, **gradients}


class Lowered:
    """The plan of a case's layers alone, without images, loss or head."""

    def __init__(self, case):
        self.case, self.layout = case, Layout(case.network, case.shape)
        self.plan = Plan(case.training)
        lowering = Lowering(case.network, case.shape, self.layout, self.plan, frozen=0)
        self.x = self.plan.value(case.shape)
        self.y = lowering.sequence(case.network, self.x, "", ())
        self.plan.declare()
        self.plan.lay_out(case.images)
        self.plan.emit()

    def run(self, x, parameters, state, dy):
        """The same arrays as `definition`, by the compiled kernels."""
        plan, case = self.plan, self.case
        self.workspace = aligned_zeros(plan.workspace_bytes)
        packed, gradient = aligned_zeros(plan.packed_floats, np.float32), np.zeros(len(parameters), np.float32)
        observed = np.zeros(max(1, self.layout.state_count), np.float32)
        fields = {
            frame.WORKSPACE: self.workspace.ctypes.data,
            frame.PARAMETERS: parameters.ctypes.data,
            frame.PACKED: packed.ctypes.data,
            frame.GRADIENT: gradient.ctypes.data,
            frame.OBSERVED: observed.ctypes.data,
            frame.STATE: state.ctypes.data,
            frame.SEED: SEED,
            frame.EPOCH: EPOCH,
        }
        y, dx = np.zeros((len(x), *self.y.shape), np.float32), np.zeros_like(x)
        dy = dy.reshape(y.shape)
        self._steps(plan.packs, fields)
        for first in range(0, len(x), plan.group):
            here = slice(first, min(first + plan.group, len(x)))
            fields |= {frame.COUNT: here.stop - first, frame.POSITION: first}
            self._of(self.x.data)[: here.stop - first] = x[here]
            self._steps(plan.forward, fields)
            y[here] = self._of(self.y.data)[: here.stop - first]
            if not case.training:
                continue
            given = np.where(y[here] > 0, dy[here], 0) if self.y.masked else dy[here]
            self._of(self.y.gradient)[: here.stop - first] = given
            self._steps(plan.backward, fields)
            dx[here] = self._of(self.x.gradient)[: here.stop - first]
        shape = case.network.output_shape(case.shape)
        results = {"y": y.reshape(len(x), *shape)}
        return results | {"dx": dx, **self.layout.views(gradient)} if case.training else results

    def _of(self, tensor):
        """The pixels of a tensor, without its halo, as a view (group, H, W, C)."""
        (down, across), (above, left, _, _), (h, w, c) = tensor.padded, tensor.halo, tensor.shape
        floats = self.workspace.view(np.float32)[tensor.offset // 4 :][: self.plan.group * tensor.floats]
        whole, step = floats.reshape(self.plan.group, down, across, c), tensor.spread
        return whole[:, above : above + (h - 1) * step + 1 : step, left : left + (w - 1) * step + 1 : step]

    @staticmethod
    def _steps(steps, fields):
        own = np.zeros(frame.FIELDS, np.int64)
        for field, value in fields.items():
            own[field] = value
        own[frame.SELF] = own.ctypes.data
        for kernel, operands in steps:
            table = np.array(operands, np.int64).reshape(-1)
            caller(kernel)(table.ctypes.data, own.ctypes.data)


def difference(case, came, wanted):
    """What differs beyond rounding between the arrays of the kernels and of the definition; None where nothing does."""
    names = ["y"] if case.place == "x" and any(isinstance(layer, HIDE) for layer in case.layers) else list(wanted)
    for name in names:
        a, b = came[name].astype(np.float64), wanted[name]
        finite = np.isfinite(b)
        if (np.isfinite(a) != finite).any():
            return f"{name} has {np.sum(~np.isfinite(a))} numbers that are not finite, the definition {np.sum(~finite)}"
        a, b = a[finite], b[finite]
        if not b.size or np.array_equal(a, b):
            continue
        worst, scale = np.abs(a - b).max(), np.abs(b).max()
        if any(isinstance(layer, BatchNorm) for layer in case.layers):
            scale += 300 * len(a) ** 0.5  # 1 / sqrt(epsilon) times dy, of which almost all is cancelled
        if any(isinstance(layer, Residual) for layer in case.layers):  # a relu may fall the other way within rounding
            worst, scale = np.linalg.norm(a - b), 1e3 * np.linalg.norm(b) + 3e4 * len(a)
        if exact(case) or worst > ROUNDING * (scale + np.finfo(np.float32).tiny / ROUNDING):
            return f"{name} differs by {worst:.2g} of {scale:.2g}"
    return None


def failure(case):
    """What is wrong with a case, in words; None where nothing is.

    Denormals are not flushed here, as the threads of an engine would; tests/engine/test_denormals.py has that.
    """
    given = numbers(case)
    wrong = difference(case, Lowered(case).run(*given), definition(case, *given))
    return f"{case}: {wrong}" if wrong else None
