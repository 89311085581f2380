"""In what an image is unlike the training images, in words that a person can act on."""

from __future__ import annotations

from typing import Any

import numpy as np

from convlet.likeness.measures import NAMES, grey, measure
from convlet.likeness.training_images import PIECE, TrainingImages

Array = np.ndarray[Any, Any]

RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 16.0), (0.0, 255.0), (0.0, 65535.0))
"""Ranges of pixel values in use."""

SMALL, OUTSIDE, FAR = 0.1, 0.25, 1.0
"""Values belong to another range if they look like another one of RANGES and span less than the first fraction of the
training images', or leave those by more than the second; of values like none of RANGES if they leave by the third."""

BLANK = 0.02
"""Contrast up to which an image shows nothing, if training images have at least twice as much."""

FLIPPED = 0.3
"""Lean beyond which an image is on the other side of its ground."""

SLACK, SLACK_OF_FEW = 0.1, 4.0
"""A measure may leave its quantiles by (first + second / sqrt(images measured)) of their distance to the median."""

PIXELS = 1.5
"""Pixels by which places and sizes may lie outside as well."""

LEVEL, CONTRAST = 0.03, 0.15
"""Levels by which border and unevenness may lie outside as well, as of noise and compression; and the contrast."""

PLAIN_WORDS = (
    ("border", "its border is brighter than that of", "its border is darker than that of"),
    ("smoothness", "smoother than", "rougher than"),
)
"""What is said of images without an even ground: measure, words if it is high, words if it is low."""

FEATURES = "unlike anything in the training images"


def range_note(images: Array, known: TrainingImages) -> str | None:
    """What to compute if the values of images (n, H, W, C) are not in the training images' range; else None."""
    low, high = float(images.min()), float(images.max())
    span = known.high - known.low
    if span <= 0 or low == high or _fits(low, high, known):
        return None
    here, there = _range(low, high), _range(known.low, known.high)
    is_known = here is not None and there is not None and here != there
    leaves = (OUTSIDE if is_known else FAR) * span
    outside = low < known.low - leaves or high > known.high + leaves
    if not outside and not (is_known and here is not None and here[1] - here[0] <= SMALL * span):
        return None
    said = f"values from {low:g} to {high:g}, but the training images have {known.low:g} to {known.high:g}"
    if here is None or there is None or not is_known:
        return f"{said}: scale them as the training images were"
    return f"{said}: compute {_formula(here, there)}"


def in_range(images: Array, known: TrainingImages) -> Array:
    """The images float32, brought to the training images' range if they are of another one that is known."""
    here, there = _range(float(images.min()), float(images.max())), _range(known.low, known.high)
    if range_note(images, known) is None or here is None or there is None or here == there:
        return images
    scale = (there[1] - there[0]) / (here[1] - here[0])
    return ((images.astype(np.float64) - here[0]) * scale + there[0]).astype(np.float32)


