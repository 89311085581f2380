"""How training images are changed each time they are shown: a word of tokens, such as `shift2-flip-rotate10`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from convlet.errors import SettingsError


@dataclass(frozen=True)
class Change:
    """One row of the token table: a token with a number.

    token : what stands before the number, and the field that it sets
    whole, largest : whether the number must be whole, and the most it may be; it must be above 0
    """

    token: str
    whole: bool
    largest: float
    example: str


CHANGES = (
    Change("shift", True, 64, "shift2"),
    Change("rotate", False, 180, "rotate10"),
    Change("zoom", False, 0.9, "zoom0.1"),
    Change("elastic", False, 64, "elastic1.5"),
    Change("brightness", False, 10, "brightness0.2"),
    Change("contrast", False, 0.99, "contrast0.2"),
    Change("erase", False, 1, "erase0.2"),
    Change("cutmix", False, 1, "cutmix0.5"),
)

FLIPS = {"flip": "random", "flipalt": "alternate"}
"""Mirrored left to right: half of the time at random, or every second epoch."""


@dataclass(frozen=True)
class Augmentation:
    """What happens to an image before it is shown; 0 and "" for nothing.

    The order is: mirror, zoom and rotate about the centre, shift and bend (pixels from outside are those at the
    edge; between pixels, values are interpolated linearly), paste a part of another image under the same change,
    scale to mean 0 and standard deviation 1, contrast and brightness, erase.

    Parameters
    ----------
    shift : pixels; the shift is a whole number from -shift to shift in each direction
    flip : "random", "alternate" (each image in every second epoch) or ""
    rotate : degrees, from 0 to 180
    zoom : z, the image grows by a factor from 1 - z to 1 + z
    elastic : pixels; the points of a grid a quarter of the image apart move by up to this, those between along a
        cubic spline
    brightness : standard deviations of a channel, from -brightness to brightness
    contrast : c, the distance to the mean is multiplied by 1 - c to 1 + c
    erase : the largest share of the image that a rectangle set to the mean takes
    cutmix : probability that a rectangle of a random other image is pasted, and the label mixed by its area

    Sources: Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks" (elastic); Zhong et
    al. 2017, "Random erasing data augmentation"; Yun et al. 2019, "CutMix"; Jordan 2024, "94 % on CIFAR-10 in 3.29
    seconds", section 3.6 (alternating flip).
    """

    shift: int = 0
    flip: str = ""
    rotate: float = 0.0
    zoom: float = 0.0
    elastic: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    erase: float = 0.0
    cutmix: float = 0.0

    @property
    def moves_between_pixels(self) -> bool:
        """Whether values between pixels are needed."""
        return bool(self.rotate or self.zoom or self.elastic)

    def __bool__(self) -> bool:
        return self != Augmentation()

    def word(self) -> str:
        """The word of this augmentation: `parse_augmentation(a.word()) == a`; empty for none."""
        flips = [token for token, flip in FLIPS.items() if flip == self.flip]
        numbers = [f"{row.token}{_short(getattr(self, row.token))}" for row in CHANGES if getattr(self, row.token)]
        return "-".join([*flips, *numbers])


def parse_augmentation(word: str) -> Augmentation:
    """The augmentation of a word; an empty word is none.

    Raises
    ------
    SettingsError : an unknown token, one given twice, or a number out of range
    """
    if not isinstance(word, str):
        raise SettingsError(f"augment must be a word such as 'shift2-flip', but got {word!r:.60}")
    given: dict[str, Any] = {}  # each field has a type of its own
    for token in word.split("-") if word else []:
        name, value = _read(token, word)
        if name in given:
            raise SettingsError(f"augment '{word:.60}' says {name} twice; say it once")
        given[name] = value
    return Augmentation(**given)


def _read(token: str, word: str) -> tuple[str, Any]:
    """The field that a token sets, and its value."""
    if token in FLIPS:
        return "flip", FLIPS[token]
    found = re.fullmatch(r"([a-z]+?)([0-9]+(?:\.[0-9]+)?)", token)
    row = next((row for row in CHANGES if found and found[1] == row.token), None)
    if found is None or row is None:
        raise SettingsError(f"augment '{word:.60}': unknown token '{token:.30}'{_hint(token)}")
    if row.whole and "." in found[2]:
        raise SettingsError(f"augment '{word:.60}': {row.token} takes a whole number, but got {found[2]}")
    value = int(found[2]) if row.whole else float(found[2])
    if not 0 < value <= row.largest:
        raise SettingsError(
            f"augment '{word:.60}': {row.token} must be above 0 and at most {row.largest:g}, but got {found[2]}"
        )
    return row.token, value


def _hint(token: str) -> str:
    """What an unknown token was probably meant to be, else all there are."""
    known = {**{flip: flip for flip in FLIPS}, **{row.token: row.example for row in CHANGES}}
    close = get_close_matches(re.sub(r"[^a-z].*", "", token.lower()), known, 1, 0.6)
    if close:
        return f"; did you mean '{known[close[0]]}'?" if close[0] in FLIPS else f"; write it as in '{known[close[0]]}'"
    return f"; expected {', '.join(known.values())}"


def _short(value: float) -> str:
    """2.0 as `2`, 0.25 as `0.25`: digits without an exponent that read back as the same number."""
    return str(value) if isinstance(value, int) else np.format_float_positional(value, trim="-")
