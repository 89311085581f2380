"""The table of settings: name, kind, default and help of everything a user can set about a training.

One row here gives a setting its check, its command-line option, its lines in docstrings and its line in
docs/settings.md. The field in `Settings` is written by hand for editors; a test holds it against its row.

Nothing here loads NumPy before a value is checked: `convlet train --help` reads this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from convlet.learning.setting_kinds import ClassWeights, Kind, OneOf, Real, Switch, Whole, Word

OPTIMIZERS = ("sgd", "adagrad", "rmsprop", "adam", "adamw")
"""Every optimizer by its name."""

SCHEDULES = ("constant", "step", "cosine", "linear", "one-cycle")
"""Every learning rate schedule by its name."""

MONITORS = ("loss", "error", "balanced-error")
"""The validation scores that can compare epochs."""

KEPT = ("last", "best")
"""The epochs whose parameters a training can keep."""

NONFINITE = ("stop", "rollback")
"""What a training can do if it diverges."""

MOST_THREADS = 1024
MOST_MEMBERS = 256
LARGEST_SHARD = 4096

Value = bool | int | float | str | None


@dataclass(frozen=True)
class Setting:
    """One row of the table.

    Parameters
    ----------
    name : field of `Settings`; the option is the same with hyphens
    kind : which values it takes
    default : value in `Settings`
    help : one sentence for `--help`, docstrings and docs/settings.md
    note : further sentences, for docstrings and docs/settings.md only
    unset : what None or "" means, in words
    option_default : default of the command-line option in words, if it is not simply `default`
    """

    name: str
    kind: Kind
    default: Value
    help: str
    note: str = ""
    unset: str = ""
    option_default: str = ""

    def check(self, value: object) -> object:
        """The value in its plain type, or SettingsError."""
        return None if value is None and self.kind.optional else self.kind.check(self.name, value)

    @property
    def option(self) -> str:
        """The command-line option."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def annotation(self) -> str:
        """The type of the field in `Settings`."""
        return f"{self.kind.annotation} | None" if self.kind.optional else self.kind.annotation

    @property
    def default_words(self) -> str:
        """The default as --help shows it."""
        if self.option_default:
            return self.option_default
        if self.default in (None, ""):
            return self.unset
        if isinstance(self.default, bool):
            return "on" if self.default else "off"
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)


def _read_augment(word: str) -> object:
    from convlet.learning.augmentation import parse_augmentation

    return parse_augmentation(word)


def _read_views(word: str) -> object:
    from convlet.learning.views import parse_views

    return parse_views(word)


FRACTION = Real(closed=True, limit=1.0)
"""From 0 to below 1."""

