"""Compiled routines on arrays. Knows nothing of layers; `convlet.training.compiled` puts them to work."""
