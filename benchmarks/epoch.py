"""One epoch on MNIST by convlet and PyTorch side by side: seconds of training and test accuracy, over several seeds.

    python benchmarks/epoch.py [--threads 2] [--seeds 10] [--images 60000] [--json FILE] [--write]

Both train ARCHITECTURE on the 60,000 training images with the same batches' size, optimizer and learning rates, each
from its own initial weights. Each seed is one run: convlet, then PyTorch in the better of its two memory layouts, as
found by a few steps of each. Checks first that both compute the same logits and gradients. The seconds are those of the
steps, with shuffling and picking of images; PyTorch's images are scaled before.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch

from convlet import Settings, load_data, train
from convlet.data import ImageSet
from convlet.learning.preprocessing import Preprocessing
from in_pytorch import LAYOUTS, check, fresh, step_of, tensors
from measure import Spread, Table, interleaved, options, percent
from networks import headed, targets

ARCHITECTURE = "conv24k5v-pool-relu-conv32v-pool-relu-dense256-relu"
SETTINGS = Settings(epochs=1, batch=256, optimizer="adam", beta1=0.7, beta2=0.9, learning_rate=0.01, warm_up=0.2)
COLUMNS = ("side", "seconds", "test accuracy %", "standard deviation of it %", "ratio", "wanted")


def convlet_run(data, images, seed, threads):
    """Seconds and test accuracy of one training by convlet."""
    shown = ImageSet(data.train.images[:images], data.train.labels[:images])
    settings = SETTINGS.changed(seed=seed, threads=threads)
    result = train(headed(ARCHITECTURE), shown, classes=data.classes, settings=settings)
    predicted = result.model.predict(data.test.images, threads)
    return result.train_seconds, float(np.mean(predicted == data.test.labels))


def optimizer_of(module):
    return torch.optim.Adam(module.parameters(), SETTINGS.learning_rate, betas=(SETTINGS.beta1, SETTINGS.beta2))


def pytorch_run(shown, tested, shape, seed, layout):
    """Seconds and test accuracy of one training by PyTorch."""
    module = fresh(headed(ARCHITECTURE), shape, seed, layout)
    optimizer, (x, y) = optimizer_of(module), shown
    steps = -(-len(x) // SETTINGS.batch)
    schedule = SETTINGS.make_schedule(steps)
    began = time.perf_counter()
    order = torch.randperm(len(x))
    for step in range(steps):
        picked = order[step * SETTINGS.batch : (step + 1) * SETTINGS.batch]
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step, steps)
        step_of(module, x[picked], y[picked], optimizer)()
    seconds = time.perf_counter() - began
    with torch.inference_mode():
        hits = sum(
            (module.eval()(part).argmax(1) == labels).sum().item()
            for part, labels in zip(tested[0].split(1000), tested[1].split(1000), strict=True)
        )
    return seconds, hits / len(tested[1])


def better_layout(shape, images, labels, preprocessing):
    """The layout whose training steps are faster here."""
    sides = {}
    for layout in LAYOUTS:
        module = fresh(headed(ARCHITECTURE), shape, 0, layout)
        sides[layout] = step_of(module, *tensors(images, labels, preprocessing, layout), optimizer_of(module))
    times = interleaved(sides, 3)
    return min(LAYOUTS, key=lambda layout: times[layout].median)


def main():
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--images", type=int, default=60_000, help="training images; default: %(default)s")
    parser.add_argument("--data", default="mnist", help="default: %(default)s")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    data = load_data(given.data, validation=0.0)
    shape, images = data.image_shape, data.train.images[: given.images]
    labels = data.train.labels[: given.images]
    check("the epoch's network", shape, ARCHITECTURE, images[:32], labels[:32], given.threads)
    preprocessing = Preprocessing.from_images(images)
    layout = better_layout(shape, images[: SETTINGS.batch], labels[: SETTINGS.batch], preprocessing)
    shown = tensors(images, labels, preprocessing, layout)
    tested = tensors(data.test.images, data.test.labels, preprocessing, layout)
    more = {"seeds": given.seeds, "training_images": len(images), "pytorch_layout": layout}
    table = Table("epoch", COLUMNS, given, ["torch"], more)
    ours, theirs = [], []
    for seed in range(given.seeds):
        ours.append(convlet_run(data, given.images, seed, given.threads))
        theirs.append(pytorch_run(shown, tested, shape, seed, layout))
    report(table, {"convlet": ours, "PyTorch": theirs})


def report(table, sides):
    """A row for each side from its (seconds, accuracy) of each seed."""
    wanted = targets("epoch")
    seconds = {side: Spread(tuple(run[0] for run in runs)) for side, runs in sides.items()}
    for side, runs in sides.items():
        accuracies = [run[1] for run in runs]
        mean, deviation = statistics.fmean(accuracies), statistics.stdev(accuracies) if len(runs) > 1 else 0.0
        ratio, goal = None, "-"
        if side == "convlet":
            ratio = seconds["PyTorch"] / seconds["convlet"]
            goal = f"ratio {wanted['ratio']}, mean {100 * wanted['accuracy']:.1f} %"
        cells = [
            side,
            seconds[side].shown(),
            percent(accuracies),
            f"{100 * deviation:.2f}",
            ratio.shown() if ratio else "-",
            goal,
        ]
        table.row(cells, side=side, seconds=seconds[side], accuracies=accuracies, mean_accuracy=mean, ratio=ratio)
    table.done()


if __name__ == "__main__":
    main()
