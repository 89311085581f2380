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
IMAGES = 5  # address of the data set's pixels
NUMBERS = 6  # address of this group's image numbers, int64
LABELS = 7  # address of the data set's labels, int64
LOSSES = 8  # address of this group's losses, float32
WRONG = 9  # address of this group's mistakes, uint8
POSITION = 10  # place of the group's first image in the epoch
EPOCH = 11
SEED = 12
LOGITS = 13  # address of this group's logits, float32
STATE = 14  # address of the running statistics
OBSERVED = 15  # address of this shard's own statistics
ZERO = 16  # 0: a base for absolute addresses
SELF = 17  # address of the frame itself
START = 18  # first number of this piece of the flat vectors; COUNT is how many
WEIGHTS = 19  # address of the data set's weights, float32, one an image
BATCH = 20  # images in the batch
BATCH_NUMBERS = 21  # address of the batch's image numbers, int64
BATCH_POSITION = 22  # place of the batch's first image in the epoch
IDENTITIES = 23  # address of the batch's image numbers in the whole data set, int64
FIELDS = 24
