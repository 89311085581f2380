"""Kernels that work element by element or window by window."""
