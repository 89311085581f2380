"""How long the first use of a network takes, while its kernels are compiled: refused if that would be too long.

A network of hundreds of different layers, which a stranger's model file may hold, would be compiled for minutes.
"""

from __future__ import annotations

from collections.abc import Iterable

from convlet.errors import ArchitectureError
from convlet.kernels.compiler.kernel import Kernel
from convlet.kernels.shapes import FEW_FILTERS
from convlet.kernels.tuned import MOST_SWEPT
from convlet.layers.checks import shorten
from convlet.layers.sequential import Sequential
from convlet.network.word import format_word, without_head

MOST_SECONDS = 10
"""What the first use of a network may take on two idle cores."""

CORES = 2

START_CPU_SECONDS = 2.5
"""CPU seconds before and beside the kernels of the layers: two helpers load Numba, the plan is made, and kernels that
every network needs (gather, loss, update, walks) are compiled."""

CPU_SECONDS = {
    "conv": 0.21,
    "conv_filter_gradient": 0.18,
    "pooled_filter_gradient": 0.57,
    "winograd": 0.15,
    "winograd_filter_gradient": 0.21,
    "winograd_filters": 0.05,
    "dense": 0.09,
    "dense_filter_gradient": 0.14,
}
"""CPU seconds to compile a kernel with whole vectors of filters, on two cores of an Intel Xeon (Sapphire Rapids class,
AVX-512), 28 November 2026. Other programs ran, so the figures measured are divided by 1.4: the same kernels took that
much less before the others began."""

FEW_CPU_SECONDS = {"conv": 0.07, "conv_filter_gradient": 0.07, "pooled_filter_gradient": 0.86}
"""More where up to eight filters are left beside whole vectors of sixteen, which have code of their own."""

TAP_CPU_SECONDS = 0.014
"""More for each tap of a convolution of few filters, whose taps are written out; see `tuned.MOST_SWEPT`."""

OTHER_CPU_SECONDS = 0.06
"""CPU seconds of a kernel that is not in the table: pools, activations, sums, packing, dropout, normalisation."""


def estimated_seconds(kernels: Iterable[Kernel]) -> float:
    """How long two idle cores take to compile these kernels of layers, and what every network needs.

    Parameters
    ----------
    kernels : each different kernel is counted once
    """
    return (START_CPU_SECONDS + sum(_cpu_seconds(kernel) for kernel in set(kernels))) / CORES


def _cpu_seconds(kernel: Kernel) -> float:
    seconds = CPU_SECONDS.get(kernel.name, OTHER_CPU_SECONDS)
    if kernel.name in FEW_CPU_SECONDS and 0 < kernel.shape.filters % (2 * FEW_FILTERS) <= FEW_FILTERS:
        seconds += FEW_CPU_SECONDS[kernel.name]
        if kernel.name == "conv" and kernel.shape.size <= MOST_SWEPT:
            seconds += TAP_CPU_SECONDS * kernel.shape.size**2
    return seconds


def check_first_use(network: Sequential, kernels: Iterable[Kernel]) -> None:
    """Refuse a network whose kernels would take too long to compile.

    Parameters
    ----------
    network : with its head
    kernels : those of its layers

    Raises
    ------
    ArchitectureError : the estimate is above MOST_SECONDS
    """
    different = set(kernels)
    seconds = estimated_seconds(different)
    if seconds > MOST_SECONDS:
        raise ArchitectureError(
            f"{shorten(format_word(without_head(network)))}: its layers need {len(different):,} different kernels, "
            f"which take about {seconds:,.1f} seconds to compile on two cores, but at most {MOST_SECONDS} are allowed; "
            "use fewer different layers: layers of the same kind, size and input size share their kernels"
        )
