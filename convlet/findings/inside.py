"""Inside a trained network: filters, activation maps, saliency, Grad-CAM, prototypes, and what each layer costs.

Pictures are small: see `convlet.data.thumbnails`. Images are read one group at a time, so memory does not grow with
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from convlet import interpret
from convlet.data.dataset import Array, Dataset, ImageSet
from convlet.data.thumbnails import thumbnails
from convlet.errors import InputError
from convlet.findings.bounds import MEAN_VALUES, looks, prototype_steps
from convlet.findings.costs import costs
from convlet.layers import Flatten
from convlet.model.model import Model
from convlet.records.findings import ExplainedMistake, Explanation, Inside, InsideClass, LayerMaps

MOST_CLASSES = 12
"""Classes that are looked at one by one; of more, those the model finds hardest."""

MOST_MAPS, MOST_LAYERS = 16, 12
"""Maps shown of a layer: those that answer most strongly. Layers whose maps are shown; of more, evenly chosen ones."""

MISTAKES = 6
"""Wrong images that are explained."""


def inside(model: Model, data: Dataset, logits: Array, numbers: Array | None = None) -> Inside:
    """What goes on inside a model, on the test images of a data set, for which it gave these logits (n, classes).

    Of several members, the first is looked into.

    Parameters
    ----------
    numbers : int (n,), which test images the logits are of; None for all

    Returns
    -------
    "filters" : weights (KH, KW, C, F) of the first convolution, or None
    "classes" : for some classes the image with the highest confidence, with its maps: see `_of_classes`
    "mistakes" : wrong images with what spoke for the predicted class, and for their own
    "looked" : whether there was time and memory for a pass through the network with all its values kept; else there
        are no mistakes, and of a class only its image and mean image
    "layers" : what each layer costs: see `costs`
    """
    numbers = np.arange(len(data.test)) if numbers is None else numbers
    model = model.member(0)
    predicted, labels = logits.argmax(axis=1), data.test.labels[numbers]
    wrong = _clearest_mistakes(predicted, labels, logits)
    afford = looks(model, min(MOST_CLASSES, len(np.unique(labels))), len(wrong))
    chosen = _hardest(predicted, labels, len(data.classes), afford.classes or MOST_CLASSES)
    surest = [int(numbers[_surest(logits, labels, number)]) for number in chosen]
    wrong = wrong[: afford.mistakes]
    return {
        "filters": _filters(model),
        "classes": _of_classes(model, data, chosen, surest, afford.classes > 0),
        "mistakes": _mistakes(model, data.test, numbers[wrong], predicted[wrong]),
        "looked": afford.classes > 0,
        "layers": costs(model, data),
    }


def _hardest(predicted: Array, labels: Array, classes: int, most: int) -> list[int]:
    """Classes that have test images: all of them in order, or those with the lowest recall if there are more."""
    counts = np.bincount(labels, minlength=classes)
    right = np.bincount(labels[predicted == labels], minlength=classes)
    there = [number for number in range(classes) if counts[number]]
    if len(there) > most:
        there = sorted(sorted(there, key=lambda number: right[number] / counts[number])[:most])
    return there


def _surest(logits: Array, labels: Array, number: int) -> int:
    """The image of a class whose logit stands highest above the next one."""
    own = np.flatnonzero(labels == number)
    others = np.delete(logits[own], number, axis=1).max(axis=1)
    return int(own[np.argmax(logits[own, number] - others)])


def _filters(model: Model) -> Array | None:
    """The weights of the first convolution, if the image itself is what it reads."""
    for name, values in model.arrays().items():
        if name.endswith("weights") and values.ndim == 4:
            return values
    return None


def _of_classes(model: Model, data: Dataset, chosen: list[int], surest: list[int], looked: bool) -> list[InsideClass]:
    """For each chosen class: number, pixels, saliency, Grad-CAM, maps of each layer, mean image and prototype.

    saliency, cam, drawn : None if there was no time or memory for them; cam also without a convolution
    """
    steps, drawn = prototype_steps(model, len(chosen)), None
    if steps:
        drawn = thumbnails(interpret.prototypes(model, np.array(chosen), steps=steps))
    found: list[InsideClass] = []
    every = np.array(surest, np.int64)
    for rows in interpret.groups(model, len(chosen)):
        images, targets = data.test.images[every[rows]], np.array(chosen[rows])
        seen = _look(model, images, (targets,)) if looked else None
        for place, number in enumerate(chosen[rows]):
            mean, used, of = _mean(data.train, number)
            found.append(
                {
                    "class": number,
                    "number": surest[rows.start + place],
                    "pixels": thumbnails(images[place : place + 1])[0],
                    "saliency": None if seen is None else seen.saliency[place],
                    "cam": None if seen is None or seen.cams is None else seen.cams[0][place],
                    "maps": [] if seen is None else [_strongest(model, item, place) for item in seen.maps],
                    "mean": mean,
                    "mean_of": (used, of),
                    "drawn": None if drawn is None else drawn[rows.start + place],
                }
            )
    return found


class _Look(NamedTuple):
    """What one pass shows of n images.

    saliency : (n, h, w), for the first targets
    cams : (n, h, w) for each of the targets; None without a convolution
    maps : those of each layer that is worth showing
    """

    saliency: Array
    cams: list[Array] | None
    maps: list[interpret.Activation]


def _look(model: Model, images: Array, targets: tuple[Array, ...]) -> _Look:
    """Pass images (n, H, W, C) through the network once."""
    trace = interpret.Trace.of(model, model.preprocessing.apply(images))
    try:
        layer: int | None = interpret.cam_layer(model) + 1
    except InputError:
        layer = None
    first = trace.gradients(targets[0], 0, *([] if layer is None else [layer]))
    per_pixel = (first[0] * model.preprocessing.scale).astype(np.float32)
    saliency = thumbnails(np.abs(per_pixel).max(axis=3))
    cams = None
    if layer is not None:
        gradients = [first[layer], *(trace.gradient(others, layer) for others in targets[1:])]
        size = saliency.shape[1:]
        cams = [interpret.resize(thumbnails(interpret.cam_of(trace.inputs[layer], own)), *size) for own in gradients]
    tokens = [own.token() for own in model.network.layers]
    every = [interpret.Activation(k, token, trace.inputs[k + 1]) for k, token in enumerate(tokens)]
    maps = _worth_showing(model, [item for item in every if item.values.ndim == 4])
    return _Look(saliency, cams, maps)


def _mean(part: ImageSet, number: int) -> tuple[Array | None, int, int]:
    """The mean of a class's training images as a small picture, of how many it is made, and how many there are."""
    places = np.flatnonzero(part.labels == number)
    if not len(places):
        return None, 0, 0
    each = int(np.prod(part.images.shape[1:]))
    used = places[: max(1, int(MEAN_VALUES / each))]
    groups = max(1, -(-len(used) * each * 8 // interpret.GROUP_BYTES))
    sums = (part.images[own].sum(axis=0, dtype=np.float64) for own in np.array_split(used, groups))
    total = sum(sums, np.zeros(part.images.shape[1:]))
    return thumbnails((total / len(used))[None])[0], len(used), len(places)


def _worth_showing(model: Model, maps: list[interpret.Activation]) -> list[interpret.Activation]:
    """The maps after each activation rather than before it too; of a deep network evenly chosen ones and the last."""
    layers = model.network.layers
    found = [
        item
        for item in maps
        if not isinstance(layers[item.layer + 1], interpret.ELEMENTWISE) and not isinstance(layers[item.layer], Flatten)
    ]
    kept = np.unique(np.linspace(0, len(found) - 1, min(MOST_LAYERS, len(found))).astype(np.int64))
    return [found[place] for place in kept]


def _strongest(model: Model, item: interpret.Activation, place: int) -> LayerMaps:
    """The maps (h, w, m) of a layer that answer most strongly, in their order, and what the layer is called."""
    values = item.values[place]
    strength = np.abs(values).mean(axis=(0, 1))
    kept = np.sort(np.argsort(-strength, kind="stable")[:MOST_MAPS])
    first = item.layer
    while first and isinstance(model.network.layers[first], interpret.ELEMENTWISE):
        first -= 1
    name = "-".join(layer.token() for layer in model.network.layers[first : item.layer + 1])
    small = thumbnails(values[None][..., kept])[0]
    return {"name": name, "of": values.shape[2], "size": values.shape[:2], "numbers": kept.tolist(), "values": small}


def _clearest_mistakes(predicted: Array, labels: Array, logits: Array) -> Array:
    """The mistakes with the largest lead of the wrong class, the clearest first: places among the logits."""
    wrong = np.flatnonzero(predicted != labels)
    lead = logits[wrong, predicted[wrong]] - logits[wrong, labels[wrong]]
    order: Array = wrong[np.argsort(-lead, kind="stable")][:MISTAKES]
    return order


def _mistakes(model: Model, test: ImageSet, numbers: Array, predicted: Array) -> list[ExplainedMistake]:
    """Wrong images, and what spoke for the predicted class and for their own."""
    return [
        {
            "number": int(number),
            "name": test.name(int(number)),
            "label": int(test.labels[number]),
            "predicted": int(taken),
            **look,
        }
        for rows in interpret.groups(model, len(numbers))
        for number, taken, look in zip(
            numbers[rows], predicted[rows], _looks_at(model, test, numbers[rows], predicted[rows]), strict=True
        )
    ]


def _looks_at(model: Model, test: ImageSet, numbers: Array, predicted: Array) -> Iterator[Explanation]:
    """Pixels, saliency and both Grad-CAM maps of each of these images."""
    images = test.images[numbers]
    seen = _look(model, images, (predicted, test.labels[numbers]))
    for place in range(len(numbers)):
        cam, label_cam = (None, None) if seen.cams is None else (own[place] for own in seen.cams)
        pixels = thumbnails(images[place : place + 1])[0]
        yield {"pixels": pixels, "saliency": seen.saliency[place], "cam": cam, "label_cam": label_cam}
