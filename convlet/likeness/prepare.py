"""A picture of writing made as the training images are: ground, side, size, width of strokes and place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from convlet.errors import DataError
from convlet.likeness.ink import found_ink, thickened
from convlet.likeness.measures import INK, NAMES, measure
from convlet.likeness.resample import drawn_at, reduced, resized
from convlet.likeness.training_images import TrainingImages
from convlet.likeness.unlike import in_range, range_note, unlike

Array = np.ndarray[Any, Any]

MOST_SIDE = 256
"""Pixels a side that are searched for ink; a larger picture is reduced first."""

FINE = 4
"""Pixels of a picture for one of the frame, from which on more are not worth their time."""

ASPECT = 1.1
"""Ratio of the shapes of picture and frame from which on resizing would distort what is drawn."""

THICKNESS, THIN = 0.85, 0.75
"""Fraction of the usual width that thin strokes are brought to; they are thin below the second fraction of that."""

FULL, MOST_GAIN = 0.97, 2.0
"""This quantile of the ink is brought to its full strength, but by no more than this factor."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture as a network takes it, and what was done to it.

    pixels : (H, W, C), uint8 or float32
    steps : in words, in order; empty if it was only resized
    """

    pixels: Array
    steps: tuple[str, ...] = ()


def prepared(image: Any, known: TrainingImages | None, shape: tuple[int, ...]) -> Prepared:
    """Do to a picture what it needs to be like the training images.

    Parameters
    ----------
    image : (h, w), (h, w, 1) or (h, w, 3) numbers, of any size from 1x1 on
    known : what the training images are like; None if nobody knows, then it is only resized
    shape : of an image of the network (H, W, C)

    Raises
    ------
    DataError : an image of another shape, or values that are not finite
    """
    picture = _picture(image, shape[2])
    plain = _plain(picture, shape)
    if known is None:
        return Prepared(plain)
    steps: list[str] = []
    if range_note(picture[None], known) is not None:
        scaled = in_range(picture[None], known)[0]
        if scaled is not picture:
            picture, steps = scaled, ["values scaled"]
            plain = _plain(picture, shape)
    if not known.drawn or not known.lows or (not _is_distorted(picture, shape) and not unlike(plain[None], known)[0]):
        return Prepared(plain, tuple(steps))
    span = known.high - known.low
    levels = np.clip(
        (reduced(picture, max(MOST_SIDE, FINE * max(shape[:2]))).astype(np.float64) - known.low) / span, 0, 1
    )
    found = found_ink(levels)
    if found is None:
        return Prepared(plain, tuple(steps))
    ink, side = found
    steps.append("ground taken away")
    if side != (1 if known.typical["lean"] > 0 else -1):
        steps.append("inverted")
    framed, more = _framed(ink, known, (shape[0], shape[1]))
    return Prepared(_as_pixels(framed, known, shape, picture.dtype), (*steps, *more))


def _picture(image: Any, channels: int) -> Array:
    """The picture (h, w, 1 or 3), checked; grey where the network takes colours is repeated."""
    picture = np.asarray(image)
    if picture.dtype.kind not in "buif":
        raise DataError(f"the image must be numbers (uint8 or float), but got dtype {picture.dtype}")
    if picture.ndim == 2:
        picture = picture[..., None]
    if picture.ndim != 3 or min(picture.shape) < 1 or picture.shape[2] not in (1, 3, channels):
        raise DataError(f"the image must be (h, w), (h, w, 1) or (h, w, 3), but got shape {picture.shape}")
    if picture.dtype != np.uint8:
        with np.errstate(over="ignore"):
            picture = picture.astype(np.float32)
        if not np.isfinite(picture).all():
            raise DataError("the image must be finite; mend or leave out its values that are not")
    return picture


def _plain(picture: Array, shape: tuple[int, ...]) -> Array:
    """The picture resized, in the channels of the network, in its own type."""
    from convlet.likeness.measures import WEIGHTS

    pixels = picture
    if picture.shape[:2] != tuple(shape[:2]):
        pixels = resized(picture.astype(np.float64), (shape[0], shape[1]))
    if pixels.shape[2] != shape[2]:
        grey = pixels @ WEIGHTS.astype(np.float64) if pixels.shape[2] == 3 else pixels.mean(axis=2)
        pixels = np.repeat(grey[..., None], shape[2], axis=2)
    return _of_type(pixels, picture.dtype)


def _of_type(pixels: Array, dtype: Any) -> Array:
    if pixels.dtype == dtype:
        return pixels
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8) if dtype == np.uint8 else pixels.astype(np.float32)


def _is_distorted(picture: Array, shape: tuple[int, ...]) -> bool:
    ratio = picture.shape[0] * shape[1] / (picture.shape[1] * shape[0])
    return max(ratio, 1 / ratio) > ASPECT


def _framed(ink: Array, known: TrainingImages, frame: tuple[int, int]) -> tuple[Array, list[str]]:
    """The ink cut out, scaled, thickened and centred in a frame (H, W), and what was done."""
    usual, longer = known.typical, max(frame)
    box = _box(ink)
    steps = [] if ink.shape == box.shape else ["cut out"]
    scale = usual["side"] * longer / max(box.shape)
    most = min(
        frame[0] * known.highs[NAMES.index("height")] / box.shape[0],
        frame[1] * known.highs[NAMES.index("width")] / box.shape[1],
    )
    scale = min(scale, most)
    radius = _missing(box, scale, known, longer)
    if radius > 0:
        side = max(box.shape)
        box, scale = thickened(box, radius), scale * side / (side + 2 * radius)
        steps.append("strokes thickened")
    steps.append("scaled")
    total = box.sum()
    centre = (
        (box.sum(axis=1) @ (np.arange(box.shape[0]) + 0.5)) / total,
        (box.sum(axis=0) @ (np.arange(box.shape[1]) + 0.5)) / total,
    )
    target = usual["down"] * frame[0], usual["across"] * frame[1]
    at = tuple(t - scale * c for t, c in zip(target, centre, strict=True))
    framed = drawn_at(box, frame, (scale, scale), (at[0], at[1]))
    full = float(np.quantile(framed[framed > INK], FULL)) if (framed > INK).any() else float(framed.max())
    return np.clip(framed * min(MOST_GAIN, 1 / max(full, 1e-6)), 0, 1), [*steps, "centred"]


def _missing(ink: Array, scale: float, known: TrainingImages, longer: int) -> float:
    """By how many of its pixels, on each side, the strokes of ink (h, w) are to grow; 0 if they are thick enough.

    scale : pixels of the frame for one of the ink
    longer : pixels of the longer side of the frame
    """
    place = NAMES.index("thickness")
    padded = np.pad(ink, 1).astype(np.float32)
    width = float(measure(padded[None])[0, place]) * max(padded.shape) * scale
    wanted = THICKNESS * known.middles[place] * longer
    is_thin = width < known.lows[place] * longer or width < THIN * wanted
    return max(0.0, (wanted - width) / 2 / scale) if is_thin else 0.0


def _box(ink: Array) -> Array:
    """The part of ink (h, w) between its first and last rows and columns."""
    rows, columns = np.flatnonzero(ink.max(axis=1) >= INK), np.flatnonzero(ink.max(axis=0) >= INK)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _as_pixels(ink: Array, known: TrainingImages, shape: tuple[int, ...], dtype: Any) -> Array:
    """Ink (H, W) in the levels of the training images: pixels of `shape` and of this type."""
    usual = known.typical
    side = 1 if usual["lean"] > 0 else -1
    levels = usual["border"] + side * usual["contrast"] * ink
    values = np.clip(levels, 0, 1) * (known.high - known.low) + known.low
    return _of_type(np.repeat(values[..., None], shape[2], axis=2), dtype)
