"""What threads tell each other: the board, an int64 array that all of them share, and what each keeps for itself.

The board has a line for the work, one for how many helpers have done it, then one for each helper. Lines are a cache
line apart, so looking at one's own costs the others nothing.
"""

LINE_BYTES = 64
WALKER, TASK = 0, 1  # numbers of the first line: what to run, on what
DONE = LINE_BYTES  # the second line, in bytes from the start of the board
ORDER, ASLEEP, FRAME = 0, 8, 16  # of a helper's line, in bytes
BOARD, LINE, SEEN, LOOKS, WANTED = range(
    5
)  # a thread's own: addresses, its latest order, how long to look, for how many
OWN_FIELDS = 5
