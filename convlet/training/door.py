"""The one door of every training: images, labels, classes, network, settings and memory are checked before any step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlet.data.inputs import Labelled, LabelledImages, times
from convlet.engine.memory import check_training
from convlet.errors import ArchitectureError, CheckpointError, DataError, SettingsError
from convlet.layers.base import Array, Shape
from convlet.layers.sequential import Sequential
from convlet.learning.image_weights import image_weights
from convlet.learning.preprocessing import Preprocessing
from convlet.learning.setting_checks import boolean, short
from convlet.learning.settings import Settings
from convlet.model.finite import finite
from convlet.model.model import Model
from convlet.network.layout import Layout
from convlet.network.word import format_word, with_head, without_head
from convlet.system.threads import available_threads
from convlet.training.snapshot import Snapshot
from convlet.training.starting import Beginning, beginning


@dataclass(frozen=True)
class Admitted:
    """What a training may rely on.

    network : with its head, which puts out one number per class
    word : the network without its head, as a model's file names it
    classes : their names, at least two, each once
    shown : the training images that count, at least one, with how much each counts
    held_out : the validation images, at least one, with how much each counts; None without any
    preprocessing : the given one, else the one computed from `shown`
    threads : how many the training uses
    beginning : what is taken from a model; None if nothing is
    frozen : layers from the front that do not learn
    """

    network: Sequential
    word: str
    classes: tuple[str, ...]
    shown: Labelled
    held_out: Labelled | None
    preprocessing: Preprocessing
    threads: int
    beginning: Beginning | None = None
    frozen: int = 0

    @property
    def shape(self) -> Shape:
        """Of an image (H, W, C)."""
        shape: Shape = self.shown.images.shape[1:]
        return shape


def admit(
    network: Sequential,
    train: LabelledImages,
    validation: LabelledImages | None = None,
    *,
    classes: tuple[str, ...],
    settings: Settings,
    preprocessing: Preprocessing | None = None,
    weights: Any = None,
    start: Snapshot | Model | None = None,
    freeze: bool = False,
) -> Admitted:
    """Check everything that a training is given; see `convlet.train` for the parameters.

    Raises
    ------
    DataError : images, labels or weights that cannot be used, class names that cannot, another number of outputs than
        classes, or images that do not suit the model to start from
    ArchitectureError : a network that does not fit the images, the memory, or the model to start from
    SettingsError : settings that are not a `Settings`, a start that is none, or nothing to freeze
    CheckpointError : a snapshot of another network
    """
    names = class_names(classes)
    if not isinstance(settings, Settings):
        raise SettingsError(f"settings must be a convlet.Settings, but got {short(settings)}")
    if not isinstance(network, Sequential):
        raise ArchitectureError(f"the network must be a convlet.Sequential, but got {short(network)}")
    body = without_head(network)
    shown = Labelled.of(train, "training", len(names))
    shape = shown.images.shape[1:]
    if network.output_shape(shape) != (len(names),):
        raise DataError(
            f"the network puts out {network.output_shape(shape)[-1]} numbers, but there are {len(names)} "
            f"classes; end it with Dense({len(names)})"
        )
    if len(shown) == 0:
        raise DataError("training needs at least one image, but got none")
    held_out = _held_out(validation, len(names), shape, settings)
    # the same network as the one that the model's word describes, so that a saved model is this one
    network, threads = with_head(body, len(names)), settings.threads or available_threads()
    shown = _weighted(shown, weights, len(names), settings)
    begun, frozen = _begun(start, freeze, network, shape, names, settings)
    if preprocessing is None and begun is not None:
        preprocessing = begun.preprocessing
    if preprocessing is None:
        preprocessing = Preprocessing.from_images(shown.images)
    if len(preprocessing.mean) != shape[-1]:
        raise DataError(
            f"the preprocessing is for {len(preprocessing.mean)} channels, but the training images are {times(shape)}"
        )
    check_training(network, shape, settings, len(shown), threads)
    return Admitted(network, format_word(body), names, shown, held_out, preprocessing, threads, begun, frozen)


def _begun(
    start: Snapshot | Model | None,
    freeze: bool,
    network: Sequential,
    shape: Shape,
    classes: tuple[str, ...],
    settings: Settings,
) -> tuple[Beginning | None, int]:
    """What is taken from a model, if that is what a training starts from, and how many layers are frozen."""
    if boolean("freeze", freeze) and not isinstance(start, Model):
        raise SettingsError("freeze keeps the filters of a model, but there is none; give one as start")
    if start is None:
        return None, 0
    if isinstance(start, Model):
        found = beginning(start, network, shape, classes, freeze)
        return found, found.frozen
    if not isinstance(start, Snapshot):
        raise SettingsError(f"start must be a convlet.Model or a Snapshot, but got {short(start)}")
    check_snapshot(start, network, shape, settings)
    return None, start.frozen


def class_names(classes: Any) -> tuple[str, ...]:
    """The names of the classes as text, or DataError unless they are at least two and each is there once."""
    if isinstance(classes, str) or not isinstance(classes, Iterable):
        raise DataError(f"classes must be a tuple of names, but got {short(classes)}")
    names = tuple(map(str, classes))
    if len(names) < 2:
        raise DataError(f"training needs at least 2 classes, but got {len(names)}")
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise DataError(f"each class needs a name of its own, but {short(twice)} is there {names.count(twice)} times")
    return names


def _weighted(shown: Labelled, given: Any, classes: int, settings: Settings) -> Labelled:
    """The images that count, with how much they do."""
    weights = image_weights(given, shown.labels, classes, settings.class_weights)
    if weights is None:
        return shown
    counts = np.flatnonzero(weights > 0)
    kept: Array = weights[counts] * (len(counts) / len(weights))
    whole = len(counts) == len(weights)
    images = shown.images if whole else np.ascontiguousarray(shown.images[counts])
    return Labelled(images, shown.labels[counts], kept.astype(np.float32))


def _held_out(
    validation: LabelledImages | None, classes: int, shape: tuple[int, ...], settings: Settings
) -> Labelled | None:
    """The validation images with how much they count; None without any."""
    if validation is None:
        return None
    found = Labelled.of(validation, "validation", classes, shape)
    if not len(found):
        return None
    given = getattr(validation, "weights", None)
    return Labelled(
        found.images, found.labels, image_weights(given, found.labels, classes, settings.class_weights, "validation")
    )


def check_snapshot(snapshot: Snapshot, network: Sequential, shape: Shape, settings: Settings) -> None:
    """Refuse a snapshot that a training of this network cannot go on from.

    Parameters
    ----------
    network : with its head
    shape : of an image (H, W, C)

    Raises
    ------
    SettingsError : several members, of which a snapshot knows nothing
    CheckpointError : the snapshot is of another network, or is not finite
    """
    if settings.members > 1:
        raise SettingsError(
            f"only a training of one member can go on from a snapshot, but members is {settings.members}"
        )
    remedy = "train from the beginning, or with the network it is of"
    known = snapshot.network is None or snapshot.network == (network.token(), shape)
    if not known:
        word, sides = snapshot.network or ("", ())
        raise CheckpointError(
            f"the snapshot is of another network: expected {network.token()} on images of {times(shape)}, but got "
            f"{word} on {times(sides)}; {remedy}"
        )
    layout = Layout(network, shape)
    expected = (layout.parameter_count,), (layout.state_count,)
    found = np.shape(snapshot.parameters), np.shape(snapshot.state)
    slots = {np.shape(values) for values in snapshot.slots.values()}
    if found != expected or not slots <= {expected[0]}:
        raise CheckpointError(
            f"the snapshot is of another network: expected {expected[0][0]:,} parameters and {expected[1][0]:,} "
            f"running statistics, but got {_counts(found[0])} and {_counts(found[1])}; {remedy}"
        )
    if not (finite(snapshot.parameters) and finite(snapshot.state)):
        raise CheckpointError("the snapshot has parameters or running statistics that are not finite; train again")


def _counts(shape: Shape) -> str:
    """A vector's length, or the shape of what is no vector."""
    return f"{shape[0]:,}" if len(shape) == 1 else f"shape {shape}"
