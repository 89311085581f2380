"""What every source of images becomes: training, validation and test images with their labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convlet.data.reading_rules import PLAIN, ReadingRules
from convlet.records.data import DataFacts, Reading

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Rows:
    """The names of images that share a file: 8 bytes an image, each name is made when it is asked for.

    form : the name of the file with {} where an image's number goes, split there, as ("train.csv:", "")
    numbers : (n,) int64, the row of each image in the file
    """

    form: tuple[str, str]
    numbers: Array

    @classmethod
    def all_of(cls, array: str, count: int) -> Rows:
        """Of every image of an array, as in `images.npy[12]`, counted from 0."""
        return cls((f"{array}[", "]"), np.arange(count))

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, number: int) -> str:
        return f"{self.form[0]}{int(self.numbers[number])}{self.form[1]}"

    def __iter__(self) -> Iterator[str]:
        return (self[number] for number in range(len(self)))

    def take(self, numbers: Array) -> Rows:
        """The names of the images with these numbers, in this order."""
        return Rows(self.form, self.numbers[numbers])


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images and their labels.

    images : (n, H, W, C) uint8 or float32, C-contiguous
    labels : (n,) int64, numbers of the classes
    names : where each image lies: (n,) object, the paths of files (texts that all parts and subsets share), or the
        rows of one file; None if it is not known
    """

    images: Array
    labels: Array
    names: Array | Rows | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, numbers: Array) -> ImageSet:
        """The images with these numbers, in this order."""
        names = None if self.names is None else self.names.take(numbers)
        return ImageSet(np.ascontiguousarray(self.images[numbers]), self.labels[numbers], names)

    def name(self, number: int) -> str | None:
        """Where an image lies: its path, or file and row; None if it is not known."""
        return None if self.names is None else str(self.names[number])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set cut into three parts that share no image.

    name, source : what the user asked for, and where it was found
    classes : the name of each class, in the order of the labels
    pictures : what the images show, as far as a recipe must know it: "writing", whose mirror image is another sign;
        "objects", whose mirror image is as good; "" for not known
    rules : how its pictures were read; new ones must be read in the same way
    reading : what else a result must say of how it was read, as in {"skipped": 2}
    test_copies : (n,) bool, which test images are training images too; None if none is
    """

    name: str
    source: str
    classes: tuple[str, ...]
    train: ImageSet
    validation: ImageSet
    test: ImageSet
    pictures: str = ""
    rules: ReadingRules = PLAIN
    reading: Reading = field(default_factory=dict)
    test_copies: Array | None = None

    @property
    def parts(self) -> Iterator[tuple[str, ImageSet]]:
        yield from (("train", self.train), ("validation", self.validation), ("test", self.test))

    @property
    def in_files(self) -> bool:
        """Whether each image has a file of its own."""
        return isinstance(self.train.names, np.ndarray)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        h, w, c = self.train.images.shape[1:]
        return h, w, c

    def fingerprint(self) -> str:
        """SHA-256 over the shapes, images and labels of training, validation and test images, in that order."""
        digest = hashlib.sha256()
        for name, part in self.parts:
            digest.update(f"{name} {part.images.shape} {part.images.dtype.str}".encode())
            digest.update(np.ascontiguousarray(part.images).data)
            digest.update(np.ascontiguousarray(part.labels).data)
        return digest.hexdigest()

    def describe(self) -> DataFacts:
        """What a result says about its data."""
        described: DataFacts = {
            "name": self.name,
            "source": self.source,
            "train_images": len(self.train),
            "validation_images": len(self.validation),
            "test_images": len(self.test),
            "image_shape": list(self.image_shape),
            "classes": list(self.classes),
            "fingerprint": self.fingerprint(),
        }
        if self.reading:
            described["reading"] = dict(self.reading)
        return described
