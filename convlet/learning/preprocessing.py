"""What happens to pixels before the first layer: each channel brought to mean 0 and standard deviation 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import fsum, isfinite, sqrt
from typing import Any

import numpy as np

from convlet.data.mapped import pieces
from convlet.layers.base import Array
from convlet.records.model import Scaling

LEAST_STD = 1e-30
"""The smallest std; 1 / std must stay a float32."""

LEAST_SHARE = 1e-7
"""A channel whose std is a smaller share of its mean counts as constant: to float32 its values are equal."""

LARGEST = 1e38
"""The largest |mean| / std; it must stay a float32."""


@dataclass(frozen=True)
class Preprocessing:
    """x = (pixel - mean) / std, computed as pixel * scale + offset in float32.

    Parameters
    ----------
    mean, std : C floats each, in pixel units; std above 0

    Raises
    ------
    ValueError : numbers that are not finite, a std that is not above 0, or differing lengths
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            object.__setattr__(self, name, _numbers(getattr(self, name), name))
        if not self.mean or len(self.mean) != len(self.std):
            raise ValueError(f"mean and std need one number per channel, but got {self.mean} and {self.std}")
        usable = all(isfinite(value) for value in (*self.mean, *self.std)) and min(self.std) >= LEAST_STD
        if not usable or max(abs(m) / s for m, s in zip(self.mean, self.std, strict=True)) > LARGEST:
            raise ValueError(
                f"mean must be finite and std at least {LEAST_STD}, and mean / std at most {LARGEST}, "
                f"but got {self.mean} and {self.std}"
            )

    @property
    def scale(self) -> Array:
        """Float32 (C,): 1 / std."""
        return np.array([1 / std for std in self.std], np.float32)

    @property
    def offset(self) -> Array:
        """Float32 (C,): -mean / std."""
        return np.array([-mean / std for mean, std in zip(self.mean, self.std, strict=True)], np.float32)

    def apply(self, images: Array) -> Array:
        """Float32 (N, H, W, C) of images (N, H, W, C), uint8 or float32."""
        with np.errstate(over="ignore", invalid="ignore"):  # whoever uses the values looks whether they are finite
            scaled: Array = images.astype(np.float32) * self.scale + self.offset
        return scaled

    @classmethod
    def from_images(cls, images: Array) -> Preprocessing:
        """Return the mean and standard deviation of each channel over all images and pixels.

        mean = sum x / n,  variance = sum (x - mean)**2 / n;  a constant channel gets the std 1

        For uint8 the sums are whole numbers and exact. For float32 they are float64 sums in a fixed order:
        images one after the other, then pixels, exactly rounded. The same images give the same bits.

        Parameters
        ----------
        images : (n, H, W, C) uint8 or finite float32, n >= 1
        """
        moments = _whole_moments(images) if images.dtype == np.uint8 else _float_moments(images)
        mean = tuple(mean for mean, _ in moments)
        return cls(mean, tuple(_std(mean, sqrt(variance)) for mean, variance in moments))

    def as_dict(self) -> Scaling:
        """Mean and std as lists, for JSON."""
        return {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocessing:
        """The preprocessing that `as_dict` described; ValueError where the values describe none."""
        if not isinstance(values, dict) or set(values) != {"mean", "std"}:
            raise ValueError("preprocessing needs mean and std, and nothing else")
        lists = values["mean"], values["std"]
        for numbers in lists:
            if not isinstance(numbers, list) or any(type(number) not in (int, float) for number in numbers):
                raise ValueError("mean and std must be lists of numbers")
        try:
            mean, std = (tuple(float(number) for number in numbers) for numbers in lists)
        except OverflowError:
            raise ValueError("mean and std must be finite numbers") from None
        return cls(mean, std)


def _numbers(given: Any, name: str) -> tuple[float, ...]:
    """The given numbers, one per channel, as a tuple of floats, or ValueError."""
    try:
        return tuple(map(float, given))
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be finite numbers, one per channel, but got {given!r:.60}") from None


def _std(mean: float, root: float) -> float:
    """The root of the variance, or 1 where the channel is constant but for rounding."""
    return root if root >= max(LEAST_STD, LEAST_SHARE * abs(mean)) else 1.0


def _whole_moments(images: Array) -> list[tuple[float, float]]:
    """Exact mean and variance, rounded once, of each channel of uint8 images (n, H, W, C)."""
    counts = np.zeros((images.shape[-1], 256), np.int64)
    for part in pieces(images):
        for channel, own in enumerate(counts):
            own += np.bincount(part[..., channel].reshape(-1), minlength=256)
    return [_moments_of(own.tolist()) for own in counts]


def _moments_of(counts: list[int]) -> tuple[float, float]:
    """Mean and variance of numbers of which `counts[v]` have the value v."""
    n = sum(counts)
    total = sum(value * count for value, count in enumerate(counts))
    squares = sum(value * value * count for value, count in enumerate(counts))
    return float(Fraction(total, n)), float(Fraction(n * squares - total * total, n * n))


def _float_moments(images: Array) -> list[tuple[float, float]]:
    """Mean and variance of each channel of float32 images (n, H, W, C), in float64."""
    n, height, width, channels = images.shape
    count = n * height * width
    zero = np.zeros(channels)
    mean = np.array([fsum(column) / count for column in _pixel_sums(images, zero, 1).T])
    variance = [fsum(column) / count for column in _pixel_sums(images, mean, 2).T]
    return list(zip(mean.tolist(), variance, strict=True))


def _pixel_sums(images: Array, center: Array, power: int) -> Array:
    """Sum of (x - center)**power over the images, one image after the other: float64 (H W, C)."""
    sums = np.zeros(images.shape[1:])
    for floats in pieces(images):
        part = floats.astype(np.float64) - center
        for image in part if power == 1 else part * part:
            sums += image
    return sums.reshape(-1, images.shape[-1])
