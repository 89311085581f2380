"""How the pictures of a data set were read, so that a model reads new ones in the same way."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite
from typing import Any

from convlet.records.data import Rules


@dataclass(frozen=True)
class ReadingRules:
    """What was decided over a whole training set; the default is what a plain 8-bit picture needs.

    scale : the width of the range of deep pictures (16 bits, 32 bits, floats): offset + scale becomes 255.
        None: the upper byte of 16 bits
    ground : what lies under transparent parts, "white" or "black"; None: nothing was transparent, black is used
    transpose : rows and columns are exchanged, as EMNIST's files need
    size : height and width that pictures were resized to; None: they are taken as they are
    offset : the value of deep pictures that becomes 0

    Raises
    ------
    ValueError : a value that is none of these
    """

    scale: float | None = None
    ground: str | None = None
    transpose: bool = False
    size: tuple[int, int] | None = None
    offset: float = 0.0

    def __post_init__(self) -> None:
        if self.scale is not None and not (_number(self.scale) and self.scale > 0):
            raise ValueError(f"scale must be a number above 0, or null, but got {self.scale!r:.60}")
        if not _number(self.offset):
            raise ValueError(f"offset must be a number, but got {self.offset!r:.60}")
        if self.ground not in (None, "white", "black"):
            raise ValueError(f"ground must be white, black or null, but got {self.ground!r:.60}")
        if type(self.transpose) is not bool:
            raise ValueError(f"transpose must be true or false, but got {self.transpose!r:.60}")
        size = self.size
        if size is not None:
            if not isinstance(size, list | tuple) or len(size) != 2 or any(type(n) is not int or n < 1 for n in size):
                raise ValueError(f"size must be a height and a width, or null, but got {size!r:.60}")
            object.__setattr__(self, "size", tuple(size))

    def as_dict(self) -> Rules:
        """The rules as JSON can hold them."""
        return {
            "scale": self.scale,
            "offset": self.offset,
            "ground": self.ground,
            "transpose": self.transpose,
            "size": list(self.size) if self.size else None,
        }

    @classmethod
    def from_dict(cls, values: Any) -> ReadingRules:
        """The rules that `as_dict` gave; ValueError for anything else."""
        names = tuple(field.name for field in fields(cls))
        if not isinstance(values, dict) or set(values) != set(names):
            raise ValueError(f"expected {', '.join(names)}, and nothing else")
        return cls(**values)


def _number(value: Any) -> bool:
    """Whether a value is a finite number; NumPy's float64 is a float too."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


PLAIN = ReadingRules()
"""For sets without transparent or deep pictures."""
