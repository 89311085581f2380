"""Compiled routines on arrays. Knows nothing of layers; `convlet.engine.compiled` puts them to work."""