def unlike(images: Array, known: TrainingImages, logits: Array | None = None) -> list[list[str]]:
    """For each image what is unlike the training images, the most telling first; an empty list if nothing is.

    Parameters
    ----------
    images : (n, H, W, C), uint8 or float32, in the form the network takes
    logits : float32 (n, K), what the network puts out for them; None to look at the images alone
    """
    found: list[list[str]] = []
    at_once = max(1, PIECE // max(1, int(np.prod(images.shape[1:]))))
    for first in range(0, len(images), at_once):
        found += _of_pixels(images[first : first + at_once], known)
    if logits is not None and known.scores is not None:
        for notes, far in zip(found, known.scores.unlike(logits), strict=True):
            if far and not notes:
                notes.append(FEATURES)
    return found


def _of_pixels(images: Array, known: TrainingImages) -> list[list[str]]:
    notes = [[note] if (note := range_note(image[None], known)) else [] for image in images]
    if not known.lows:
        return notes
    values = measure(grey(images, known.low, known.high))
    low, high = bounds(known, images.shape[1:3])
    for own, row, below, above in zip(notes, values, values < low, values > high, strict=True):
        if not own:
            own += _words(row, below, above, known)
    return notes


def bounds(known: TrainingImages, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """The lowest and highest value of each measure that pass as like the training images: float64 (len(NAMES),)."""
    height, width = shape
    low, middle, high = (np.array(row) for row in (known.lows, known.middles, known.highs))
    share = SLACK + SLACK_OF_FEW / np.sqrt(known.measured)
    more = dict.fromkeys(NAMES, 0.0) | {"border": LEVEL, "unevenness": LEVEL, "contrast": CONTRAST, "lean": 0.05}
    more |= {"side": PIXELS / max(height, width), "height": PIXELS / height, "width": PIXELS / width}
    more |= {"down": PIXELS / height, "across": PIXELS / width, "ink": 0.01, "thickness": 0.01, "smoothness": 0.02}
    slack = np.array([more[name] for name in NAMES])
    return low - share * (middle - low) - slack, high + share * (high - middle) + slack


def _words(row: Array, below: Array, above: Array, known: TrainingImages) -> list[str]:
    """What the measures of one image say."""
    is_low, is_high = dict(zip(NAMES, below.tolist(), strict=True)), dict(zip(NAMES, above.tolist(), strict=True))
    value = dict(zip(NAMES, row.tolist(), strict=True))
    least = known.lows[NAMES.index("contrast")]
    if value["contrast"] <= BLANK and least >= 2 * BLANK:
        return ["blank: there is nothing in it"]
    words = ["fainter than any training image"] if is_low["contrast"] else []
    flipped = _flipped(value["lean"], known)
    if flipped is not None and (is_low["lean"] or is_high["lean"]):
        words.insert(0, flipped)
    if not known.drawn:
        # without an even ground there is no ink, so only light, contrast and texture are compared
        for name, more, less in PLAIN_WORDS:
            words += [f"{more if is_high[name] else less} any training image"] * (is_high[name] or is_low[name])
        return words
    if flipped is None and (is_high["border"] or is_low["border"] or is_high["unevenness"]):
        words.append("its ground is not that of the training images")
    sizes = [("height", "width", "side"), ("down", "across")]
    small, large = (any(side[name] for name in sizes[0]) for side in (is_low, is_high))
    words += [f"drawn {'smaller' if small else 'larger'} than the training images"] if small or large else []
    words += ["off-centre"] if any(is_low[name] or is_high[name] for name in sizes[1]) else []
    words += ["thinner than the training images"] if is_low["thickness"] else []
    words += ["thicker than the training images"] if is_high["thickness"] else []
    if not words and (is_low["ink"] or is_high["ink"]):
        words.append(f"{'less' if is_low['ink'] else 'more'} is drawn than in any training image")
    return words


def _flipped(lean: float, known: TrainingImages) -> str | None:
    """The words for an image on the other side of its ground than the training images; None for any other one."""
    low, usual, high = (row[NAMES.index("lean")] for row in (known.lows, known.middles, known.highs))
    if lean < -FLIPPED and (low > FLIPPED or (known.drawn and usual > 0)):
        return "dark on light, but the training images are light on dark"
    if lean > FLIPPED and (high < -FLIPPED or (known.drawn and usual < 0)):
        return "light on dark, but the training images are dark on light"
    return None


def _fits(low: float, high: float, known: TrainingImages) -> bool:
    """Whether values lie within the training images' and span a good part of them: the usual case, found fast."""
    return known.low <= low and high <= known.high and high - low > SMALL * (known.high - known.low)


def _range(low: float, high: float) -> tuple[float, float] | None:
    """The narrowest of RANGES that holds these values and that they nearly fill; None if there is none."""
    for start, end in sorted(RANGES, key=lambda one: one[1] - one[0]):
        if start <= low and high <= end and high > end / 2 and (start == 0 or low < 0):
            return start, end
    return None


def _formula(here: tuple[float, float], there: tuple[float, float]) -> str:
    """`x * 255`, `(x + 1) * 127.5`, ...: from one range to another."""
    scale = (there[1] - there[0]) / (here[1] - here[0])
    made = "x" if here[0] == 0 else f"(x {'+' if here[0] < 0 else '-'} {abs(here[0]):g})"
    made += f" * {scale:g}" if scale >= 1 else f" / {1 / scale:g}"
    return made if there[0] == 0 else f"{made} {'-' if there[0] < 0 else '+'} {abs(there[0]):g}"
