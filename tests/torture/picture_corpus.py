"""Picture files of every kind, many of them made to harm: each is a picture or one clear error, in a second and 64 MiB.

python -m tests.torture.picture_corpus COUNT
"""

from __future__ import annotations

import io
import random
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from convlet.data import pictures
from convlet.errors import DataError
from tests.torture.trial import Memory, Outcome, clean, draws, refused, report

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "I;16", "F", "PA", "La", "RGBa")
FORMATS = (
    "PNG",
    "JPEG",
    "GIF",
    "TIFF",
    "WEBP",
    "BMP",
    "PPM",
    "ICO",
    "TGA",
    "EPS",
    "PDF",
    "PCX",
    "DDS",
    "JPEG2000",
    "SGI",
)
HOSTILE = "hostile"


def corpus(rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Pictures by a name that says what they are; those that must be refused have `hostile` in it."""
    made = list(_modes())
    yield from made
    yield from _bombs()
    while True:
        name, data = rng.choice(made)
        if rng.randrange(2):
            yield f"{name} cut", data[: rng.randrange(len(data))]
        else:
            changed = bytearray(data)
            for _ in range(rng.randrange(1, 20)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            yield f"{name} changed", bytes(changed)


def _modes() -> Iterator[tuple[str, bytes]]:
    """Every mode in every format that can hold it."""
    grey = Image.fromarray((np.arange(24 * 18) % 251).astype(np.uint8).reshape(24, 18))
    for mode in MODES:
        for kind in FORMATS:
            buffer = io.BytesIO()
            try:
                _in_mode(grey, mode).save(buffer, kind)
            except (OSError, ValueError, KeyError):  # the format does not know this mode
                continue
            yield f"{mode} {kind}" + ("" if kind in pictures.FORMATS else f" {HOSTILE}"), buffer.getvalue()


def _in_mode(grey: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    steps = {"LAB": ("RGB", "LAB"), "PA": ("P", "PA"), "La": ("LA", "La"), "RGBa": ("RGBA", "RGBa")}
    if mode == "LAB":
        return Image.new("LAB", grey.size)
    for step in steps.get(mode, ("RGB", mode) if mode in ("YCbCr", "HSV", "CMYK") else (mode,)):
        grey = grey.convert(step)
    return grey


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, pixels: bytes, *more: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (_chunk(b"IHDR", header), *more, _chunk(b"IDAT", pixels), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _frames(kind: str, count: int) -> bytes:
    buffer = io.BytesIO()
    frames = [Image.new("L", (4, 4), 97 * shade % 256) for shade in range(count)]
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def _bombs() -> Iterator[tuple[str, bytes]]:
    """Files that declare, inflate to or hold far more than they should."""
    nothing, zeros = zlib.compress(b""), zlib.compress(bytes(1 << 26), 9)
    for width, height in ((4001, 1000), (60_000, 60_000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1), (0, 5)):
        yield f"PNG of {width}x{height} {HOSTILE}", _png(width, height, nothing)
        yield f"BMP of {width}x{height} {HOSTILE}", b"BM" + struct.pack("<IHHIIiiHHIIiiII", 60, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)  # fmt: skip
        yield f"PPM of {width}x{height} {HOSTILE}", f"P6 {width} {height} 255\n".encode() + bytes(99)
        yield f"GIF of {width}x{height} {HOSTILE}", b"GIF89a" + struct.pack("<HHBBB", width & 65535, height & 65535, 0, 0, 0)  # fmt: skip
        yield f"TIFF of {width}x{height} {HOSTILE}", _tiff(width, height)
    for mode in ("RGBA", "I;16", "I", "LA", "CMYK", "F"):
        buffer = io.BytesIO()
        Image.new(mode, (2000, 2000)).save(buffer, "TIFF", compression="tiff_deflate")
        yield f"{mode} of 4 megapixels", buffer.getvalue()
    yield "PNG whose pixels go on", _png(8, 8, zeros)
    for kind in (b"zTXt", b"iCCP"):
        yield (
            f"PNG with a {kind!r} that inflates",
            _png(8, 8, zlib.compress(bytes(8 * 25)), _chunk(kind, b"a\0\0" + zeros)),
        )
    yield "PNG with 50,000 texts", _png(8, 8, zlib.compress(bytes(8 * 25)), *[_chunk(b"tEXt", b"a\0b")] * 50_000)
    for kind in ("GIF", "TIFF", "WEBP", "PNG"):
        yield f"{kind} of 3 frames", _frames(kind, 3)
    yield "GIF of 200 frames", _frames("GIF", 200)
    whole = _frames("TIFF", 1)
    place = int.from_bytes(whole[4:8], "little")
    entries = int.from_bytes(whole[place : place + 2], "little")
    end = place + 2 + 12 * entries
    yield "TIFF whose pages lead back to the first", whole[:end] + whole[4:8] + whole[end + 4 :]
    yield f"zeros {HOSTILE}", bytes(10_000)
    yield f"a web page {HOSTILE}", b"<!doctype html>" * 50
    yield f"9 MiB {HOSTILE}", bytes(9 * 2**20)
    yield f"nothing {HOSTILE}", b""


def _tiff(width: int, height: int) -> bytes:
    """A TIFF that declares a size and holds a few bytes."""
    tags = ((256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, height), (279, 4))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value & 0xFFFFFFFF) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 12) + bytes(4) + struct.pack("<H", len(tags)) + entries + bytes(4)


def picture_corpus(count: int) -> Outcome:
    """The first `count` pictures of the corpus."""
    outcome = Outcome()
    made = list(islice(corpus(draws(7)), count))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        for _, data in made[:40]:  # what Pillow loads on first use is not counted
            path.write_bytes(data)
            clean(lambda: pictures.read(path), DataError)
        memory = Memory()
        for name, data in made:
            path.write_bytes(data)
            check = refused if HOSTILE in name else clean
            failure = check(lambda: _picture(path), DataError) or check(lambda: _picture(path, (8, 8)), DataError)
            outcome.tried(failure and f"{name}: {failure}")
        memory.check(outcome)
    return outcome


def _picture(path: Path, size: tuple[int, int] | None = None) -> None:
    picture = pictures.read(path, size)
    assert picture.dtype == np.uint8, picture.dtype
    assert picture.ndim == 3, picture.shape
    assert picture.shape[2] in (1, 3), picture.shape


if __name__ == "__main__":
    report(picture_corpus(int(sys.argv[1])))
