"""Recipes: whole ways to train by name, as data. Each choice carries its reason, and where it comes from.

A recipe is written for any small images. What depends on them (how often a network halves its images, how many epochs
there are, by how many pixels an image is moved) is worked out from their size, their number and what they show. Every
number was chosen on 10,000 validation images out of the 60,000 for training of MNIST and of Fashion-MNIST; the test
images were met only by what had been chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from convlet.errors import SettingsError
from convlet.network.costs import layers_work
from convlet.network.word import parse
from convlet.recipes.presets import Entry
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
    fewest_stages : so many stages there are even where images are too small for a pooling between them all
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
        """The settings for so many training images of this shape (H, W, C) and kind of pictures."""
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


SUPER_CONVERGENCE = "Smith and Topin 2018, Super-convergence, section 2"
SIMARD = "Simard, Steinkraus and Platt 2003, Best practices for convolutional neural networks, section 2"
AIRBENCH = "Jordan 2024, 94 % on CIFAR-10 in 3.29 seconds, section 3"
BATCH_NORM = "Ioffe and Szegedy 2015, Batch normalization"
ENSEMBLES = "Lakshminarayanan, Pritzel and Blundell 2017, Deep ensembles"
NETWORK_IN_NETWORK = "Lin, Chen and Yan 2014, Network in network, section 3.2"
"""Cited more than once."""


def perfect(epochs: int) -> Choice:
    """After how many epochs without a wrong validation image a recipe stops."""
    return Choice(
        epochs, "epochs in a row with none of 50 or more validation images wrong; more of them seldom change a class"
    )


ONE_CYCLE = {
    "optimizer": Choice("adam", "on Fashion-MNIST SGD with momentum and AdamW were no better, one training each"),
    "schedule": Choice("one-cycle", "a high rate that falls to 0 once gets far in few epochs", SUPER_CONVERGENCE),
    "keep": Choice("best", "the epoch with the lowest validation loss, which seldom is another than the last"),
    "batch": Choice(64, "four shards, enough for four threads; larger batches make fewer steps of the same epochs"),
}
"""What all recipes share."""

MOVED = Choice(
    "shift2-rotate10-zoom0.1",
    "place, slant and size are chance; stronger, and with bending, 20 epochs did no better than 8 with this",
    SIMARD,
)
MIRRORED = Choice("flip-shift1", "clothes and other objects are the same mirrored, and a pixel aside", AIRBENCH)
ONE_VIEW = Choice("", "to predict five times as fast matters more where seconds do")
SHIFTED = Choice("shift1", "five views a pixel apart took 3 to 15 % of the validation errors away", AIRBENCH)
BOTH = Choice("shift1-flip", "with mirror images, ten views took 4 to 8 % of the validation errors away", AIRBENCH)

FAST = Recipe(
    "fast",
    "seconds: two convolutions that see every image a few times",
    fewest_stages=Choice(2, "one convolution leaves more than twice the errors of two"),
    smallest_side=Choice(12, "a third stage, of 7x7, took 1.6 times as long and gained no more than longer training"),
    largest_side=Choice(
        64, "a network for 64x64 sees what decides small pictures; 300x300 would take 20 times as long"
    ),
    last_word=Choice("pool", "quarters the weights of the dense layer behind it"),
    epochs=Choice((3, 100), "a schedule needs some steps; a hundred passes learn what few images teach"),
    most_work=Choice(4 * 10**12, "two minutes on two slow cores, of 17 thousand million multiply-adds a second each"),
    settings=ONE_CYCLE
    | {
        "learning_rate": Choice(0.006, "a higher one, 0.008, was no better on MNIST"),
        "perfect_epochs": perfect(5),
    },
    by_kind={
        "stages": {
            "": Choice(
                ("conv16-relu", *("conv32-relu",) * 4),
                "twice the filters took 1.7 times as long, for 0.04 % fewer errors on MNIST",
            )
        },
        "shown": {
            "": Choice(300_000, "five epochs of 60,000 images, between the two below"),
            "writing": Choice(180_000, "three epochs of MNIST, what 3.5 seconds allow on two cores"),
            "objects": Choice(360_000, "six epochs of Fashion-MNIST, what 6 seconds allow"),
        },
        "augment": {
            "": Choice("shift1", "a pixel aside changes no class: a fifth of the errors on MNIST less", SIMARD),
            "objects": Choice("flip", "with both views a twentieth fewer errors than without; shifts need more epochs"),
        },
        "views": {"": ONE_VIEW, "objects": Choice("flip", "needed by what was trained with it: 6 % fewer errors")},
    },
)

STANDARD = Recipe(
    "standard",
    "a minute: three convolutions with batch normalisation, images moved about",
    fewest_stages=Choice(3, "digits of 8x8 had half as many errors with a third convolution"),
    smallest_side=Choice(4, "of 28x28 images 7x7 are left, as few as three convolutions of 3x3 can use"),
    largest_side=Choice(128, "twice that of fast: details count where there is a minute or more"),
    last_word=Choice("bn-gap", "the mean over the map: no dense layer that learns places by heart", NETWORK_IN_NETWORK),
    epochs=Choice(
        (7, 80), "seven of MNIST take half a minute; eighty of 1,150 digits left 1.07 % errors, sixty 1.20 %"
    ),
    most_work=Choice(5 * 10**13, "twice what Fashion-MNIST takes; beyond it large images would take hours"),
    settings=ONE_CYCLE
    | {
        "learning_rate": Choice(
            0.01, "batch normalisation bears a high rate; half and twice were no better", BATCH_NORM
        ),
        "perfect_epochs": perfect(10),
    },
    by_kind={
        "stages": {
            "": Choice(
                ("conv32-relu", "bn-conv64-relu", *("bn-conv128-relu",) * 3),
                "filters double where the map halves; normalising after pooling costs a quarter of before",
                BATCH_NORM,
            )
        },
        "shown": {
            "": Choice(900_000, "fifteen epochs of 60,000 images, between the two below"),
            "writing": Choice(420_000, "seven epochs of MNIST, half a minute on two cores"),
            "objects": Choice(1_140_000, "nineteen epochs of Fashion-MNIST, 76 seconds; twelve left 5 % more errors"),
        },
        "augment": {"": MOVED, "objects": MIRRORED},
        "views": {"": SHIFTED, "objects": BOTH},
    },
)

BEST = Recipe(
    "best",
    "minutes: two or three networks that predict together",
    fewest_stages=STANDARD.fewest_stages,
    smallest_side=STANDARD.smallest_side,
    largest_side=STANDARD.largest_side,
    last_word=STANDARD.last_word,
    epochs=Choice((12, 90), "ninety passes over 1,000 images take half a minute"),
    most_work=Choice(5 * 10**14, "ten times that of standard, as its minutes are"),
    settings=STANDARD.settings,
    by_kind={
        "stages": {
            "": Choice(
                ("conv32-relu-conv32-relu", "bn-conv64-relu-conv64-relu", *("bn-conv128-relu-conv128-relu",) * 3),
                "a second convolution at each size: 5.2 % errors on Fashion-MNIST where one network of four left 6.0 %",
                "Simonyan and Zisserman 2015, Very deep convolutional networks",
            ),
            "writing": Choice(
                ("conv32-relu", "bn-conv64-relu-conv64-relu", *("bn-conv128-relu",) * 3),
                "on MNIST 0.36 % errors in 125 seconds, where six convolutions left 0.40 % in 216",
            ),
        },
        "members": {
            "": Choice(2, "a second network took a twentieth of the errors on Fashion-MNIST away", ENSEMBLES),
            "writing": Choice(3, "three such networks of MNIST take five minutes", ENSEMBLES),
        },
        "shown": {
            "": Choice(900_000, "for each network, fifteen epochs of 60,000 images"),
            "writing": Choice(840_000, "fourteen epochs of MNIST for each, in five minutes"),
            "objects": Choice(1_380_000, "twenty-three epochs of Fashion-MNIST for each, in thirteen minutes"),
        },
        "augment": {
            "": MOVED,
            "objects": Choice(
                "flip-shift1-erase0.2",
                "what is hidden must be known by the rest; so many epochs would learn images by heart",
                "Zhong et al. 2017, Random erasing data augmentation",
            ),
        },
        "views": {"": SHIFTED, "objects": BOTH},
    },
)

RECIPES = {recipe.name: recipe for recipe in (FAST, STANDARD, BEST)}


def recipe(name: str) -> Recipe:
    """The recipe of a name; SettingsError for a name that is none."""
    if name not in RECIPES:
        close = get_close_matches(str(name).lower(), RECIPES, 1, 0.5)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        raise SettingsError(f"unknown recipe {name!r:.60}: expected {', '.join(RECIPES)}{hint}")
    return RECIPES[name]


def entry_for(name: str, shape: tuple[int, int, int], images: int, pictures: str = "") -> Entry:
    """What a recipe comes to for so many training images of this shape (H, W, C) and kind of pictures."""
    chosen = recipe(name)
    return Entry(name, chosen.architecture(shape, pictures), chosen.settings_for(shape, images, pictures))


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
