"""Every recipe: each choice with its reason and source, and how a recipe is found by its name."""

from __future__ import annotations

from difflib import get_close_matches

from convlet.errors import SettingsError
from convlet.recipes.presets import Entry
from convlet.recipes.recipe import Choice, Recipe

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
    last_word=Choice("bn-gap", "the mean over the map: no dense layer that overfits positions", NETWORK_IN_NETWORK),
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
                "the rest of the image must suffice; with this many epochs the network would overfit",
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
    """What a recipe chooses for this number of training images, their shape (H, W, C) and kind of pictures."""
    chosen = recipe(name)
    return Entry(name, chosen.architecture(shape, pictures), chosen.settings_for(shape, images, pictures))
