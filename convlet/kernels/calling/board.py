"""What threads tell each other: the board, an int64 array that the calling thread and its helpers share.

    line 0    the work of this round, and what never changes; written only while the round is closed
    line 1    ROUND
    line 2    ACTIVE
    line 3    the calling thread's own line; thread n has line 3 + n

Lines are one cache line apart, so a thread that looks at its own line costs the others nothing.
"""

LINE_BYTES = 64
LINE_FIELDS = LINE_BYTES // 8

# line 0, in fields
WALKER = 0  # address of the compiled walk
TASK = 1  # address of the task fields
FRAMES = 2  # address of int64 (threads,): the address of each thread's frame
LIMIT = 3  # threads that may work in this round, the calling thread included
THREADS = 4  # threads in all, the calling thread included
LOOKS = 5  # how often a thread looks before it sleeps
ACQUIRE, RELEASE = 6, 7  # addresses of the interpreter's functions that take and free a lock

# lines 1 and 2, in bytes from the start of the board
ROUND = LINE_BYTES  # odd while a round is open, even while it is closed, ENDED when helpers are to leave
ACTIVE = 2 * LINE_BYTES  # helpers that have entered and not left
ENDED = -1

# a thread's line, in bytes from its start
THREAD_LINES = 3 * LINE_BYTES  # of thread 0, in bytes from the start of the board
ASLEEP, LOCK = 0, 8  # 1 while the thread sleeps on its lock and nobody has woken it; the lock's address
NUMBER = 16  # the thread's number; the calling thread's is 0
LINE = 24  # the line's own address
BOARD = 32  # the board's address
