"""Every kernel, one row each. A row here is what tests, benchmarks and the compiler go by."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A kernel's builder: `module.builder(shape, target)` returns the Python function to compile.

    by_numba : compiled by Numba, since it uses what `translate` does not know; this takes several times as long
    """

    name: str
    module: str
    by_numba: bool = False

    def build(self, shape: Any, target: Any) -> Callable[..., None]:
        builder = getattr(importlib.import_module(f"convlet.kernels.{self.module}"), self.name)
        kernel: Callable[..., None] = builder(shape, target)
        return kernel


ROWS = (
    Row("walk", "walk"),
    Row("walk_numbers", "walk"),
    Row("serve", "meet"),
    Row("lead", "meet"),
    Row("dismiss", "meet"),
    Row("gather_bytes", "gather"),
    Row("gather_floats", "gather"),
    Row("augment_bytes", "augment", by_numba=True),
    Row("augment_floats", "augment", by_numba=True),
    Row("conv", "conv"),
    Row("conv_filter_gradient", "conv"),
    Row("pooled_filter_gradient", "pooled"),
    Row("winograd", "winograd"),
    Row("winograd_filters", "winograd"),
    Row("winograd_filter_gradient", "winograd_gradient"),
    Row("dense", "dense"),
    Row("dense_filter_gradient", "dense"),
    Row("pack", "pack"),
    Row("fold", "fold"),
    Row("max_pool", "pool"),
    Row("max_pool_gradient", "pool"),
    Row("average_pool", "pool"),
    Row("average_pool_gradient", "pool"),
    Row("activate", "activation"),
    Row("activate_gradient", "activation"),
    Row("copy", "activation"),
    Row("add", "activation"),
    Row("dropout", "dropout"),
    Row("dropout_gradient", "dropout"),
    Row("batch_norm", "normalise"),
    Row("batch_norm_inference", "normalise"),
    Row("batch_norm_gradient", "normalise"),
    Row("softmax_cross_entropy", "loss"),
    Row("store_logits", "loss"),
    Row("add_rows", "update"),
    Row("sgd", "update"),
    Row("adagrad", "update"),
    Row("rmsprop", "update"),
    Row("adam", "update"),
    Row("peak", "peak"),
    Row("clocked", "clocked"),
    Row("read_clock", "clocked"),
)

BY_NAME = {row.name: row for row in ROWS}


def load_builders() -> None:
    """Load the file of every kernel: what is compiled later is then the source of now, whatever is edited meanwhile."""
    for module in {row.module for row in ROWS}:
        importlib.import_module(f"convlet.kernels.{module}")
    from convlet.kernels.translate import source

    for module in [name for name in sys.modules if name.startswith(f"{__package__}.")]:
        source(module)
