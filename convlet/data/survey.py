"""What a place holds, before any pixel is read: parts, classes, counts, what was passed over and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from convlet.data.dataset import Array, ImageSet
from convlet.data.reading_rules import PLAIN, ReadingRules
from convlet.records.data import SurveyFacts

PARTS = ("train", "validation", "test")
MOST_SHOWN = 8
"""Classes, sizes and files of one kind that a line names."""


@dataclass
class Read:
    """What was read from a place.

    parts : "train", and "validation" and "test" if the place brings them
    groups : part -> (n,) object, the group of each image; images of one group stay on one side of a split
    skipped : what could not be read and was left out, with the reason
    """

    parts: dict[str, ImageSet]
    classes: tuple[str, ...]
    rules: ReadingRules = PLAIN
    groups: dict[str, Array] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Survey:
    """What was found in a place, and how to read it.

    place : its path
    how : how it was understood, as in "one folder a class"
    classes : the names of the classes
    counts : part -> images of each class
    sizes : (height, width) -> pictures; formats and modes likewise
    passed : reason -> the files that were passed over for it
    unreadable : pictures that cannot be read, each with the reason
    notes : what else must be known
    read : reads what was found; its parameter is told each further line for the user
    """

    place: str
    how: str
    classes: tuple[str, ...]
    counts: dict[str, list[int]]
    read: Callable[[], Read]
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    passed: dict[str, list[str]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The survey for people, a few lines."""
        found = [f"{self.place}: {self.how}"]
        for part, counts in self.counts.items():
            each = [f"{name} {count:,}" for name, count in zip(self.classes, counts, strict=True)]
            found.append(f"  {part}: {sum(counts):,} images of {_classes(counts)}: {some(each)}")
        pictures = [
            some([f"{name} {count:,}" for name, count in kinds.most_common()])
            for kinds in (self.formats, self.modes)
            if kinds
        ]
        sizes = [f"{h}x{w} {count:,}" for (h, w), count in self.sizes.most_common()]
        if sizes or pictures:
            found.append(f"  pictures: {'; '.join([*pictures, f'sizes {some(sizes)}'])}")
        for reason, files in self.passed.items():
            found.append(f"  passed over, {reason}: {len(files):,} ({some(files, 3)})")
        if self.unreadable:
            found.append(f"  cannot be read: {len(self.unreadable):,} ({some(self.unreadable, 3)})")
        return found + [f"  {note}" for note in self.notes]

    def as_dict(self) -> SurveyFacts:
        """The survey as JSON can hold it, with every file that was passed over or cannot be read."""
        return {
            "place": self.place,
            "how": self.how,
            "classes": list(self.classes),
            "images_per_class": self.counts,
            "sizes": [{"height": h, "width": w, "pictures": count} for (h, w), count in self.sizes.most_common()],
            "formats": dict(self.formats.most_common()),
            "modes": dict(self.modes.most_common()),
            "passed_over": self.passed,
            "unreadable": self.unreadable,
            "notes": self.notes,
        }


def some(items: list[str], most: int = MOST_SHOWN) -> str:
    """The first items of a list, and how many more there are."""
    shown = ", ".join(items[:most])
    return f"{shown}, and {len(items) - most:,} more" if len(items) > most else shown


def _classes(counts: list[int]) -> str:
    present = sum(count > 0 for count in counts)
    return f"{present} class{'es' if present != 1 else ''}"
