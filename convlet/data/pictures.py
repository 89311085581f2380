"""One picture from a file: decoded with care, as uint8 (H, W, 1) or (H, W, 3).

A file is refused by its size, its format and its pixels before a pixel is decoded. A picture that is larger than the
limit is decoded small if the caller gave a size. Of several frames the first is taken. `ReadingRules` say what lies
under transparent parts and what deep pictures (more than 8 bits) become. Every other form becomes grey or RGB, and a
camera's rotation is applied.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path
from typing import IO, Any

import numpy as np

from convlet.data.dataset import Array
from convlet.data.reading_rules import PLAIN, ReadingRules
from convlet.errors import DataError
from convlet.system.reading import opened

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
SUFFIXES = frozenset(
    (
        *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".bmp", ".gif", ".tif", ".tiff", ".webp"),
        *(".ppm", ".pgm", ".pbm", ".pnm"),
    )
)
MOST_BYTES = 8 * 2**20
MOST_PIXELS = 4_000_000
MOST_BYTES_SHRUNK = 64 * 2**20
"""Bytes of a file whose picture is decoded small."""

MOST_PIXELS_SHRUNK = 16_000_000
"""Pixels of a picture that is decoded whole, then made smaller: a progressive JPEG, or another format."""

MOST_PIXELS_DRAFT = 120_000_000
"""Pixels of a JPEG whose decoder itself makes it smaller, row by row."""

DEEP_MODES = frozenset(("I", "I;16", "I;16L", "I;16B", "F"))
ALPHA_MODES = frozenset(("LA", "PA", "RGBA", "RGBa", "La"))
GREY_MODES = DEEP_MODES | {"1", "L", "LA"}
ROWS = 64
"""Rows that are converted at once; it bounds the memory."""

# what Pillow has to say about a damaged file is said in our error; a program that wants its lines still gets them
logging.getLogger("PIL").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Decoded:
    """A decoded picture.

    pixels : (H, W, C) uint8, C 1 for grey and 3 for colour
    moves : whether the file holds more frames, of which this is the first
    """

    pixels: Array
    moves: bool


def read(path: str | Path, size: tuple[int, int] | None = None, rules: ReadingRules = PLAIN) -> Array:
    """The picture in a file, uint8 (H, W, C), C 1 for grey and 3 for colour.

    Parameters
    ----------
    path : a PNG, JPEG, BMP, GIF, TIFF, WEBP or PPM file; of several frames the first is read
    size : height and width to resize to, by averaging over areas; else that of the rules, if they have one
    rules : ground of transparent parts and range of deep pictures, as the training images had them

    Raises
    ------
    DataError : no such file, another format, too large, or damaged
    """
    size = size or rules.size
    with opened(path, "a picture", most_bytes(size), DataError) as file:
        return decode(str(path), file, size, rules).pixels


def most_bytes(size: tuple[int, int] | None) -> int:
    """Bytes a file may have, with or without a size to resize to."""
    return MOST_BYTES if size is None else MOST_BYTES_SHRUNK


def decode(shown: str, file: IO[bytes], size: tuple[int, int] | None, rules: ReadingRules = PLAIN) -> Decoded:
    """The picture in an open file; parameters and errors as of `read`, `shown` is its name in errors."""
    with identified(shown, file) as picture:
        moves = _moves(picture)
        _load(shown, picture, size)
        converted = _plain(picture, size, rules)
        picture.close()
        return Decoded(_pixels(converted, size), moves)


def deep_values(shown: str, file: IO[bytes], size: tuple[int, int] | None) -> tuple[float, float]:
    """The smallest and the largest finite value of a picture of more than 8 bits; (inf, -inf) without any."""
    low, high = np.inf, -np.inf
    with identified(shown, file) as picture:
        _load(shown, picture, size)
        for _, values in _bands(picture):
            finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
            if finite.size:
                low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return low, high


@contextmanager
def identified(shown: str, file: IO[bytes]) -> Iterator[Any]:
    """The picture, opened by Pillow; also turns what its decoders raise inside the block into one error."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limits and oddities; ours are checked below
            with Image.open(file, formats=FORMATS) as picture:
                yield picture
    except UnidentifiedImageError:
        raise DataError(f"{shown}: is not a picture of a known format ({', '.join(FORMATS)})") from None
    except Image.DecompressionBombError:
        raise DataError(f"{shown}: has more than {MOST_PIXELS:,} pixels; make it smaller") from None
    except DataError:
        raise
    except Exception as error:  # whatever a decoder raises, the file made it raise
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system refused to read on; see `opened`
        raise DataError(f"{shown}: the picture is damaged or cut short ({error})") from None


def _load(shown: str, picture: Any, size: tuple[int, int] | None) -> None:
    """Decode, after a look at the number of pixels; a large JPEG is decoded small."""
    width, height = picture.size
    check_pixels(shown, (height, width), size, picture.format, bool(picture.info.get("progressive")))
    if size is not None and width * height > MOST_PIXELS:
        picture.draft(None, (max(size), max(size)))
        if picture.size[0] * picture.size[1] > MOST_PIXELS_SHRUNK:
            raise DataError(f"{shown}: has {height} x {width} pixels and cannot be decoded small; make it smaller")
    picture.load()


