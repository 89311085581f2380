"""Pictures given as a list of paths or of Pillow's images, read through the same door as a folder's."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from convlet.data import decoding, folders, headers, pictures
from convlet.data.dataset import Array
from convlet.data.layout import Taken
from convlet.data.reading_rules import ReadingRules
from convlet.data.rules import found_rules
from convlet.data.tree import Item, Tree
from convlet.errors import DataError


def is_list(given: Any) -> bool:
    """Whether these are paths or Pillow's images, one each."""
    given = _plain(given)
    if isinstance(given, np.ndarray):
        if given.ndim != 1 or given.dtype.kind not in "OU":
            return False
    elif not isinstance(given, list | tuple):
        return False
    return len(given) > 0 and all(isinstance(one, str | os.PathLike) or _is_image(one) for one in given)


def read(given: Sequence[Any], size: tuple[int, int] | None, rules: ReadingRules | None) -> tuple[Array, ReadingRules]:
    """The images (n, H, W, C) uint8 of a list, and the rules they were read by.

    Parameters
    ----------
    given : paths or Pillow's images
    size : height and width to resize to; None: all must have one size
    rules : those of the training set; None to find them from these pictures

    Raises
    ------
    DataError : pictures that cannot be read, all of them named, or pictures of several sizes
    """
    tree = _List(_plain(given))
    taken, looks, bad = [], {}, []
    for item in tree.items:
        try:
            look = headers.look(tree, item)
            pictures.check_pixels(tree.shown(item), look.size, size, look.format)
        except DataError as error:
            bad.append(str(error))
            continue
        looks[id(item)] = look
        taken.append(Taken(item, ""))
    if bad:
        raise DataError(folders.all_named("X", bad))
    decoding.check_sizes(tree, taken, looks, size)
    if rules is None:
        rules = replace(found_rules(tree, taken, looks, size)[0], size=size)
    channels = max(looks[id(one.item)].channels for one in taken)
    reader = decoding.Reader(tree, size, rules, channels)
    images, _ = reader.read(taken)
    if reader.bad:
        raise DataError(folders.all_named("X", reader.bad))
    return images, rules


class _List(Tree):
    """A list as a tree: each picture stands for a file."""

    def __init__(self, given: Sequence[Any]) -> None:
        self.root = Path()
        self.given = given
        self.items = [Item((str(number), _name(one, number))) for number, one in enumerate(given)]
        self.hidden, self.empty = [], []

    def shown(self, item: Item) -> str:
        one = self.given[int(item.parts[0])]
        return f"image {item.parts[0]}" if _is_image(one) else os.fspath(one)

    @contextmanager
    def opened(self, item: Item, what: str, most: int | None = None) -> Iterator[IO[bytes]]:
        one = self.given[int(item.parts[0])]
        if not _is_image(one):
            with super().opened(item, what, most) as file:
                yield file
            return
        yield io.BytesIO(_encoded(one))

    def start(self, item: Item, count: int) -> bytes:
        one = self.given[int(item.parts[0])]
        return _encoded(one)[:count] if _is_image(one) else super().start(item, count)


def _plain(given: Any) -> Any:
    """A column of a table as an array."""
    return given.to_numpy() if hasattr(given, "to_numpy") and getattr(given, "ndim", 0) == 1 else given


def _is_image(one: Any) -> bool:
    """Whether this is one of Pillow's images; Pillow is not imported for it."""
    return any(kind.__module__ == "PIL.Image" and kind.__name__ == "Image" for kind in type(one).__mro__)


def _name(one: Any, number: int) -> str:
    return f"{number}" if _is_image(one) else os.path.basename(os.fspath(one)) or f"{number}"


def _encoded(image: Any) -> bytes:
    """An image without loss, as a file holds it: what is decided by headers is decided here too."""
    file = io.BytesIO()
    form = "TIFF" if image.mode in ("F", "CMYK", "I", "YCbCr", "LAB", "I;16B", "PA", "La", "RGBa") else "PNG"
    image = image.convert("RGB") if image.mode in ("HSV", "RGBX") else image
    image.save(file, form, **({"exif": image.getexif()} if len(image.getexif()) else {}))
    return file.getvalue()
