"""How threads meet: helpers look out for work in compiled code, so that a step wakes nobody and waits for no lock.

A helper does the work when the order on its line of the `board` changes. When it has looked in vain for a while it
marks itself asleep and returns to Python, where it waits without using the processor.

Each thread comes with a few numbers of its own instead of operands, and with no frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convlet.kernels.board import ASLEEP, BOARD, DONE, FRAME, LINE, LOOKS, ORDER, SEEN, TASK, WALKER, WANTED
from convlet.kernels.processor import atomic_load, atomic_store, call, fetch_add, pause
from convlet.kernels.simd import int64_at
from convlet.kernels.target import Target


def serve(shape: Any, target: Target) -> Callable[..., None]:
    """Work off orders until LOOKS looks in a row were in vain, or until there is an order without a walker: the end."""

    def kernel(own, frame):
        board, line = int64_at(own[BOARD]), own[LINE]
        looks = 0
        while True:
            order = atomic_load(line + ORDER)
            if order != own[SEEN]:
                own[SEEN] = order
                if board[WALKER] == 0:
                    break
                call(board[WALKER], board[TASK], int64_at(line + FRAME)[0])
                fetch_add(own[BOARD] + DONE)
                looks = 0
            elif looks < own[LOOKS]:
                looks += 1
                pause()
            else:
                atomic_store(line + ASLEEP, 1)
                # an order that came meanwhile may have been given in the belief that this helper was awake
                if atomic_load(line + ORDER) == own[SEEN]:
                    break
                atomic_store(line + ASLEEP, 0)
                looks = 0

    return kernel


def order(shape: Any, target: Target) -> Callable[..., None]:
    """Put an order on a helper's line; SEEN becomes 1 where the helper sleeps and must be woken."""

    def kernel(own, frame):
        line = own[LINE]
        atomic_store(line + ORDER, atomic_load(line + ORDER) + 1)
        own[SEEN] = atomic_load(line + ASLEEP)

    return kernel


def gather_round(shape: Any, target: Target) -> Callable[..., None]:
    """Look until WANTED helpers are done, LOOKS times at most; SEEN becomes how many are."""

    def kernel(own, frame):
        looks = 0
        own[SEEN] = atomic_load(own[BOARD] + DONE)
        while own[SEEN] < own[WANTED] and looks < own[LOOKS]:
            looks += 1
            pause()
            own[SEEN] = atomic_load(own[BOARD] + DONE)

    return kernel
