"""What a kernel is told at each call: the frame, one int64 array a thread, and its operands.

A kernel is `kernel(operands, frame)`. Operand k is the pair (base, offset): the address is `frame[base] + offset`
in bytes. So one table of operands serves every thread and shard: only the frame changes.
"""

from __future__ import annotations

COUNT = 0  # images in this group
WORKSPACE = 1  # address of this thread's arrays
PARAMETERS = 2  # address of the flat parameter vector
PACKED = 3  # address of the parameters in the kernels' own order
GRADIENT = 4  # address of this row of gradients
FRESH = 5  # 1 while the row of gradients holds nothing yet, else 0
IMAGES = 6  # address of the data set's pixels
NUMBERS = 7  # address of this group's image numbers, int64
LABELS = 8  # address of the data set's labels, int64
LOSSES = 9  # address of this group's losses, float32
WRONG = 10  # address of this group's mistakes, uint8
POSITION = 11  # place of the group's first image in the epoch
EPOCH = 12
SEED = 13
LOGITS = 14  # address of this group's logits, float32
STATE = 15  # address of the running statistics
OBSERVED = 16  # address of this shard's own statistics
ZERO = 17  # 0: a base for absolute addresses
FIELDS = 18
