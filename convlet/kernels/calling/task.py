"""What a walk is told, in place of operands: the program, the units of work, and where each shard's numbers go."""

PROGRAM, LENGTH, COUNTER, ROWS, SHARDS, SHARD, BATCH, GROUP = range(8)
GRADIENTS, GRADIENT_FLOATS, NUMBERS, LOSSES, WRONG, POSITION = range(8, 14)
LOGITS, LOGIT_FLOATS, OBSERVED, OBSERVED_FLOATS = range(14, 18)
END = 18  # the row of gradients, or the piece, before which this walk stops; at most ROWS
FIELDS = 19
