"""PNG files from arrays: grey, colour, or up to 16 colours of a palette."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

GREY, COLOUR, PALETTE = 0, 2, 3
"""Colour types of the format."""


def encode(pixels: Array) -> bytes:
    """A PNG of uint8 pixels (H, W), (H, W, 1) or (H, W, 3), 8 bits a channel.

    Source: ISO/IEC 15948, "Portable Network Graphics", sections 5 and 11.
    """
    pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    kind = GREY if pixels.ndim == 2 else COLOUR
    rows = pixels.reshape(len(pixels), -1)
    return _file(pixels.shape[1], len(pixels), 8, kind, _smallest(rows, 1 if kind == GREY else 3))


def encode_indexed(numbers: Array, palette: Array, clear: int | None = None) -> bytes:
    """A PNG of numbers (H, W) below 16 that choose from a palette, uint8 (at most 16, 3): 4 bits a pixel.

    Pixels of the number `clear` let the page shine through.
    """
    height, width = numbers.shape
    even = np.zeros((height, width + width % 2), np.uint8)
    even[:, :width] = numbers
    rows = even[:, ::2] << 4 | even[:, 1::2]
    parts = [(b"PLTE", palette.astype(np.uint8).tobytes())]
    if clear is not None:
        parts.append((b"tRNS", b"\xff" * clear + b"\0"))
    return _file(width, height, 4, PALETTE, _compressed(rows, 0), parts)


def uri(png: bytes) -> str:
    """A PNG as the address of itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _smallest(rows: Array, channels: int) -> bytes:
    """The image data of rows (H, bytes), as they are or as differences to the pixel before, whichever is shorter."""
    differences = rows.copy()
    differences[:, channels:] -= rows[:, :-channels]
    return min(_compressed(rows, 0), _compressed(differences, 1), key=len)


def _compressed(rows: Array, filter_type: int) -> bytes:
    marked = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    marked[:, 0], marked[:, 1:] = filter_type, rows
    return zlib.compress(marked.tobytes(), 6)


def _file(
    width: int, height: int, bits: int, kind: int, data: bytes, more: Sequence[tuple[bytes, bytes]] = ()
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    parts = [(b"IHDR", header), *more, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_part(name, content) for name, content in parts)


def _part(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
