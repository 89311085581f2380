"""One picture from a file: decoded with care, as uint8 (H, W, 1) or (H, W, 3).

A file is refused by its size, its format, its pixels and its frames before a pixel is decoded. Transparent parts are
laid over black; 16-bit grey is scaled to 8; every other form becomes grey or RGB; a camera's rotation is applied.
"""

from __future__ import annotations

import logging
import warnings
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from convlet.data.dataset import Array
from convlet.errors import DataError
from convlet.system.reading import opened

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"))
MOST_BYTES = 8 * 2**20
MOST_PIXELS = 4_000_000
DEEP_MODES = frozenset(("I", "I;16", "I;16L", "I;16B", "F"))
ALPHA_MODES = frozenset(("LA", "PA", "RGBA", "RGBa", "La"))
GREY_MODES = DEEP_MODES | {"1", "L", "LA"}
ROWS = 64
"""Rows that are converted at once; it bounds the memory."""

# what Pillow has to say about a damaged file is said in our error; a program that wants its lines still gets them
logging.getLogger("PIL").addHandler(logging.NullHandler())


def read(path: str | Path, size: tuple[int, int] | None = None) -> Array:
    """The picture in a file, uint8 (H, W, C), C 1 for grey and 3 for colour.

    Parameters
    ----------
    path : a PNG, JPEG, BMP, GIF, TIFF, WEBP or PPM file of one frame
    size : height and width to resize to, by averaging over areas

    Raises
    ------
    DataError : no such file, another format, too large, several frames, or damaged
    """
    path = Path(path)
    with opened(path, "a picture", MOST_BYTES, DataError) as file:
        return _decode(path, file, size)


def _decode(path: Path, file: BufferedReader, size: tuple[int, int] | None) -> Array:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limits and oddities; ours are checked below
            with Image.open(file, formats=FORMATS) as picture:
                _check(path, picture)
                picture.load()
                converted = _plain(picture)
            return _pixels(converted, size)  # the decoded picture is let go first
    except UnidentifiedImageError:
        raise DataError(f"{path}: is no picture of a known format ({', '.join(FORMATS)})") from None
    except Image.DecompressionBombError:
        raise DataError(f"{path}: has more than {MOST_PIXELS:,} pixels; make it smaller") from None
    except DataError:
        raise
    except Exception as error:  # whatever a decoder raises, the file made it raise
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system refused to read on; see `opened`
        raise DataError(f"{path}: the picture is damaged or cut short ({error})") from None


def _check(path: Path, picture: Any) -> None:
    """Refuse, before decoding, what is too large or moves."""
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise DataError(
            f"{path}: has {height} x {width} pixels; a picture may have at most {MOST_PIXELS:,}, make it smaller"
        )
    if _moves(picture):
        raise DataError(f"{path}: has more than one frame; expected a picture of one")


def _moves(picture: Any) -> bool:
    """Whether there is a second frame. Those of GIF and TIFF are not counted: a file could hold half a million."""
    if picture.format not in ("GIF", "TIFF"):
        return bool(getattr(picture, "n_frames", 1) != 1)
    try:
        picture.seek(1)
    except EOFError:
        picture.seek(0)
        return False
    return True


def _plain(picture: Any) -> Any:
    """The picture in grey or RGB; in steps that never hold more than four pictures of four bytes a pixel."""
    from PIL import Image, ImageOps

    ImageOps.exif_transpose(picture, in_place=True)
    wanted = "L" if picture.mode in GREY_MODES else "RGB"
    if picture.mode in DEEP_MODES:
        return Image.fromarray(_to_bytes(picture))
    if picture.mode in ALPHA_MODES or "transparency" in picture.info:
        if picture.mode not in ("RGBA", "RGBa"):
            picture = picture.convert("RGBA")
        if picture.mode == "RGBA":
            picture = picture.convert("RGBa")  # colours times alpha: what lies over black shows
        picture = Image.merge("RGB", [picture.getchannel(band) for band in "RGB"])
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


def _to_bytes(picture: Any) -> Array:
    """16-bit or wider grey to 8 bits: the upper byte of 0 to 65535; floats are taken as 0 to 255."""
    width, height = picture.size
    found = np.empty((height, width), np.uint8)
    for top in range(0, height, ROWS):
        rows = found[top : top + ROWS]
        values = np.asarray(picture.crop((0, top, width, top + len(rows))))
        if values.dtype.kind == "f":
            rows[...] = np.clip(np.nan_to_num(values), 0, 255)
        else:
            rows[...] = np.clip(values.astype(np.int64), 0, 65535) >> 8
    return found


def with_channels(picture: Array, channels: int) -> Array:
    """The picture in grey (the mean of its channels, weighted as ITU-R 601-2 does) or in RGB."""
    if picture.shape[2] == channels:
        return picture
    if channels == 3:
        return np.repeat(picture, 3, axis=2)
    grey = np.empty((*picture.shape[:2], 1), np.uint8)
    for top in range(0, len(picture), ROWS):
        weighted = picture[top : top + ROWS].astype(np.float64) @ np.array([0.299, 0.587, 0.114])
        grey[top : top + ROWS, :, 0] = np.rint(weighted)
    return grey
