"""The loop that takes shards through a whole network without Python.

A program is a table of (kernel address, operands address). Units of work are rows of gradients: row r takes the
shards r, r + rows, r + 2 rows, ... one after the other, each in groups of images. Threads fetch the next row from a
shared counter, so which thread takes which row never matters to the result. A walk may stop before row END: the next
one takes the rows from there.

Meanwhile each thread reckons by one control word, whatever its own is: denormals are flushed to zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convlet.kernels.calling import frame as fields
from convlet.kernels.calling.task import (
    BATCH,
    COUNTER,
    END,
    GRADIENT_FLOATS,
    GRADIENTS,
    GROUP,
    LENGTH,
    LOGIT_FLOATS,
    LOGITS,
    LOSSES,
    NUMBERS,
    OBSERVED,
    OBSERVED_FLOATS,
    POSITION,
    PROGRAM,
    ROWS,
    SHARD,
    SHARDS,
    WRONG,
)
from convlet.kernels.target import Target
from convlet.kernels.vectors.intrinsics import float32_at, int64_at
from convlet.kernels.vectors.processor import call, fetch_add, flush_denormals, restore_control

COUNT, START, SELF = fields.COUNT, fields.START, fields.SELF
FRAME_GRADIENT, FRAME_NUMBERS, FRAME_LOSSES = fields.GRADIENT, fields.NUMBERS, fields.LOSSES
FRAME_WRONG, FRAME_POSITION = fields.WRONG, fields.POSITION
FRAME_LOGITS, FRAME_OBSERVED = fields.LOGITS, fields.OBSERVED


def walk(shape: Any, target: Target) -> Callable[..., None]:
    """Instead of operands: the task fields above. The frame is this thread's own."""

    def kernel(task, frame):
        program, own_word = int64_at(task[PROGRAM]), flush_denormals()
        while True:
            row = fetch_add(task[COUNTER], 1)
            if row >= task[END]:
                break
            frame[FRAME_GRADIENT] = task[GRADIENTS] + 4 * row * task[GRADIENT_FLOATS]
            gradient = float32_at(frame[FRAME_GRADIENT])
            for i in range(task[GRADIENT_FLOATS]):
                gradient[i] = 0.0
            for shard in range(row, task[SHARDS], task[ROWS]):
                frame[FRAME_OBSERVED] = task[OBSERVED] + 4 * shard * task[OBSERVED_FLOATS]
                end = min((shard + 1) * task[SHARD], task[BATCH])
                for start in range(shard * task[SHARD], end, task[GROUP]):
                    frame[COUNT] = min(task[GROUP], end - start)
                    frame[FRAME_NUMBERS] = task[NUMBERS] + 8 * start
                    frame[FRAME_LOSSES] = task[LOSSES] + 4 * start
                    frame[FRAME_WRONG] = task[WRONG] + start
                    frame[FRAME_POSITION] = task[POSITION] + start
                    frame[FRAME_LOGITS] = task[LOGITS] + 4 * start * task[LOGIT_FLOATS]
                    for number in range(task[LENGTH]):
                        call(program[2 * number], program[2 * number + 1], frame[SELF])
        restore_control(own_word)

    return kernel


def walk_numbers(shape: Any, target: Target) -> Callable[..., None]:
    """The same over pieces of the flat vectors: BATCH numbers in pieces of SHARD."""

    def kernel(task, frame):
        program, own_word = int64_at(task[PROGRAM]), flush_denormals()
        while True:
            piece = fetch_add(task[COUNTER], 1)
            if piece >= task[END]:
                break
            frame[START] = piece * task[SHARD]
            frame[COUNT] = min(task[SHARD], task[BATCH] - frame[START])
            for number in range(task[LENGTH]):
                call(program[2 * number], program[2 * number + 1], frame[SELF])
        restore_control(own_word)

    return kernel
