"""The name of a compiled kernel: its row of the registry and its shape."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kernel:
    """A row of the registry and the shape to compile it for."""

    name: str
    shape: Any = None

    @property
    def symbol(self) -> str:
        """The name it is kept under, which no other kernel has."""
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:24]
        return f"convlet_{self.name}_{digest}"
