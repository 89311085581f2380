"""Inside a trained network: filters, activation maps, saliency, Grad-CAM, prototypes, and what each layer costs."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter
from typing import Any, cast

import numpy as np

from convlet import interpret
from convlet.architecture import describe
from convlet.data.dataset import Array, Dataset
from convlet.errors import InputError
from convlet.layers import Flatten, Pass
from convlet.layers.sequential import under_prefix
from convlet.training import Model, Settings, backend_name

MOST_CLASSES = 12
"""Classes that are looked at one by one; of more, those the model finds hardest."""

MOST_MAPS = 16
"""Maps shown of a layer: those that answer most strongly."""

MOST_MULTIPLY_ADDS = 4e9
"""What drawing the prototypes may cost; a larger network takes fewer steps, and draws none where that is too few."""

STEPS, FEWEST_STEPS = 60, 15

SUMMED = ("parameters", "activation_bytes", "multiply_adds")

GROUP = 64
"""Images of the step that is timed."""

MISTAKES = 6
"""Wrong images that are explained."""


def inside(model: Model, data: Dataset, logits: Array) -> dict[str, Any]:
    """What goes on inside a model, on the test images of a data set, for which it gave these logits (n, classes).

    Of several members, the first is looked into.

    Returns
    -------
    "filters" : weights (KH, KW, C, F) of the first convolution, or None
    "classes" : for some classes the image that the model is surest of, with its maps: see `_of_class`
    "mistakes" : wrong images with what spoke for the class they were taken for, and for their own
    "layers" : what each layer costs: see `_layers`
    """
    predicted, labels, model = logits.argmax(axis=1), data.test.labels, model.member(0)
    chosen = _hardest(predicted, labels, len(data.classes))
    surest = [_surest(logits, labels, number) for number in chosen]
    images = data.test.images[surest]
    return {
        "filters": _filters(model),
        "classes": _of_classes(model, data, chosen, surest, images),
        "mistakes": _mistakes(model, data, logits),
        "layers": _layers(model, data),
    }


def _hardest(predicted: Array, labels: Array, classes: int) -> list[int]:
    """Classes that have test images: all of them in order, or those with the lowest recall where there are many."""
    counts = np.bincount(labels, minlength=classes)
    right = np.bincount(labels[predicted == labels], minlength=classes)
    there = [number for number in range(classes) if counts[number]]
    if len(there) > MOST_CLASSES:
        there = sorted(sorted(there, key=lambda number: right[number] / counts[number])[:MOST_CLASSES])
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


def _of_classes(
    model: Model, data: Dataset, chosen: list[int], surest: list[int], images: Array
) -> list[dict[str, Any]]:
    """For each chosen class: its image, saliency (H, W), Grad-CAM (H, W) or None, maps of each layer, prototypes."""
    targets = np.array(chosen)
    saliency = interpret.saliency(model, images, targets).max(axis=3)
    cams = _cams(model, images, targets)
    maps = [item for item in interpret.activation_maps(model, images) if item.values.ndim == 4]
    drawn, train = _drawn(model), data.train
    return [
        {
            "class": number,
            "number": surest[place],
            "pixels": images[place],
            "saliency": saliency[place],
            "cam": None if cams is None else cams[place],
            "maps": [_strongest(model, item, place) for item in _worth_showing(model, maps)],
            "mean": train.images[train.labels == number].mean(axis=0),
            "drawn": None if drawn is None else drawn[number],
        }
        for place, number in enumerate(chosen)
    ]


def _drawn(model: Model) -> Array | None:
    """The prototypes, in as many steps as there is time for."""
    each = 3 * len(model.classes) * max(1, model.network.multiply_adds(model.input_shape))
    steps = min(STEPS, int(MOST_MULTIPLY_ADDS / each))
    return interpret.prototypes(model, steps=steps) if steps >= FEWEST_STEPS else None


def _cams(model: Model, images: Array, targets: Array) -> Array | None:
    """Grad-CAM on the pixels of the images; None for a network without a convolution."""
    try:
        return interpret.resize(interpret.grad_cam(model, images, targets), *model.input_shape[:2])
    except InputError:
        return None


def _worth_showing(model: Model, maps: list[interpret.Activation]) -> list[interpret.Activation]:
    """The maps after each activation rather than before it too."""
    layers = model.network.layers
    return [
        item
        for item in maps
        if not isinstance(layers[item.layer + 1], interpret.ELEMENTWISE) and not isinstance(layers[item.layer], Flatten)
    ]


def _strongest(model: Model, item: interpret.Activation, place: int) -> dict[str, Any]:
    """The maps (h, w, m) of a layer that answer most strongly, in their order, and what the layer is called."""
    values = item.values[place]
    strength = np.abs(values).mean(axis=(0, 1))
    kept = np.sort(np.argsort(-strength, kind="stable")[:MOST_MAPS])
    first = item.layer
    while first and isinstance(model.network.layers[first], interpret.ELEMENTWISE):
        first -= 1
    name = "-".join(layer.token() for layer in model.network.layers[first : item.layer + 1])
    return {"name": name, "of": values.shape[2], "numbers": kept.tolist(), "values": values[..., kept]}


def _mistakes(model: Model, data: Dataset, logits: Array) -> list[dict[str, Any]]:
    """The mistakes with the largest lead of the wrong class, and where the network found it."""
    labels, predicted = data.test.labels, logits.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    lead = logits[wrong, predicted[wrong]] - logits[wrong, labels[wrong]]
    numbers = wrong[np.argsort(-lead, kind="stable")][:MISTAKES]
    if not len(numbers):
        return []
    images = data.test.images[numbers]
    saliency = interpret.saliency(model, images, predicted[numbers]).max(axis=3)
    both = [_cams(model, images, targets) for targets in (predicted[numbers], labels[numbers])]
    return [
        {
            "number": int(number),
            "pixels": images[place],
            "label": int(labels[number]),
            "predicted": int(predicted[number]),
            "saliency": saliency[place],
            "cam": None if both[0] is None else both[0][place],
            "label_cam": None if both[1] is None else both[1][place],
        }
        for place, number in enumerate(numbers)
    ]


def _layers(model: Model, data: Dataset) -> dict[str, Any]:
    """What each layer costs: "rows", and whether they are of the "compiled" engine.

    Rows have the tokens, output shape, parameters, bytes of activations and multiply-adds of a layer, or of several
    where one kernel does them together, and the seconds of one image of a training step on one thread, forward and
    backward; a flatten that nothing has to be done for has none.
    Without compiled kernels backward is None and forward that of the layer's own definition.
    """
    rows = describe(model.network, model.input_shape)
    if backend_name() == "compiled":
        groups = _compiled_seconds(model, data)
    else:
        groups = _definition_seconds(model, data.test.images[:GROUP])
    return {
        "compiled": backend_name() == "compiled",
        "rows": [
            {
                "token": "-".join(rows[number]["token"] for number in numbers),
                "output_shape": rows[numbers[-1]]["output_shape"],
                **{key: sum(cast(Any, rows[number])[key] for number in numbers) for key in SUMMED},
                "forward_seconds": forward,
                "backward_seconds": backward,
            }
            for numbers, forward, backward in groups
        ],
    }


def _compiled_seconds(model: Model, data: Dataset) -> list[tuple[tuple[int, ...], float, float | None]]:
    """The layers of each group, and the seconds of an image forward and backward."""
    from convlet.training.profile import ProfiledEngine

    engine = ProfiledEngine(
        *(model.network, model.input_shape, model.preprocessing), shard=model.settings["shard"], seed=0
    )
    batch = np.arange(min(GROUP, len(data.train)), dtype=np.int64)
    try:
        engine.load(model.parameters, model.state)
        optimizer = Settings.from_dict(model.settings).make_optimizer()
        profile = engine.profile(data.train.images[batch], data.train.labels[batch], batch, optimizer)
    finally:
        engine.close()

    def seconds(number: int, forward: bool) -> float:
        own = [item for item in profile.timed if item.layer == number and (item.part == "forward") == forward]
        return sum(item.seconds for item in own) / len(batch)

    return [(numbers, seconds(owner, True), seconds(owner, False)) for owner, numbers in profile.covered.items()]


def _definition_seconds(model: Model, images: Array) -> list[tuple[tuple[int, ...], float, float | None]]:
    """Each layer by itself, and the median seconds of an image in its NumPy definition."""
    network, arrays = model.network, model.arrays()
    times = np.zeros((5, len(network.layers)))
    for repeat in times:
        y = model.preprocessing.apply(images)
        marks = [perf_counter()]
        for prefix, layer in zip(network.prefixes(), network.layers, strict=True):
            own = under_prefix(prefix, arrays)
            with np.errstate(all="ignore"):
                y, _ = layer.forward(y, own, own, Pass())
            marks.append(perf_counter())
        repeat[:] = [end - begin for begin, end in pairwise(marks)]
    seconds = np.median(times, axis=0) / len(images)
    return [((number,), float(spent), None) for number, spent in enumerate(seconds)]
