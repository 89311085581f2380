"""How threads work together: a round is one compiled call, so no exception of Python can leave while helpers work.

The calling thread opens a round, wakes helpers that sleep, works, closes the round, and waits until every helper that
entered has left. A helper enters whenever it finds the round open. So a helper that is late, or was never started, is
not waited for: the units of work come from a shared counter, and whoever is there takes them.

A helper looks for a round for a moment before it sleeps, so steps that follow each other closely wake nobody.

Each kernel is called with the board and the line of the thread that calls it; see `board`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convlet.kernels.calling.board import (
    ACQUIRE,
    ACTIVE,
    ASLEEP,
    BOARD,
    ENDED,
    FRAMES,
    LIMIT,
    LINE,
    LINE_BYTES,
    LOCK,
    LOOKS,
    NUMBER,
    RELEASE,
    ROUND,
    TASK,
    THREAD_LINES,
    THREADS,
    WALKER,
)
from convlet.kernels.target import Target
from convlet.kernels.vectors.intrinsics import int64_at
from convlet.kernels.vectors.processor import (
    acquire,
    atomic_load,
    atomic_store,
    call,
    exchange,
    fetch_add,
    pause,
    release,
)

BOARD_FIELD, LINE_FIELD, LOCK_FIELD, NUMBER_FIELD = BOARD // 8, LINE // 8, LOCK // 8, NUMBER // 8


def serve(shape: Any, target: Target) -> Callable[..., None]:
    """What a helper does: enter each round that is open and leave it when the work is done, until ROUND is ENDED."""

    def kernel(board, line):
        base, own = line[BOARD_FIELD], line[LINE_FIELD]
        caller = base + THREAD_LINES
        seen, looks = 0, 0
        while True:
            number = atomic_load(base + ROUND)
            if number < 0:
                break
            if number & 1 and number != seen:
                looks = 0
                fetch_add(base + ACTIVE, 1)
                # the round may have been closed meanwhile; one that is open from here on waits for this helper
                number = atomic_load(base + ROUND)
                if number > 0 and number & 1:
                    seen = number
                    if line[NUMBER_FIELD] < board[LIMIT]:
                        call(board[WALKER], board[TASK], int64_at(board[FRAMES])[line[NUMBER_FIELD]])
                last = fetch_add(base + ACTIVE, -1) == 1
                if last and atomic_load(caller + ASLEEP) == 1 and exchange(caller + ASLEEP, 0) == 1:
                    release(board[RELEASE], int64_at(caller + LOCK)[0])
            elif looks < board[LOOKS]:
                looks += 1
                pause()
            else:
                looks = 0
                exchange(own + ASLEEP, 1)
                # whoever opened a round just before may have seen this helper awake
                number = atomic_load(base + ROUND)
                news = number < 0 or (number & 1 and number != seen)
                if news and exchange(own + ASLEEP, 0) == 1:
                    continue
                acquire(board[ACQUIRE], line[LOCK_FIELD])

    return kernel


def lead(shape: Any, target: Target) -> Callable[..., None]:
    """What the calling thread does: a whole round, from opening it until the last helper has left."""

    def kernel(board, line):
        base, own = line[BOARD_FIELD], line[LINE_FIELD]
        atomic_store(base + ROUND, atomic_load(base + ROUND) + 1)
        for number in range(1, min(board[LIMIT], board[THREADS])):
            helper = base + THREAD_LINES + number * LINE_BYTES
            if atomic_load(helper + ASLEEP) == 1 and exchange(helper + ASLEEP, 0) == 1:
                release(board[RELEASE], int64_at(helper + LOCK)[0])
        call(board[WALKER], board[TASK], int64_at(board[FRAMES])[0])
        atomic_store(base + ROUND, atomic_load(base + ROUND) + 1)
        looks = 0
        while atomic_load(base + ACTIVE) != 0:
            if looks < board[LOOKS]:
                looks += 1
                pause()
            else:
                looks = 0
                exchange(own + ASLEEP, 1)
                # the last helper may have left just before, in the belief that this thread was awake
                if atomic_load(base + ACTIVE) == 0 and exchange(own + ASLEEP, 0) == 1:
                    break
                acquire(board[ACQUIRE], line[LOCK_FIELD])

    return kernel


def dismiss(shape: Any, target: Target) -> Callable[..., None]:
    """Send all helpers away; no round may be open, and none can be opened later."""

    def kernel(board, line):
        base = line[BOARD_FIELD]
        atomic_store(base + ROUND, ENDED)
        for number in range(1, board[THREADS]):
            helper = base + THREAD_LINES + number * LINE_BYTES
            if atomic_load(helper + ASLEEP) == 1 and exchange(helper + ASLEEP, 0) == 1:
                release(board[RELEASE], int64_at(helper + LOCK)[0])

    return kernel
