"""How the pictures of a data set were read, so that a model reads new ones in the same way."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ReadingRules:
    """What was decided over a whole training set; the default is what a plain 8-bit picture needs.

    scale : the width of the range of deep pictures (16 bits, 32 bits, floats): offset + scale becomes 255.
        None: the upper byte of 16 bits
    ground : what lies under transparent parts, "white" or "black"; None: nothing was transparent, black is used
    transpose : rows and columns are exchanged, as EMNIST's files need
    size : height and width that pictures were resized to; None: they are taken as they are
    offset : the value of deep pictures that becomes 0
    """

    scale: float | None = None
    ground: str | None = None
    transpose: bool = False
    size: tuple[int, int] | None = None
    offset: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The rules as JSON can hold them."""
        return asdict(self) | {"size": list(self.size) if self.size else None}


PLAIN = ReadingRules()
"""For sets without transparent or deep pictures."""
