"""What a network looks at and what it has learned: saliency, Grad-CAM, activation maps, top losses, prototypes.

Everything is computed from the layers' own NumPy definitions, for a few images at a time. Axes: n images; H W C input;
K classes. Targets are numbers of classes; where none are given, each image's own most probable class is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from convlet import random
from convlet.data.inputs import as_images, as_labels
from convlet.data.thumbnails import resize as resize  # part of this module for users
from convlet.data.thumbnails import smoothed
from convlet.errors import InputError
from convlet.layers import (
    GELU,
    BatchNorm,
    Conv,
    Dropout,
    Layer,
    LeakyReLU,
    Pass,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Tanh,
)
from convlet.layers.base import Array
from convlet.layers.sequential import under_prefix
from convlet.learning.losses import softmax, softmax_cross_entropy
from convlet.model.finite import finite
from convlet.model.model import Model
from convlet.network.trace_cost import trace_bytes

ELEMENTWISE = (GELU, BatchNorm, Dropout, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh)
"""Layers that change each activation in its place: what they put out still belongs to the convolution before them."""

GROUP, GROUP_BYTES = 64, 2**27
"""Images that pass the definitions at once, and the memory they may take: fewer pass if they are large, but at least
one. It bounds the memory and never changes a result."""


@dataclass
class Trace:
    """One inference pass with everything kept: inputs[i] and saved[i] of layer i, and the logits (n, K)."""

    network: Sequential
    arrays: dict[str, Array]
    inputs: list[Array]
    saved: list[Any]

    @classmethod
    def of(cls, model: Model, x: Array) -> Trace:
        """The pass of float32 x (n, H, W, C), already preprocessed; of several members, the first one's."""
        network, arrays = model.network, model.member(0).arrays()
        inputs, saved = [x], []
        with np.errstate(all="ignore"):  # whether the logits are finite is looked at afterwards
            for prefix, layer in zip(network.prefixes(), network.layers, strict=True):
                own = under_prefix(prefix, arrays)
                y, kept = layer.forward(inputs[-1], own, own, Pass())
                inputs.append(y)
                saved.append(kept)
        return cls(network, arrays, inputs, saved)

    @property
    def logits(self) -> Array:
        return self.inputs[-1]

    def gradient(self, targets: Array, layer: int) -> Array:
        """The gradient of each image's target logit by what goes into layer number `layer`, of that shape."""
        return self.gradients(targets, layer)[layer]

    def gradients(self, targets: Array, *layers: int) -> dict[int, Array]:
        """The same for several layers, by their numbers, from one backward pass."""
        dy = np.zeros_like(self.logits)
        dy[np.arange(len(targets)), targets] = 1
        names = self.network.prefixes()
        found = {len(names): dy}
        for number in range(len(names) - 1, min(layers) - 1, -1):
            own = under_prefix(names[number], self.arrays)
            dy = self.network.layers[number].input_gradient(dy, self.saved[number], own)
            if number in layers:
                found[number] = dy
        return found


def saliency(model: Model, images: Array, targets: Array | None = None, *, absolute: bool = True) -> Array:
    """How much each pixel would change the score of a class: float32 (n, H, W, C).

    s = |d logit_target / d pixel|, in logits per pixel unit

    Parameters
    ----------
    images : (n, H, W, C) uint8 or float, in the pixel units of the training images
    targets : int (n,), or None
    absolute : whether the sign is dropped

    Raises
    ------
    DataError : images of another shape, values that are not finite, or targets that are no classes

    Source: Simonyan, Vedaldi, Zisserman 2014, "Deep inside convolutional networks", section 3.
    """
    images, chosen = _door(model, images, targets)
    gradients = np.empty(images.shape, np.float32)
    for rows, trace in _traces(model, images):
        gradients[rows] = trace.gradient(_targets(trace, chosen, rows), 0) * model.preprocessing.scale
    return np.abs(gradients) if absolute else gradients


