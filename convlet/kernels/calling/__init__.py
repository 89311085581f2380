"""How a kernel gets its operands: frames, operands, tasks."""
