"""Data: from a name, a folder or a file to training, validation and test images. Knows nothing of networks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from convlet.data import checks, guess, named, splits
from convlet.data.choices import Choices
from convlet.data.dataset import Array, Dataset, ImageSet
from convlet.data.reading_rules import PLAIN
from convlet.data.survey import Read, Survey, some
from convlet.data.together import together
from convlet.errors import DataError
from convlet.records.data import Rules
from convlet.system import reading

__all__ = ["Dataset", "ImageSet", "load", "survey"]

TEST_FRACTION = 0.2
"""Fraction split off for testing if a data set brings no test images of its own."""

Say = Callable[[str], None]


def load(
    data: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    offline: bool = False,
    train_images: int | None = None,
    validation: float = 0.1,
    say: Say = lambda line: None,
    **choices: Any,
) -> Dataset:
    """Load a data set and cut it into training, validation and test images.

    Parameters
    ----------
    data : a name (see `convlet data list`), or a place: a folder of pictures, IDX files, arrays or tables, a zip of
        any of these, or one such file; see docs/pictures.md
    size : height and width that pictures are resized to
    offline : never download
    train_images : keep only so many training images, every class with its share
    validation : the fraction of the training images split off for validation, if the data brings none
    say : is told what a place holds, line by line, before its pixels are read
    choices : how a place is read, see `Choices`

    The splits are stratified and do not depend on any seed; test images never change with the other options. Copies of
    an image, and images of one group, stay on one side.

    Raises
    ------
    DataError : no such data, or data that cannot be used
    DownloadError : a named set that no mirror delivered
    """
    if not 0 <= validation < 1:
        raise DataError(f"--validation must be a fraction from 0 to below 1, but got {validation}")
    word, wanted = os.fspath(data), _choices(size, choices)
    if word in named.BY_NAME:
        if size is not None:
            raise DataError(f"--size resizes pictures in files; {word} has images of one size already")
        if wanted != Choices(pictures=wanted.pictures):
            raise DataError(f"{word} is a named set; --labels, --transpose and the like are for pictures of your own")
        source, classes, parts = named.load(word, offline)
        found = Read(parts, classes)
        name, pictures = word, wanted.pictures or named.BY_NAME[word].pictures
        groups: dict[str, Array | None] = {}
        leaked: Array | None = None
        said: dict[str, int | Rules] = {}
    else:
        found, names_given = _read(word, wanted, say)
        name, source = _name(word), word
        classes = found.classes
        groups, counts, leaked = together(found, say)
        said = {**counts}
        if found.skipped:
            said["skipped"] = len(found.skipped)
        if found.rules != PLAIN:
            said["rules"] = found.rules.as_dict()
        pictures = _pictures(found, names_given, wanted, say)
    train, held_out, test = _cut(found, groups, len(classes), validation)
    if train_images is not None:
        train = train.take(splits.subset(train.labels, len(classes), train_images))
    shown = guess.for_recipes(pictures)
    return Dataset(name, source, classes, train, held_out, test, shown, found.rules, said, leaked)


def survey(place: str | os.PathLike[str], *, size: tuple[int, int] | None = None, **choices: Any) -> Survey:
    """What a place holds, without reading a pixel; parameters and errors as of `load`."""
    from convlet.data.place import surveyed

    path = _existing(os.fspath(place))
    with surveyed(path, _choices(size, choices)) as found:
        return found


def _choices(size: tuple[int, int] | None, given: Mapping[str, Any]) -> Choices:
    unknown = set(given) - set(Choices.__dataclass_fields__)
    if unknown:
        raise TypeError(f"load() has no parameter {min(unknown)!r}")
    return Choices(size=size, **given)


def _existing(word: str) -> Path:
    """The path of a place, or DataError for a word that is neither a place nor a name."""
    path = Path(word)
    if not reading.is_missing(path):
        return path
    from convlet.data.place import is_prefix

    if os.sep in word and is_prefix(path):
        return path
    close = get_close_matches(word.lower(), named.BY_NAME, 1, 0.5)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    raise DataError(f"unknown data '{word}': expected {_names()}, a folder or an .npz file{hint}")


def _read(word: str, choices: Choices, say: Say) -> tuple[Read, bool]:
    """What a place holds, surveyed, said, read and checked; and whether its classes have names, not only numbers."""
    from convlet.data.place import surveyed

    path = _existing(word)
    with surveyed(path, choices) as made:
        for line in made.lines():
            say(line)
        if choices.size is not None and not made.formats:
            raise DataError(f"--size resizes pictures in files; {_name(word)} has images of one size already")
        found = made.read()
        checks.check(found, path)
        if found.skipped:
            say(f"  left out because they cannot be read: {len(found.skipped):,} ({some(found.skipped, 3)})")
        for note in found.notes:
            say(f"  {note}")
        return found, bool(made.formats)


def _pictures(found: Read, names_given: bool, choices: Choices, say: Say) -> str:
    """What the images show: what the user said, else a guess, which is said."""
    if choices.pictures is not None:
        return choices.pictures
    train = found.parts["train"]
    guessed = guess.guess(train.images, train.labels, found.classes, names_given)
    say(f"  {guessed.line()}")
    return guessed.kind


def _cut(
    found: Read, groups: dict[str, Array | None], classes: int, validation: float
) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Training, validation and test images; what the data does not bring is split off the training images."""
    train, of_train = found.parts["train"], groups.get("train")
    others: dict[str, ImageSet] = {}
    for part, fraction, stream in (("test", TEST_FRACTION, splits.TEST), ("validation", validation, splits.VALIDATION)):
        if part in found.parts:
            others[part] = found.parts[part]
            continue
        if of_train is None:
            kept, off = splits.split(train.labels, classes, fraction, stream)
        else:
            kept, off = splits.split_groups(train.labels, of_train, classes, fraction, stream)
            of_train = of_train[kept]
        train, others[part] = train.take(kept), train.take(off)
    return train, others["validation"], others["test"]


def _name(word: str) -> str:
    """The name of a place: of its folder, or of its file without the end."""
    path = Path(word).resolve()
    return path.name if path.is_dir() else path.stem


def _names() -> str:
    return ", ".join(f"'{name}'" for name in named.BY_NAME)
