"""The processor kernels are compiled for: its name, features and how wide its vectors are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

from convlet.errors import SettingsError

HALF_WIDTH = frozenset({"znver4"})
"""Processors that work on a 512-bit vector in two halves."""


@dataclass(frozen=True)
class Target:
    """What the tuned numbers depend on.

    lanes : floats of the widest vector
    unit_lanes : floats that a multiply-add unit takes in a cycle; a wider vector takes several
    """

    lanes: int
    unit_lanes: int
    registers: int
    name: str
    features: str


@lru_cache(maxsize=1)
def host() -> Target:
    """This processor; `CONVLET_VECTOR_BITS` (128, 256 or 512) narrows its vectors.

    The narrower width gives the same bits: lanes never meet (see `intrinsics`).
    """
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    bits, registers = 128, 32 if "neon" in features else 16
    if features.get("avx2") and features.get("fma"):
        bits = 256
    if features.get("avx512f") and features.get("avx512vl"):
        bits, registers = 512, 32
    wanted = os.environ.get("CONVLET_VECTOR_BITS", "")
    if wanted:
        if wanted not in {"128", "256", "512"}:
            raise SettingsError(
                f"CONVLET_VECTOR_BITS is '{wanted}': expected 128, 256 or 512; unset it for this processor's own"
            )
        if int(wanted) < bits:
            bits, registers = int(wanted), registers if bits == 128 else 16
    name = llvm.get_host_cpu_name()
    return Target(bits // 32, min(bits, 256 if name in HALF_WIDTH else bits) // 32, registers, name, features.flatten())
