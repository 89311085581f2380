"""From the name of a kernel to its machine code: translation, compilation, cache."""
