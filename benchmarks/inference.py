"""Inference of convlet and PyTorch side by side: one image, and many at once, from uint8 pixels to logits.

    python benchmarks/inference.py [--threads 2] [--images 1000] [--runs 7] [--json FILE] [--write] [NAME ...]

NAME is a network of networks.txt; B6, LeNet-5 and wide where none is given. Checks first that both sides give the same
logits. convlet runs `Model.logits` on uint8 images, scaling included; PyTorch runs the network in inference mode on
images that are scaled already, as one batch. The ratio is to the better of PyTorch's two memory layouts.
"""

from __future__ import annotations

import torch

from convlet import Model, Settings
from convlet.learning.preprocessing import Preprocessing
from convlet.network.layout import Layout
from in_pytorch import LAYOUTS, Twin, tensors
from measure import Table, interleaved, options
from networks import CLASSES, drawn, headed, networks, same, targets

DEFAULT = ("B6", "LeNet-5", "wide")
COLUMNS = (
    *("network", "images", "convlet ms", "PyTorch ms", "PyTorch channels-last ms"),
    *("convlet images/s", "ratio", "at least"),
)


def model_of(shape, word, images):
    """An untrained model."""
    network = headed(word)
    layout = Layout(network, shape)
    parameters, state = layout.initial_parameters(network, shape, 1), layout.initial_state(network, shape)
    names = tuple(map(str, range(CLASSES)))
    return Model(word, shape, names, Preprocessing.from_images(images), parameters, state, Settings().as_dict())


def sides_of(name, shape, word, images, threads):
    """What each side does with these images, as functions; exits unless they give the same logits."""
    model = model_of(shape, word, images)
    sides = {"convlet": lambda: model.logits(images, threads)}
    for layout in LAYOUTS:
        module = Twin(model.network, shape, model.arrays(), layout).module.eval()
        x, _ = tensors(images, images[:, 0, 0, 0], model.preprocessing, layout)
        sides[layout] = _forward(module, x)
        same(f"{name}, logits", model.logits(images, threads), sides[layout]().numpy())
    return sides


def _forward(module, x):
    @torch.inference_mode()
    def forward():
        return module(x)

    return forward


def main():
    parser = options(__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--images", type=int, default=1000)
    given = parser.parse_args()
    chosen, wanted = networks(given.names or DEFAULT), targets("inference")
    torch.set_num_threads(given.threads)
    table = Table("inference", COLUMNS, given, ["torch"], {"runs": given.runs})
    for name, (shape, word) in chosen.items():
        for count in (1, given.images):
            times = interleaved(sides_of(name, shape, word, drawn(shape, count)[0], given.threads), given.runs)
            best = min((times[layout] for layout in LAYOUTS), key=lambda own: own.median)
            ratio, rate = best / times["convlet"], count / times["convlet"].median
            shown = (own.shown(1e3) for own in times.values())
            cells = [name, count, *shown, f"{rate:,.0f}", ratio.shown(), wanted.get(f"{name} {count}", "-")]
            table.row(cells, network=name, architecture=word, images=count, ratio=ratio, seconds=times)
    table.done()


if __name__ == "__main__":
    main()
