"""Every kernel, one row each. A row here is what tests, benchmarks and the compiler go by."""

from __future__ import annotations

import importlib
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
    Row("walk", "threads.walk"),
    Row("walk_numbers", "threads.walk"),
    Row("serve", "threads.meet"),
    Row("lead", "threads.meet"),
    Row("dismiss", "threads.meet"),
    Row("gather_bytes", "maps.gather"),
    Row("gather_floats", "maps.gather"),
    Row("augment_bytes", "maps.augment", by_numba=True),
    Row("augment_floats", "maps.augment", by_numba=True),
    Row("conv", "products.conv"),
    Row("conv_filter_gradient", "products.conv"),
    Row("pooled_filter_gradient", "products.pooled"),
    Row("winograd", "products.winograd"),
    Row("winograd_filters", "products.winograd"),
    Row("winograd_filter_gradient", "products.winograd_gradient"),
    Row("dense", "products.dense"),
    Row("dense_filter_gradient", "products.dense"),
    Row("pack", "products.pack"),
    Row("fold", "products.fold"),
    Row("max_pool", "maps.pool"),
    Row("max_pool_gradient", "maps.pool"),
    Row("average_pool", "maps.pool"),
    Row("average_pool_gradient", "maps.pool"),
    Row("activate", "maps.activation"),
    Row("activate_gradient", "maps.activation"),
    Row("copy", "maps.activation"),
    Row("add", "maps.activation"),
    Row("dropout", "maps.dropout"),
    Row("dropout_gradient", "maps.dropout"),
    Row("batch_norm", "maps.normalise"),
    Row("batch_norm_inference", "maps.normalise"),
    Row("batch_norm_gradient", "maps.normalise"),
    Row("softmax_cross_entropy", "maps.loss"),
    Row("store_logits", "maps.loss"),
    Row("add_rows", "maps.update"),
    Row("sgd", "maps.update"),
    Row("adagrad", "maps.update"),
    Row("rmsprop", "maps.update"),
    Row("adam", "maps.update"),
    Row("peak", "threads.peak"),
    Row("clocked", "threads.clocked"),
    Row("read_clock", "threads.clocked"),
)

BY_NAME = {row.name: row for row in ROWS}
