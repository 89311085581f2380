"""Recipes: whole ways to train by name, as data. Each choice carries its reason, and where it comes from.

A recipe is written for any small images. What depends on them (how often a network halves its images, how many epochs
there are, by how many pixels an image is moved) is worked out from their size, their number and what they show. Every
number was chosen on 10,000 validation images out of the 60,000 for training of MNIST and of Fashion-MNIST; the test
images were met only by what had been chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convlet.network.costs import layers_work
from convlet.network.word import parse
from convlet.records.conditions import SettingValues

SMALLEST_PICTURE = 6
"""Pixels of the shorter side from which on convolutions are worth their time."""

LINE_ARCHITECTURE = "dense64-relu"
"""Of images that are smaller, such as lines of numbers that are no picture."""

WRITTEN_FOR = 28
"""Pixels of the side for which the numbers of an augmentation are written."""

VALUE_WORK = 150
"""Multiply-adds that take about as long as to read, scale and average one value of an image, measured with 300x400."""

CHOICES = ("fewest_stages", "smallest_side", "largest_side", "last_word", "epochs", "most_work")
"""Names of the choices that do not depend on what the images show."""

WRITING, OBJECTS = "writing", "objects"
KINDS = ("", WRITING, OBJECTS)
"""What images may show, as far as a recipe must know it; "" for not known."""


@dataclass(frozen=True)
class Choice:
    """A value, why it was chosen, and where it comes from."""

    value: Any
    reason: str
    source: str = ""


@dataclass(frozen=True)
class Recipe:
    """A way to train.

    Parameters
    ----------
    summary : one line for people
    fewest_stages : the least number of stages, even if images are too small for a pooling between all of them
    smallest_side : images are halved as long as their shorter side stays at least this many pixels
    largest_side : larger images are first reduced by average pooling until their longer side is at most this many
        pixels
    last_word : the word at the end, before the classifier head
    epochs : the fewest and the most
    most_work : multiply-adds of the whole training, and VALUE_WORK for each value of each image shown; there are fewer
        epochs, but at least one, where it would take more
    settings : settings by name
    by_kind : what depends on what the images show, by name and kind: `stages`, the words of the layers between two
        poolings, from large images to small; `shown`, how many images a network sees, all epochs together; settings,
        of which `augment` and `views` are words for 28x28 images
    """

    name: str
    summary: str
    fewest_stages: Choice
    smallest_side: Choice
    largest_side: Choice
    last_word: Choice
    epochs: Choice
    most_work: Choice
    settings: Mapping[str, Choice]
    by_kind: Mapping[str, Mapping[str, Choice]]

    def choices(self) -> dict[str, Choice]:
        """Every choice by its name, in an order for people."""
        found: dict[str, Choice] = {}
        for name, choices in self.by_kind.items():
            found |= {f"{name} ({kind})" if kind else name: choice for kind, choice in choices.items()}
        found |= {name: getattr(self, name) for name in CHOICES}
        return {**found, **self.settings}

    def architecture(self, shape: tuple[int, int, int], pictures: str = "") -> str:
        """The word of the network for images of this shape (H, W, C) and kind of pictures."""
        side = min(shape[:2])
        if side < SMALLEST_PICTURE:
            return LINE_ARCHITECTURE
        window = min(-(-max(shape[:2]) // self.largest_side.value), max(1, side // SMALLEST_PICTURE))
        first = [f"avgpool{window}" if window > 2 else "avgpool"] if window > 1 else []
        side //= window
        known, halvings = self._own(pictures)["stages"], 0
        while side // 2 >= self.smallest_side.value and halvings < len(known) - 1:
            halvings, side = halvings + 1, side // 2
        stages = known[: max(halvings + 1, self.fewest_stages.value)]
        without = len(stages) - 1 - halvings  # small images are halved late
        words = [word if place <= without else f"pool-{word}" for place, word in enumerate(stages)]
        return "-".join([*first, *words, *([self.last_word.value] if self.last_word.value else [])])

    def settings_for(self, shape: tuple[int, int, int], images: int, pictures: str = "") -> SettingValues:
        """The settings for this number of training images, their shape (H, W, C) and kind of pictures."""
        own = self._own(pictures)
        del own["stages"]
        fewest, most = self.epochs.value
        epochs = max(fewest, min(most, round(own.pop("shown") / max(images, 1))))
        members = own.get("members", 1)
        epochs = max(
            1, min(epochs, int(self.most_work.value / (self._work(shape, pictures) * members * max(images, 1))))
        )
        found = {"epochs": epochs} | {name: choice.value for name, choice in self.settings.items()}
        side = min(shape[:2])
        words = {name: _scaled(own.pop(name), side) for name in ("augment", "views")}
        return found | own | (words if side >= SMALLEST_PICTURE else {})

    def _work(self, shape: tuple[int, int, int], pictures: str) -> int:
        """Multiply-adds of one image in a training step of one network, without its head, and what its values cost."""
        layers = sum(own.total for own in layers_work(parse(self.architecture(shape, pictures)), shape))
        return max(1, layers + VALUE_WORK * shape[0] * shape[1] * shape[2])

    def _own(self, pictures: str) -> dict[str, Any]:  # words, counts and settings, each of its own type
        return {name: choices.get(pictures, choices[""]).value for name, choices in self.by_kind.items()}


def _scaled(word: str, side: int) -> str:
    """An augmentation, or views, of 28x28 images for images of another side: what counts pixels is in proportion."""
    tokens = []
    for token in word.split("-") if word else []:
        name = token.rstrip("0123456789.")
        if name in ("shift", "elastic"):
            pixels = float(token.removeprefix(name)) * side / WRITTEN_FOR
            token = f"shift{max(1, round(pixels))}" if name == "shift" else f"elastic{max(0.25, round(pixels, 2)):g}"
        tokens.append(token)
    return "-".join(tokens)
