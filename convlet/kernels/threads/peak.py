"""What the processor can do at most: multiply-adds that wait for no memory, only for each other.

Each chain is one register that is added to again and again; the chains do not depend on each other. With more of them
than a multiply-add takes cycles, times the units there are, no unit ever waits:

    chain 0           y[0]     = x * w + y[0],     again and again
    chain chains-1    y[chains-1] = x * w + y[chains-1]

A network's share of the machine's peak is a share of what this reaches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite.ir import PointerType
from numba import types
from numba.core.extending import intrinsic

from convlet.kernels.calling.frame import COUNT
from convlet.kernels.calling.operands import operand
from convlet.kernels.shapes import PeakShape
from convlet.kernels.target import Target
from convlet.kernels.vectors.llvm import at, counted_loop, fma, load_lanes, store_lanes


def peak(shape: PeakShape, target: Target) -> Callable[..., None]:
    """Operands: x (lanes,), w (lanes,), y (chains, lanes).

    y += COUNT * links * x * w, in COUNT turns of `links` multiply-adds a chain. COUNT is at least 1.
    """
    prolong = _make_chains(shape)

    def kernel(operands, frame):
        x, w, y = operand(operands, frame, 0), operand(operands, frame, 1), operand(operands, frame, 2)
        prolong(x, w, y, frame[COUNT])

    return kernel


def _make_chains(shape: PeakShape) -> Any:
    lanes, links = shape.lanes, shape.links

    @intrinsic
    def prolong(typing_context, x, w, y, count):
        def code(context, builder, signature, arguments):
            x, w, y = (builder.inttoptr(address, PointerType()) for address in arguments[:3])
            a, b = (load_lanes(builder, pointer, lanes, lanes) for pointer in (x, w))
            places = [at(builder, y, number * lanes) for number in range(shape.chains)]

            def turn(pointers, sums):
                for _ in range(links):
                    sums = [fma(builder, a, b, held) for held in sums]
                return sums

            sums = [load_lanes(builder, place, lanes, lanes) for place in places]
            for place, value in zip(places, counted_loop(builder, arguments[3], [], [], sums, turn), strict=True):
                store_lanes(builder, value, place, lanes, lanes)

        return types.void(*[types.int64] * 4), code

    return prolong
