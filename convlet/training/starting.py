"""Where a training begins that starts from a model: its arrays from the front, and the rest as the seed draws it.

Parameters and running statistics lie in their vectors in the order of the layers. So what is taken from the front of
one network is the front of both vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from convlet.data.inputs import times
from convlet.engine.engine import Engine
from convlet.errors import ArchitectureError, DataError
from convlet.layers.base import Array, Layer, Shape
from convlet.layers.global_avg_pool import GlobalAvgPool
from convlet.layers.sequential import Sequential
from convlet.learning.preprocessing import Preprocessing
from convlet.model.model import Model
from convlet.network.word import format_word, without_head


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a training takes from a model.

    Parameters
    ----------
    parameters, state : float32 (p,) and (s,), the front of the vectors of the network that is trained
    count : P, how many parameters that network has
    head : "kept" if the model's last layer was taken too, else "new"
    frozen : layers from the front that do not learn; 0 if all learn
    preprocessing : the model's, which its filters were learned with
    """

    parameters: Array
    state: Array
    count: int
    head: str
    frozen: int
    preprocessing: Preprocessing


def beginning(model: Model, network: Sequential, shape: Shape, classes: tuple[str, ...], freeze: bool) -> Beginning:
    """What a training of `network` takes from a model; of several members, from the first.

    Layers with parameters are compared in order, and taken until one differs in its token or in the shape of an array.
    The last layer is taken if all others are and the classes are the same in the same order.

    Parameters
    ----------
    network : with its head
    shape : of a training image (H, W, C)
    freeze : whether all that was taken stays as it is, the head aside

    Raises
    ------
    DataError : images of another number of channels, or of another size for a network without global average pooling
    ArchitectureError : no layer fits
    """
    _check_images(model.input_shape, network, shape)
    source = model.member(0)
    ours, theirs = _learned(network, shape), _learned(source.network, source.input_shape)
    taken = 0
    for own, other in zip(ours[:-1], theirs[:-1], strict=False):
        if not own.fits(other):
            break
        taken += 1
    whole = taken == len(ours) - 1 == len(theirs) - 1
    kept = whole and ours[-1].fits(theirs[-1]) and classes == model.classes
    if not taken and not kept:
        word = format_word(without_head(network))
        raise ArchitectureError(
            f"no layer of the model to start from fits: it is {model.architecture} on {times(model.input_shape)} "
            f"images, but the network is {word} on {times(shape)}; use a word that begins as the model's"
        )
    parameters, state = (sum(counts) for counts in zip(*(one.counts for one in ours[: taken + kept]), strict=True))
    return Beginning(
        source.parameters[:parameters],
        source.state[:state],
        count=sum(one.counts[0] for one in ours),
        head="kept" if kept else "new",
        frozen=ours[taken - 1].place + 1 if taken and freeze else 0,
        preprocessing=model.preprocessing,
    )


def begin(engine: Engine, seed: int, taken: Beginning | None) -> None:
    """Load what a training begins with: what the seed draws, and in front what was taken from a model."""
    layout, form = engine.layout, (engine.network, engine.input_shape)
    parameters, state = layout.initial_parameters(*form, seed), layout.initial_state(*form)
    if taken is not None:
        parameters[: len(taken.parameters)] = taken.parameters
        state[: len(taken.state)] = taken.state
    engine.load(parameters, state)


class _Learned(NamedTuple):
    """A layer that has parameters: its place in the network, itself, the shape of what it is given."""

    place: int
    layer: Layer
    shape: Shape

    @property
    def counts(self) -> tuple[int, int]:
        """How many parameters and how many running statistics it has."""
        arrays = self.layer.parameter_shapes(self.shape), self.layer.state_shapes(self.shape)
        return sum(map(prod, arrays[0].values())), sum(map(prod, arrays[1].values()))

    def fits(self, other: _Learned) -> bool:
        """Whether the arrays of another layer can be taken."""
        arrays = [one.layer.parameter_shapes(one.shape) for one in (self, other)]
        return self.layer.token() == other.layer.token() and arrays[0] == arrays[1]


def _learned(network: Sequential, shape: Shape) -> list[_Learned]:
    """The layers with parameters, in order; the head is the last."""
    parts = enumerate(network.parts(shape))
    return [_Learned(place, layer, own) for place, (_, layer, own) in parts if layer.parameter_shapes(own)]


def _check_images(known: Shape, network: Sequential, shape: Shape) -> None:
    """Refuse images that the filters of a model for images of the shape `known` cannot see."""
    what = f"the model to start from is for images of {times(known)}, but the training images are {times(shape)}"
    if known[2] != shape[2]:
        raise DataError(f"{what}; give images of {_channels(known[2])}, or a model of {_channels(shape[2])}")
    if known[:2] != shape[:2] and not any(isinstance(layer, GlobalAvgPool) for layer in network.layers):
        raise DataError(
            f"{what}; give images of {times(known[:2])}, as with --size for pictures, or an architecture that ends in "
            "gap, which takes any size"
        )


def _channels(count: int) -> str:
    return f"{count} channel{'s' if count > 1 else ''}"
