"""What the kernel `clocked` is told in place of operands: the step that it runs, and where it notes the time."""

KERNEL, OPERANDS = 0, 1  # addresses of the step's kernel and of its operands
TICKS, CALLS = 2, 3  # what the step took so far, in ticks of the processor's clock, and how often it ran
FIELDS = 4