def grad_cam(model: Model, images: Array, targets: Array | None = None, *, layer: int | None = None) -> Array:
    """Where in the image the evidence for a class lies: float32 (n, OH, OW), on the pixels of a layer's output.

    a_f = mean over p, q of d logit_target / d y[p, q, f]
    cam[p, q] = max(0, sum over f of a_f y[p, q, f])

    Parameters
    ----------
    images, targets : as in `saliency`
    layer : number of the layer whose output y (n, OH, OW, F) is read, from 0; None for that of `cam_layer`

    Raises
    ------
    DataError : as in `saliency`
    InputError : a layer that there is not or that puts out no maps, or a network without a convolution

    `resize` brings the result to the size of the images.

    Source: Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra 2017, "Grad-CAM", equations 1 and 2.
    """
    number = cam_layer(model) if layer is None else _map_layer(model, layer)
    images, chosen = _door(model, images, targets)
    maps = np.empty((len(images), *_output_shape(model, number)[:2]), np.float32)
    for rows, trace in _traces(model, images):
        maps[rows] = cam_of(trace.inputs[number + 1], trace.gradient(_targets(trace, chosen, rows), number + 1))
    return maps


def cam_of(y: Array, gradient: Array) -> Array:
    """The second formula of `grad_cam`: float32 (n, OH, OW), of a layer's output and its gradient (n, OH, OW, F)."""
    return cast(Array, np.maximum(np.einsum("npqf,nf->npq", y, gradient.mean(axis=(1, 2))), 0))


def cam_layer(model: Model) -> int:
    """The layer that `grad_cam` reads: the last convolution or residual block, after its activation.

    Raises
    ------
    InputError : a network without either
    """
    layers = model.network.layers
    found = [number for number, layer in enumerate(layers) if isinstance(layer, (Conv, Residual))]
    if not found:
        raise InputError(f"Grad-CAM reads the output of a convolution, but {model.architecture} has none")
    number = found[-1]
    while isinstance(layers[number + 1], ELEMENTWISE):
        number += 1
    return number


@dataclass(frozen=True, eq=False)
class Activation:
    """What one layer puts out: its number from 0, its token, and values float32 (n, *output shape)."""

    layer: int
    token: str
    values: Array


def activation_maps(model: Model, images: Array) -> list[Activation]:
    """What every layer puts out for images (n, H, W, C); the last one holds the logits.

    Raises
    ------
    DataError : images of another shape, or values that are not finite
    """
    images, _ = _door(model, images, None)
    network = model.network
    shapes = network.shapes(model.input_shape)[1:]
    values = [np.empty((len(images), *shape), np.float32) for shape in shapes]
    for rows, trace in _traces(model, images):
        for kept, y in zip(values, trace.inputs[1:], strict=True):
            kept[rows] = y
    tokens = [layer.token() for layer in network.layers]
    return [Activation(*item) for item in zip(range(len(tokens)), tokens, values, strict=True)]


@dataclass(frozen=True, eq=False)
class TopLosses:
    """The images a model does worst on, the worst first.

    images : int64 (m,), their numbers
    losses : float32 (m,), -log of the probability that their own class was given
    predicted : int64 (m,)
    probabilities : float32 (m, K)
    """

    images: Array
    losses: Array
    predicted: Array
    probabilities: Array


def top_losses(model: Model, images: Array, labels: Array, count: int = 10) -> TopLosses:
    """The images with the largest losses; of equal ones the first.

    Parameters
    ----------
    images : (n, H, W, C) uint8 or float
    labels : int (n,)
    count : how many, at most

    Raises
    ------
    DataError : images or labels that cannot be used
    InputError : a count below 1
    """
    if count < 1:
        raise InputError(f"count must be a whole number from 1, but got {count}")
    images = as_images(images, "images", model.input_shape)
    labels = as_labels(labels, "labels", len(images), len(model.classes))
    logits = model.logits(images)
    losses, _ = softmax_cross_entropy(logits, labels)
    order = np.argsort(-losses, kind="stable")[:count]
    return TopLosses(order, losses[order], logits[order].argmax(axis=1), softmax(logits[order]))


