"""What the two pooling layers share: square windows without padding, and the shape they leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from convlet.layers.base import Layer, Shape
from convlet.layers.checks import SIZE_LIMIT, STRIDE_LIMIT, image_shape, whole_number, window_fits
from convlet.layers.windows import window_count


@dataclass(frozen=True, init=False)
class Pool(Layer):
    """A window of size x size pixels every `stride` pixels (next to each other by default), per channel.

    out = (in - size) // stride + 1; pixels at the end that fill no window are left out.
    """

    size: int
    stride: int

    word: ClassVar[str]
    """The token without its numbers."""

    def __init__(self, size: int = 2, stride: int | None = None) -> None:
        object.__setattr__(self, "size", whole_number(f"{self.word} size", size, SIZE_LIMIT))
        stride = self.size if stride is None else stride
        object.__setattr__(self, "stride", whole_number(f"{self.word} stride", stride, STRIDE_LIMIT))

    def token(self) -> str:
        if self.stride != self.size:
            return f"{self.word}{self.size}s{self.stride}"
        return self.word if self.size == 2 else f"{self.word}{self.size}"

    def output_shape(self, input_shape: Shape) -> Shape:
        h, w, c = image_shape(self.token(), input_shape)
        window_fits(self.token(), self.size, input_shape)
        return window_count(h, self.size, self.stride), window_count(w, self.size, self.stride), c
