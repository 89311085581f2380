"""What the first bytes of a picture say: format, size and mode. PNG and JPEG are looked at here, others by Pillow.

Opening 60,000 files with Pillow takes three times as long as this. What is unusual goes to Pillow too: a turned photo,
a header longer than the bytes that are read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from convlet.data import pictures
from convlet.data.tree import Item, Tree
from convlet.errors import DataError

START = 4096
"""Bytes read of each file."""

PNG = b"\x89PNG\r\n\x1a\n"
PNG_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}
JPEG_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
NO_SIZE = frozenset((0xC4, 0xC8, 0xCC))
"""Markers of JPEG from C0 to CF that do not declare a size."""

TIFF_WIDTH, TIFF_HEIGHT, TIFF_BITS, ORIENTATION = 0x0100, 0x0101, 0x0102, 0x0112
TURNED = (5, 6, 7, 8)
"""A camera's turns that exchange height and width."""

FOREIGN = {
    ".heic": "HEIC",
    ".heif": "HEIC",
    ".avif": "AVIF",
    ".svg": "SVG",
    ".psd": "PSD",
    ".pdf": "PDF",
    ".eps": "EPS",
    ".dng": "raw camera",
    ".cr2": "raw camera",
    ".nef": "raw camera",
    ".arw": "raw camera",
    ".jp2": "JPEG 2000",
    ".ico": "ICO",
    ".dcm": "DICOM",
    ".nii": "NIfTI",
    ".exr": "EXR",
    ".tga": "TGA",
}
"""Pictures that are not read, and how to name them."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a header says.

    size : height and width, after the turn that a camera noted
    deep : more than 8 bits a value
    alpha : some pixels may be transparent
    wide : 16 bits a colour, of which Pillow gives the upper 8
    """

    format: str
    mode: str
    size: tuple[int, int]
    deep: bool = False
    alpha: bool = False
    wide: bool = False

    @property
    def channels(self) -> int:
        return 1 if self.mode in pictures.GREY_MODES else 3


def look(tree: Tree, item: Item) -> Look:
    """What the header of a picture says.

    Raises
    ------
    DataError : it is not a picture of a known format, or cannot be opened
    """
    if item.suffix in FOREIGN:
        raise DataError(f"{tree.shown(item)}: {how_to_convert(item.suffix)}")
    start = tree.start(item, START)
    found = _png(start) if start[:8] == PNG else _jpeg(start) if start[:3] == b"\xff\xd8\xff" else None
    return found or _by_pillow(tree, item)


def how_to_convert(suffix: str) -> str:
    """What to do with a picture of a format that is not read, in words that follow its name and a colon."""
    name = FOREIGN[suffix]
    if name == "HEIC":
        return (
            "HEIC pictures are not read; convert them to JPEG, as with 'heif-convert' (Linux) or "
            "'sips -s format jpeg' (macOS), or let the phone save 'Most Compatible'"
        )
    return f"{name} pictures are not read; convert them to PNG or JPEG"


def is_picture_start(start: bytes) -> bool:
    """Whether a file that begins so is a picture, whatever its name."""
    return (
        start[:8] == PNG
        or start[:3] == b"\xff\xd8\xff"
        or start[:4] in (b"GIF8", b"II*\0", b"MM\0*")
        or (start[:2] == b"BM" and start[6:10] == bytes(4))
        or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")
    )


def _png(start: bytes) -> Look | None:
    """Size and mode of a PNG whose chunks up to the pixels are in `start`; None for what only Pillow can say."""
    if len(start) < 33 or start[12:16] != b"IHDR":
        return None
    width, height, depth, kind = struct.unpack_from(">IIBB", start, 16)
    at, transparent = 33, False
    while True:
        if at + 8 > len(start):
            return None
        length, name = struct.unpack_from(">I4s", start, at)
        if name == b"IDAT":
            break
        if name in (b"eXIf", b"acTL"):
            return None
        transparent |= name == b"tRNS"
        at += 12 + length
    if kind not in PNG_MODES:
        return None
    mode = PNG_MODES[kind]
    deep = kind == 0 and depth == 16
    mode = "I;16" if deep else "1" if kind == 0 and depth == 1 else mode
    return Look("PNG", mode, (height, width), deep, transparent or kind in (4, 6), depth == 16 and kind != 0)


def _jpeg(start: bytes) -> Look | None:
    """Size and mode of a JPEG whose frame header is in `start`; None for a turned one, or one of several pictures."""
    at = 2
    while at + 10 <= len(start) and start[at] == 0xFF:
        marker = start[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in (0xE1, 0xE2) and start[at + 4 : at + 8] in (b"Exif", b"MPF\0"):
            return None
        if 0xC0 <= marker <= 0xCF and marker not in NO_SIZE:
            height, width, count = struct.unpack_from(">HHB", start, at + 5)
            return Look("JPEG", JPEG_MODES[count], (height, width)) if count in JPEG_MODES and height else None
        at += 2 + int.from_bytes(start[at + 2 : at + 4], "big")
    return None


def _by_pillow(tree: Tree, item: Item) -> Look:
    """The same, for every format, from Pillow."""
    shown = tree.shown(item)
    with (
        tree.opened(item, "a picture", pictures.MOST_BYTES_SHRUNK) as file,
        pictures.identified(shown, file) as picture,
    ):
        height, width = picture.size[::-1]
        if picture.format == "TIFF":  # some versions of Pillow have turned its size already
            height, width = picture.tag_v2.get(TIFF_HEIGHT, height), picture.tag_v2.get(TIFF_WIDTH, width)
        if picture.getexif().get(ORIENTATION) in TURNED:
            height, width = width, height
        mode = picture.mode
        alpha = mode in pictures.ALPHA_MODES or "transparency" in picture.info
        name = "JPEG" if picture.format == "MPO" else picture.format
        wide = (
            picture.format == "TIFF"
            and max(picture.tag_v2.get(TIFF_BITS, (8,))) > 8
            and mode not in pictures.DEEP_MODES
        )
        return Look(name, mode, (height, width), mode in pictures.DEEP_MODES, alpha, wide)
