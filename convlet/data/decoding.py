"""Surveyed pictures decoded into arrays: their sizes and the memory are checked, then one is read after the other."""

from __future__ import annotations

import numpy as np

from convlet.data import headers, pictures
from convlet.data.dataset import Array
from convlet.data.layout import Taken
from convlet.data.reading_rules import ReadingRules
from convlet.data.tree import Tree
from convlet.errors import DataError

MOST_BYTES = 8 * 2**30
"""Pixels of all pictures together; a folder with more is refused."""


def check_sizes(tree: Tree, every: list[Taken], looks: dict[int, headers.Look], size: tuple[int, int] | None) -> None:
    """Without --size all pictures must have one size; together they must fit into memory."""
    first = looks[id(every[0].item)].size
    if size is None:
        for taken in every:
            h, w = looks[id(taken.item)].size
            if (h, w) != first:
                raise DataError(
                    f"{tree.shown(taken.item)}: is {h}x{w}, but {every[0].item.name} is {first[0]}x{first[1]}; "
                    "pictures must have one size, resize them with --size, as in --size 32x32"
                )
    h, w = size or first
    channels = max(looks[id(taken.item)].channels for taken in every)
    if len(every) * h * w * channels > MOST_BYTES:
        raise DataError(
            f"{tree.root}: {len(every):,} pictures of {h}x{w} are more than {MOST_BYTES // 2**30} GiB; "
            "make them smaller with --size"
        )


class Reader:
    """Decodes pictures one after the other into one array a part; remembers what failed and what moves."""

    def __init__(self, tree: Tree, size: tuple[int, int] | None, rules: ReadingRules, channels: int) -> None:
        self.tree, self.size, self.rules, self.channels = tree, size, rules, channels
        self.shape: tuple[int, int] | None = None
        self.first = ""
        self.bad: list[str] = []
        self.moving = 0

    def read(self, wanted: list[Taken]) -> tuple[Array, list[Taken]]:
        """The images of these pictures, (n, H, W, C) uint8, and those of them that could be read."""
        images: Array | None = None
        kept: list[Taken] = []
        for taken in wanted:
            try:
                found = self._decode(taken)
            except DataError as error:
                self.bad.append(str(error))
                continue
            if images is None:
                images = np.empty((len(wanted), *found.shape[:2], self.channels), np.uint8)
            elif found.shape[2] > images.shape[3]:  # a header promised grey
                images = np.repeat(images, 3, axis=3)
                self.channels = 3
            images[len(kept)] = pictures.with_channels(found, images.shape[3])
            kept.append(taken)
        return (np.empty((0, 1, 1, 1), np.uint8) if images is None else images[: len(kept)]), kept

    def widened(self, images: Array) -> Array:
        """Images in the channels of all parts."""
        return images if images.shape[3] == self.channels else np.repeat(images, 3, axis=3)

    def _decode(self, taken: Taken) -> Array:
        shown = self.tree.shown(taken.item)
        with self.tree.opened(taken.item, "a picture", pictures.most_bytes(self.size)) as file:
            found = pictures.decode(shown, file, self.size, self.rules)
        self.moving += found.moves
        pixels = found.pixels.transpose(1, 0, 2) if self.rules.transpose else found.pixels
        if self.shape is None:
            self.shape, self.first = (pixels.shape[0], pixels.shape[1]), taken.item.name
        if pixels.shape[:2] != self.shape:
            raise DataError(
                f"{shown}: is {pixels.shape[0]}x{pixels.shape[1]}, but {self.first} is "
                f"{self.shape[0]}x{self.shape[1]}; pictures must have one size, resize them with --size"
            )
        return pixels
