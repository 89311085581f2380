"""What was read is looked at once more: parts fit together, classes have images, images hold something to learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from convlet.data.dataset import Array, ImageSet
from convlet.data.survey import Read, some
from convlet.errors import DataError

TOO_FEW_GREYS = 2
"""Grey levels that are left of deep pictures if one value far from all others stretched their range."""


def check(found: Read, path: Path) -> None:
    """Refuse parts that do not fit together, and images that cannot tell classes apart; drop empty classes."""
    parts = found.parts
    shapes = {part.images.shape[1:] for part in parts.values()}
    if len(shapes) == 1 and len({part.images.dtype for part in parts.values()}) > 1:
        for name, part in parts.items():
            parts[name] = ImageSet(part.images.astype(np.float32), part.labels, part.names)
    if len(shapes) > 1:
        listed = ", ".join(f"{name} {part.images.shape[1:]}" for name, part in parts.items())
        raise DataError(f"{path}: the parts differ in the form of their images: {listed}")
    _drop_empty(found, path)
    if len(found.classes) < 2:
        raise DataError(f"{path}: there is only the class '{found.classes[0]}'; at least two are needed")
    _check_pixels(parts["train"].images, len(found.classes), found, path)


def _drop_empty(found: Read, path: Path) -> None:
    """Drop classes without a training image; one that other parts have is refused."""
    counts = np.bincount(found.parts["train"].labels, minlength=len(found.classes))
    if counts.all():
        return
    for name, part in found.parts.items():
        lost = [found.classes[label] for label in np.unique(part.labels) if not counts[label]]
        if lost:
            raise DataError(
                f"{path}: class '{lost[0]}' has {name} images, but no training image; every class needs one"
            )
    place = np.cumsum(counts > 0) - 1
    empty = [name for name, count in zip(found.classes, counts, strict=True) if not count]
    found.notes.append(f"classes without an image, dropped: {some(empty)}")
    found.classes = tuple(name for name, count in zip(found.classes, counts, strict=True) if count)
    for name, part in found.parts.items():
        found.parts[name] = ImageSet(part.images, place[part.labels], part.names)


def _check_pixels(images: Array, classes: int, found: Read, path: Path) -> None:
    """Raise DataError for training images of which nothing can be learned."""
    if found.rules.scale is not None and images.dtype == np.uint8:
        levels = np.count_nonzero(np.bincount(images.ravel(), minlength=256))
        if levels <= TOO_FEW_GREYS < found.rules.scale:
            raise DataError(
                f"{path}: of deep pictures with values from {found.rules.offset:g} to "
                f"{found.rules.offset + found.rules.scale:g} only {levels} grey levels are left; a few pixels far from "
                "all others stretch the range, remove them"
            )
    flat = images.reshape(len(images), -1)
    if len(flat) > 1 and (flat == flat[0]).all():
        raise DataError(f"{path}: all {len(flat):,} training images are equal; nothing can be learned. {_why(found)}")
    if len(flat) > 1 and (flat == flat[:, :1]).all() and len(np.unique(flat[:, 0])) < classes:
        raise DataError(f"{path}: every training image is of one grey; nothing can be learned. {_why(found)}")


def _why(found: Read) -> str:
    in_files = isinstance(found.parts["train"].names, np.ndarray)
    return "Open one of the files: is it what you expect?" if in_files else "Look at one."
