"""How much a report looks at, so that its time and memory do not grow with the size of the images.

Times are those of one core of a server CPU: compiled kernels do about 2 * 10^10 multiply-adds a second, the layers'
NumPy definitions about 10^10.
"""

from __future__ import annotations

from dataclasses import dataclass

from convlet.data.dataset import ImageSet
from convlet.interpret import GROUP_BYTES
from convlet.model.model import Model
from convlet.network.trace_cost import trace_bytes, trace_work, values
from convlet.system.threads import available_threads

ORDINARY_PIXELS, ORDINARY_IMAGES, FEWEST_IMAGES = 96 * 96, 10_000, 100
"""All test images of up to so many pixels are studied. Of larger ones as many as have the pixels of ORDINARY_IMAGES
such images, but at least FEWEST_IMAGES."""

SEARCH_MULTIPLY_ADDS = 3e10
"""What searching a part for wrong labels may cost: one to two seconds."""

LOOK_WORK = 2.5e10
"""What saliency, Grad-CAM and activation maps may cost, in the unit of `trace_work`: two to three seconds."""

MISTAKE_LOOKS = 1.7
"""What a mistake costs, in looks at one image: it has a second backward pass."""

PROTOTYPE_MULTIPLY_ADDS, PROTOTYPE_WORK = 4e9, 2e10
"""What drawing the prototypes may cost, in multiply-adds and in the unit of `trace_work`: about two seconds."""

STEPS, FEWEST_STEPS = 60, 15
"""Steps of a prototype, and how many are too few to show anything."""

MEAN_VALUES = 5e7
"""Values of a class's training images that its mean image is made of: a tenth of a second."""

TIMED_WORK, TIMED_BYTES = 2e10, 2**27
"""What the steps that are timed may cost, in the unit of `trace_work`, and their memory."""

TIMED_STEPS, TIMED_IMAGES = 5, 64
"""Fewest steps that are timed, and images of each."""

VECTORS = 5
"""Vectors as long as the parameters that a step needs beside its rows of gradients: engine and optimizer."""

BATCH_MULTIPLY_ADDS = 4e9
"""What one call that predicts may cost, so that Ctrl-C is answered soon: a fifth of a second."""

BATCH_BYTES, THREAD_BYTES = 2**25, 2**27
"""Memory of the images that are predicted at once, and of what all threads keep of them beyond the first thread."""


def studied_step(images: int, shape: tuple[int, ...]) -> int:
    """Every how many-th test image is studied."""
    pixels = shape[0] * shape[1]
    if pixels <= ORDINARY_PIXELS:
        return 1
    return _step(images, max(FEWEST_IMAGES, ORDINARY_IMAGES * ORDINARY_PIXELS // pixels))


def searched_step(model: Model, part: ImageSet) -> int:
    """Every how many-th image of a part is searched for wrong labels; 0 if even one costs too much."""
    shape = model.input_shape
    each = max(model.network.multiply_adds(shape), values(model.network, shape))
    return _step(len(part), int(SEARCH_MULTIPLY_ADDS / each))


def prediction_threads(model: Model, threads: int | None) -> int | None:
    """How many threads may predict: as many as asked for, unless each takes much memory for one image."""
    fit = max(1, THREAD_BYTES // (4 * values(model.network, model.input_shape)))
    wanted = threads or available_threads()
    return threads if wanted <= fit else fit


def predicted_together(model: Model, image_bytes: int, threads: int | None) -> int:
    """How many images are predicted in one call: whole shards, so that no result depends on it, one for each thread."""
    shard, shape = int(model.settings["shard"]), model.input_shape
    each = max(model.network.multiply_adds(shape), values(model.network, shape))
    fit = min(BATCH_BYTES // (image_bytes * shard), int(BATCH_MULTIPLY_ADDS / (each * shard)))
    return shard * max(threads or available_threads(), fit)


def _step(images: int, most: int) -> int:
    return -(-images // most) if most and images else min(most, 1)


@dataclass(frozen=True)
class Looks:
    """How many classes and mistakes are looked at, with all that a pass through the network shows."""

    classes: int
    mistakes: int


def looks(model: Model, classes: int, mistakes: int) -> Looks:
    """As many of these as there is time for; none if there is no time or memory for one."""
    network, shape = model.network, model.input_shape
    if trace_bytes(network, shape) > GROUP_BYTES:
        return Looks(0, 0)
    affordable = LOOK_WORK / trace_work(network, shape)
    share = min(1.0, affordable / (classes + MISTAKE_LOOKS * mistakes))
    if affordable < 1:
        return Looks(0, 0)
    return Looks(max(1, int(share * classes)), int(share * mistakes))


def prototype_steps(model: Model, classes: int) -> int:
    """Steps for the prototypes of this many classes; 0 if there is no time or memory for enough steps."""
    network, shape = model.network, model.input_shape
    if trace_bytes(network, shape) > GROUP_BYTES:
        return 0
    adds = 3 * classes * max(1, network.multiply_adds(shape))
    work = classes * trace_work(network, shape)
    steps = min(STEPS, int(PROTOTYPE_MULTIPLY_ADDS / adds), int(PROTOTYPE_WORK / work))
    return steps if steps >= FEWEST_STEPS else 0


@dataclass(frozen=True)
class Timed:
    """The step that is timed: images of the batch, and of each of its shards."""

    batch: int
    shard: int


def timed(model: Model, images: int) -> Timed | None:
    """How large a step can be timed with this many training images; None if not even one image can be."""
    network, shape = model.network, model.input_shape
    rows = 4 * len(model.parameters)
    room = TIMED_BYTES - VECTORS * rows
    each = trace_bytes(network, shape)
    batch = min(TIMED_IMAGES, images, int(TIMED_WORK / (TIMED_STEPS * trace_work(network, shape))))
    shard = min(int(model.settings["shard"]), room // each)
    if batch < 1 or shard < 1:
        return None
    shards = (room - shard * each) // rows if rows else batch
    return Timed(min(batch, shard * shards), shard) if shards else None