GROUPS: dict[str, tuple[Setting, ...]] = {
    "Length and batches": (
        Setting("epochs", Whole(1), 1, "Number of epochs.", option_default="depends on the size of the training set"),
        Setting(
            "steps",
            Whole(1, optional=True),
            None,
            "Number of updates, instead of a number of epochs.",
            note="Training may then end in the middle of an epoch.",
            unset="set by the number of epochs",
        ),
        Setting(
            "minutes",
            Real(optional=True),
            None,
            "Training time in minutes, instead of a number of epochs.",
            note="Compiling and validation are not counted. The number of steps follows the clock, so two runs differ; "
            "give steps to repeat a run.",
            unset="no time budget",
        ),
        Setting("batch", Whole(1, optional=True, word="all"), 32, "Batch size.", unset="full batch"),
    ),
    "Optimizer": (
        Setting("optimizer", OneOf(OPTIMIZERS), "adam", "Optimizer that updates the parameters."),
        Setting("learning_rate", Real(), 0.006, "Peak learning rate."),
        Setting("momentum", FRACTION, 0.9, "Momentum of sgd."),
        Setting("nesterov", Switch(), False, "Use Nesterov momentum in sgd."),
        Setting("beta1", FRACTION, 0.9, "Decay rate of the mean gradient (first moment) in adam and adamw."),
        Setting("beta2", FRACTION, 0.999, "Decay rate of the mean squared gradient (second moment) in adam and adamw."),
        Setting("smoothing", FRACTION, 0.99, "Decay rate of the mean squared gradient in rmsprop."),
        Setting(
            "epsilon",
            Real(optional=True),
            None,
            help="Constant added to the denominator of the update in adagrad, rmsprop, adam and adamw.",
            unset="0.001 in adagrad, 1e-08 in the others",
        ),
    ),
    "Learning rate schedule": (
        Setting("schedule", OneOf(SCHEDULES), "one-cycle", "Learning rate schedule."),
        Setting(
            "warm_up",
            Real(closed=True, limit=1.0, optional=True),
            None,
            help="Fraction of the steps over which the learning rate rises to its peak.",
            unset="0.3 in one-cycle, 0 in the other schedules",
        ),
        Setting("step_epochs", Whole(1), 10, "Number of epochs between two drops of the step schedule."),
        Setting("step_factor", Real(), 0.1, "Factor by which each drop of the step schedule multiplies the rate."),
    ),
    "Regularisation": (
        Setting(
            "weight_decay",
            Real(closed=True),
            0.0,
            "Weight decay; decoupled in adamw, an L2 penalty in the other optimizers.",
            note="Biases and normalisation parameters are not decayed.",
        ),
        Setting("clip_norm", Real(optional=True), None, "Clip the gradient norm to this value.", unset="no clipping"),
        Setting("label_smoothing", FRACTION, 0.0, "Fraction of each label that is spread evenly over all classes."),
        Setting(
            "class_weights",
            ClassWeights(),
            None,
            help="Weight of each class in the loss.",
            note="Balanced weights are images / (classes * images of the class).",
            unset="1 for each class",
        ),
        Setting(
            "ema_decay",
            FRACTION,
            0.0,
            "Decay rate of an exponential moving average of the parameters, as in 0.99.",
            note="If it is above 0, the average is what is validated, predicts and is saved.",
        ),
    ),
    "Augmentation": (
        Setting(
            "augment",
            Word(_read_augment, "shift2-flip"),
            "",
            help="Random changes of the training images, as in shift2-flip-rotate10.",
            note="See `convlet.learning.augmentation.Augmentation`.",
            unset="none",
        ),
        Setting(
            "views",
            Word(_read_views, "shift1-flip"),
            "",
            help="Test-time augmentation: average the predictions of shifted or mirrored images, as in shift1-flip.",
            note="See `convlet.learning.views.parse_views`.",
            unset="none",
        ),
    ),
    "Stopping": (
        Setting(
            "patience",
            Whole(1, optional=True),
            None,
            help="Stop after this many epochs without a better validation score, and keep the best epoch.",
            unset="no early stopping",
        ),
        Setting(
            "perfect_epochs",
            Whole(0),
            0,
            help="Stop after this many epochs in a row without a wrong validation image; 0 for never.",
            note="It needs at least 50 validation images. Recipes set it.",
            option_default="0; recipes: see 'convlet recipes NAME'; 0 with --epochs, --steps, --minutes or --patience",
        ),
        Setting(
            "monitor",
            OneOf(MONITORS, optional=True),
            None,
            "Validation score that compares epochs.",
            note="The balanced error is the mean of the error rates of the classes; ties are decided by the loss.",
            unset="loss; balanced-error with balanced class weights",
        ),
        Setting(
            "keep",
            OneOf(KEPT),
            "last",
            "Epoch whose parameters are kept.",
            note="With patience it is always the best one; without validation images, the last.",
            option_default="last; recipes: best",
        ),
        Setting(
            "on_nonfinite",
            OneOf(NONFINITE),
            "stop",
            help="What to do if training diverges; rollback repeats the epoch with half the learning rate.",
            note="Training goes back at most ten times.",
        ),
    ),
    "Ensemble": (
        Setting(
            "members",
            Whole(1, MOST_MEMBERS),
            1,
            "Ensemble size: number of networks that predict together.",
            note="They are trained one after the other, from independent seeds.",
        ),
    ),
    "Reproducibility and speed": (
        Setting("seed", Whole(0, 2**64 - 1), 0, "Seed of initial weights, shuffling, augmentation and dropout."),
        Setting(
            "threads",
            Whole(1, MOST_THREADS, optional=True),
            None,
            help="Number of threads; it never changes a result.",
            unset="all available processors",
        ),
        Setting(
            "shard",
            Whole(1, LARGEST_SHARD),
            16,
            "Number of images that a thread processes at once.",
            note="It changes the last bits of a result.",
        ),
    ),
}
"""Every setting, under the heading it has in docs/settings.md, in the order in which people read them."""

TABLE = tuple(chain.from_iterable(GROUPS.values()))

BY_NAME = {setting.name: setting for setting in TABLE}