def check_pixels(
    shown: str, shape: tuple[int, int], size: tuple[int, int] | None, form: str, progressive: bool = False
) -> None:
    """Raise DataError if a picture of this height and width, in a format of Pillow's name, has too many pixels."""
    count, sides = shape[0] * shape[1], f"{shape[0]} x {shape[1]}"
    if count <= MOST_PIXELS:
        return
    if size is None:
        raise DataError(
            f"{shown}: has {sides} pixels; a picture may have at most {MOST_PIXELS:,}, resize it with --size, as in "
            "--size 64x64"
        )
    if form in ("JPEG", "MPO") and not progressive:
        most, kind = MOST_PIXELS_DRAFT, "JPEG"
    elif form == "WEBP":  # its decoder takes 16 bytes a pixel
        most, kind = MOST_PIXELS, "WEBP"
    else:
        most, kind = MOST_PIXELS_SHRUNK, "progressive JPEG" if progressive else form
    if count > most:
        hint = "make it smaller" if kind == "JPEG" else "make it smaller or save it as a plain JPEG"
        raise DataError(f"{shown}: has {sides} pixels; a {kind} may have at most {most:,} with --size, {hint}")


def _moves(picture: Any) -> bool:
    """Whether there is a second frame. Those of GIF and TIFF are not counted: a file could hold half a million."""
    if picture.format not in ("GIF", "TIFF"):
        return bool(getattr(picture, "n_frames", 1) != 1)
    try:
        picture.seek(1)
    except EOFError:
        return False
    finally:
        picture.seek(0)
    return True


def _plain(picture: Any, size: tuple[int, int] | None, rules: ReadingRules) -> Any:
    """The picture in grey or RGB; in steps that never hold more than four pictures of four bytes a pixel."""
    from PIL import Image, ImageChops, ImageOps

    picture = _reduced(picture, size)
    ImageOps.exif_transpose(picture, in_place=True)
    wanted = "L" if picture.mode in GREY_MODES else "RGB"
    if picture.mode in DEEP_MODES:
        return Image.fromarray(_to_bytes(picture, rules))
    if picture.mode in ALPHA_MODES or "transparency" in picture.info:
        if picture.mode not in ("RGBA", "RGBa"):
            picture = picture.convert("RGBA")
        if picture.mode == "RGBA":
            picture = picture.convert("RGBa")  # colours times alpha: what lies over black shows
        bands = [picture.getchannel(band) for band in "RGB"]
        if rules.ground == "white":
            rest = ImageChops.invert(picture.getchannel("a"))
            bands = [ImageChops.add(band, rest) for band in bands]
        picture = Image.merge("RGB", bands)
    return picture.copy() if picture.mode == wanted else picture.convert(wanted)


def _pixels(picture: Any, size: tuple[int, int] | None) -> Array:
    """The bytes of a grey or RGB picture, resized."""
    from PIL import Image

    if size is not None and picture.size != (size[1], size[0]):
        picture = picture.resize(
            (size[1], size[0]), Image.Resampling.BOX if _shrinks(picture, size) else Image.Resampling.BILINEAR
        )
    pixels = np.array(picture, np.uint8)
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def _shrinks(picture: Any, size: tuple[int, int]) -> bool:
    return bool(picture.size[0] >= size[1] and picture.size[1] >= size[0])


def _reduced(picture: Any, size: tuple[int, int] | None) -> Any:
    """A picture above the limit, made smaller by averaging over squares, but not below `size`."""
    if size is None or picture.size[0] * picture.size[1] <= MOST_PIXELS:
        return picture
    pixels = picture.size[0] * picture.size[1]
    factor = min(ceil(sqrt(pixels / MOST_PIXELS)), max(1, min(picture.size) // max(size)))
    if picture.mode in ("P", "1", "PA"):
        picture = picture.convert("RGBA" if "transparency" in picture.info or picture.mode == "PA" else "RGB")
    reduced = picture.reduce(factor) if factor > 1 and picture.mode not in DEEP_MODES else picture
    reduced.info = picture.info
    reduced.getexif().update(picture.getexif())
    return reduced


def _bands(picture: Any) -> Iterator[tuple[int, Array]]:
    """Rows of pixel values with the number of the first, ROWS at a time."""
    width, height = picture.size
    for top in range(0, height, ROWS):
        yield top, np.asarray(picture.crop((0, top, width, min(height, top + ROWS))))


def _to_bytes(picture: Any, rules: ReadingRules) -> Array:
    """Deep grey to 8 bits: by the rules' range, else the upper byte of 0 to 65535, and floats as 0 to 255."""
    found = np.empty(picture.size[::-1], np.uint8)
    for top, values in _bands(picture):
        rows = found[top : top + ROWS]
        if rules.scale is not None:
            scaled = (values.astype(np.float64) - rules.offset) * (255 / rules.scale)
            rows[...] = np.rint(np.clip(np.nan_to_num(scaled, posinf=255, neginf=0), 0, 255))
        elif values.dtype.kind == "f":
            rows[...] = np.clip(np.nan_to_num(values), 0, 255)
        else:
            rows[...] = np.clip(values.astype(np.int64), 0, 65535) >> 8
    return found


def with_channels(picture: Array, channels: int) -> Array:
    """The picture in grey (the mean of its channels, weighted as ITU-R 601-2 does) or in RGB."""
    if picture.shape[2] == channels:
        return picture
    if channels not in (1, 3):
        raise DataError(
            f"a picture has {picture.shape[2]} channels, but images of {channels} are expected, which no picture "
            "holds; give arrays"
        )
    if channels == 3:
        return np.repeat(picture, 3, axis=2)
    grey = np.empty((*picture.shape[:2], 1), np.uint8)
    for top in range(0, len(picture), ROWS):
        weighted = picture[top : top + ROWS].astype(np.float64) @ np.array([0.299, 0.587, 0.114])
        grey[top : top + ROWS, :, 0] = np.rint(weighted)
    return grey