def prototypes(
    model: Model, classes: Array | None = None, *, steps: int = 60, penalty: float = 0.02, blur: float = 0.6
) -> Array:
    """An image that maximises the score of a class, for each class: float32 (m, H, W, C), in pixel units.

    Gradient ascent from faint noise around the mean image on   logit_k(x) - penalty |x|^2,   x the image after
    preprocessing: each step moves by a tenth of the gradient over its root mean square, and every fourth one smooths
    what has grown. The noise is always the same; without it a flat image may leave every relu silent.

    Parameters
    ----------
    classes : int (m,), the numbers of the classes; None for all K
    steps : how many; the same number always gives the same images
    penalty : how strongly large values are held back
    blur : the fraction of each pixel that is taken from its neighbours when it is smoothed

    Raises
    ------
    DataError : numbers that are not classes

    Source: Simonyan, Vedaldi, Zisserman 2014, section 2; smoothing after Yosinski, Clune, Nguyen, Fuchs, Lipson 2015,
    "Understanding neural networks through deep visualization", section 4.
    """
    count = len(model.classes)
    wanted = np.arange(count) if classes is None else as_labels(classes, "classes", len(classes), count)
    noise = np.float32(0.3) * random.normal(model.input_shape, seed=0, purpose=random.INITIAL)
    x = np.repeat(noise[None], len(wanted), axis=0)
    for rows in groups(model, len(wanted)):
        targets, part = wanted[rows], x[rows]
        for step in range(steps):
            ascent = Trace.of(model, part).gradient(targets, 0) - np.float32(2 * penalty) * part
            with np.errstate(over="ignore"):  # a gradient whose square overflows moves nothing
                scale = np.sqrt(np.mean(np.square(ascent), axis=(1, 2, 3), keepdims=True))
            part += np.float32(0.1) * ascent / np.maximum(scale, np.float32(1e-12))
            if step % 4 == 3:
                part = smoothed(part, blur)
        x[rows] = part
    return cast(Array, (x - model.preprocessing.offset) / model.preprocessing.scale)


def _door(model: Model, images: Array, targets: Array | None) -> tuple[Array, Array | None]:
    """Images and targets that can be used, or DataError."""
    images = as_images(images, "images", model.input_shape)
    if targets is None:
        return images, None
    return images, as_labels(targets, "targets", len(images), len(model.classes))


def groups(model: Model, count: int) -> Iterator[slice]:
    """Places of `count` images in groups of at most GROUP images and about GROUP_BYTES of memory."""
    size = max(1, min(GROUP, GROUP_BYTES // trace_bytes(model.network, model.input_shape)))
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))


def _traces(model: Model, images: Array) -> Iterator[tuple[slice, Trace]]:
    """Each group of images: its place among all and its trace."""
    for rows in groups(model, len(images)):
        trace = Trace.of(model, model.preprocessing.apply(images[rows]))
        if not finite(trace.logits):
            error = model.not_finite(images[rows], trace.logits)
            number = rows.start + error.number
            raise error.of(f"image {number}", number)
        yield rows, trace


def _targets(trace: Trace, chosen: Array | None, rows: slice) -> Array:
    return cast(Array, trace.logits.argmax(axis=1)) if chosen is None else chosen[rows]


def _output_shape(model: Model, number: int) -> tuple[int, ...]:
    return model.network.shapes(model.input_shape)[number + 1]


def _map_layer(model: Model, number: int) -> int:
    """The number of a layer that puts out maps, or InputError."""
    layers: tuple[Layer, ...] = model.network.layers
    if not 0 <= number < len(layers):
        raise InputError(f"layer must be from 0 to {len(layers) - 1}, the layers of the network, but got {number}")
    if len(_output_shape(model, number)) != 3:
        raise InputError(f"layer {number} ({layers[number].token()}) puts out no maps; choose one before it")
    return number
