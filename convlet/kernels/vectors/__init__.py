"""Vectors of lanes: what kernels write in LLVM's language."""
