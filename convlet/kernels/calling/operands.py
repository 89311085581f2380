"""How a compiled kernel finds its operands: see `frame`."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core.extending import intrinsic

from convlet.kernels.vectors.llvm import I64

NUMBERS = types.CPointer(types.int64)


@intrinsic
def operand(typing_context, operands, frame, number):
    """The address of operand `number`: frame[base] + offset."""

    def code(context, builder, signature, arguments):
        operands, frame, number = arguments
        first = builder.mul(number, ir.Constant(I64, 2))
        base = builder.load(builder.gep(operands, [first], source_etype=I64), typ=I64)
        second = builder.add(first, ir.Constant(I64, 1))
        offset = builder.load(builder.gep(operands, [second], source_etype=I64), typ=I64)
        address = builder.load(builder.gep(frame, [base], source_etype=I64), typ=I64)
        return builder.add(address, offset)

    return types.int64(NUMBERS, NUMBERS, types.int64), code
