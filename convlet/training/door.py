"""The one door of every training: images, labels, classes, network and memory are checked here, before any step."""

from __future__ import annotations

from dataclasses import dataclass

from convlet.architecture import format_word, with_head, without_head
from convlet.errors import CheckpointError, DataError
from convlet.layers.base import Shape
from convlet.layers.sequential import Sequential
from convlet.training.inputs import Labelled, LabelledImages
from convlet.training.layout import Layout
from convlet.training.memory import check_training
from convlet.training.settings import Settings
from convlet.training.snapshot import Snapshot
from convlet.training.threads import available_threads


@dataclass(frozen=True)
class Admitted:
    """What a training may rely on.

    network : with its head, which puts out one number per class
    word : the network without its head, as a model's file names it
    shown : the training images and labels, at least one
    shape : of an image (H, W, C)
    threads : how many the training uses
    """

    network: Sequential
    word: str
    shown: Labelled
    shape: Shape
    threads: int


def admit(network: Sequential, train: LabelledImages, classes: tuple[str, ...], settings: Settings) -> Admitted:
    """Check what a training is given.

    Parameters
    ----------
    network : with its head, so that it puts out one number per class
    train : training images (n, H, W, C) uint8 or float, labels (n,) from 0 to len(classes) - 1

    Raises
    ------
    DataError : images or labels that cannot be used, fewer than two classes, or another number of outputs than classes
    ArchitectureError : a network that does not fit the images or the memory
    """
    if len(classes) < 2:
        raise DataError(f"training needs at least 2 classes, but got {len(classes)}")
    body = without_head(network)
    shown = Labelled.of(train, "training", len(classes), None)
    shape = shown.images.shape[1:]
    if network.output_shape(shape) != (len(classes),):
        raise DataError(
            f"the network puts out {network.output_shape(shape)[-1]} numbers, but there are {len(classes)} "
            f"classes; end it with Dense({len(classes)})"
        )
    if len(shown) == 0:
        raise DataError("training needs at least one image, but got none")
    # the same network as the one that the model's word describes, so that a saved model is this one
    network, threads = with_head(body, len(classes)), settings.threads or available_threads()
    check_training(network, shape, settings, len(shown), threads)
    return Admitted(network, format_word(body), shown, shape, threads)


def check_snapshot(snapshot: Snapshot, network: Sequential, shape: Shape) -> None:
    """Raise CheckpointError if a snapshot is not of this network."""
    layout = Layout(network, shape)
    expected = layout.parameter_count, layout.state_count
    found = len(snapshot.parameters), len(snapshot.state)
    slots = {len(values) for values in snapshot.slots.values()}
    if found != expected or not slots <= {expected[0]}:
        raise CheckpointError(
            f"the snapshot is of another network: expected {expected[0]:,} parameters and {expected[1]:,} running "
            f"statistics, but got {found[0]:,} and {found[1]:,}; train from the beginning, or with the network it is of"
        )
