"""Recipes on real images: test accuracy over several seeds against seconds of training, with PyTorch beside it.

    python benchmarks/recipes.py [--seeds 5] [--threads 2] [--json FILE] [--write] [NAME ...]

NAME is a row such as "mnist-fast"; all rows of ROWS where none is given. Each training is one line of recipes.jsonl
beside this file, and what is there is not trained again, so that long rows can be made in pieces. Only trainings with
as many threads as the table count for its seconds, all of them for its accuracy, which threads do not change.

With --pytorch, PyTorch trains the same network with batches of the same size, the same optimizer and learning rates, on
images that convlet has changed, each epoch anew; its seconds are those of its steps alone, in the memory layout
channels-last. It trains one member and predicts without views; its seconds are multiplied by the recipe's members.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convlet import load_data, train
from convlet.measure.conditions import machine, versions
from convlet.model.model import NUMERICS_VERSION
from convlet.recipes.presets import settings_for
from convlet.recipes.table import entry_for
from measure import RESULTS, Table, options
from networks import headed, targets
from plot import Panel, svg

COLUMNS = (
    *("row", "network", "seeds", "test accuracy %", "standard deviation of it %", "at least %"),
    *("seconds", "at most", "PyTorch seconds", "PyTorch accuracy %"),
)
LOG = Path(__file__).parent / "recipes.jsonl"
FOLDS = 5


@dataclass(frozen=True)
class Row:
    """A recipe on a data set; train_images None for all of them."""

    data: str
    recipe: str
    train_images: int | None = None

    @property
    def name(self):
        return "-".join([self.data, self.recipe, *([str(self.train_images)] if self.train_images else [])])


ROWS = (
    *(Row(data, recipe) for data in ("mnist", "fashion-mnist") for recipe in ("fast", "standard", "best")),
    Row("mnist", "best", 1000),
    Row("digits", "estimator"),
)


def plan_of(row, seed, threads):
    """The data, the architecture and the settings of one training."""
    data = load_data(row.data, validation=0.0, train_images=row.train_images, offline=True)
    entry = entry_for(row.recipe, data.image_shape, len(data.train), data.pictures)
    return data, entry.architecture, settings_for(entry, len(data.train), {"seed": seed, "threads": threads})


def by_convlet(row, seed, threads):
    """Seconds of training, test accuracy and network."""
    if row.recipe == "estimator":
        return cross_validated(seed, threads)
    data, word, settings = plan_of(row, seed, threads)
    warm = data.train.images[: 2 * settings.batch], data.train.labels[: 2 * settings.batch]
    train(headed(word), type(data.train)(*warm), classes=data.classes, settings=settings.changed(epochs=1, members=1))
    result = train(headed(word), data.train, classes=data.classes, settings=settings)
    predicted = result.model.predict(data.test.images, threads)
    return result.train_seconds, float(np.mean(predicted == data.test.labels)), word


def cross_validated(seed, threads):
    """The estimator with its defaults on digits, in FOLDS folds of scikit-learn's in the order of the images."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import cross_val_score

    from convlet import ConvNetClassifier

    estimator = ConvNetClassifier(random_state=seed, n_jobs=threads)
    rows, labels = load_digits(return_X_y=True)
    estimator.fit(rows, labels)  # compiles
    began = time.perf_counter()
    scores = cross_val_score(estimator, rows, labels, cv=FOLDS)
    return time.perf_counter() - began, float(scores.mean()), estimator.model_.architecture


def by_pytorch(row, seed, threads):
    """Seconds of all steps, test accuracy and network of one member in PyTorch."""
    import torch

    from convlet.learning import augmenting
    from convlet.learning.augmentation import parse_augmentation
    from convlet.learning.preprocessing import Preprocessing
    from in_pytorch import fresh, step_of, tensors

    torch.set_num_threads(threads)
    data, word, settings = plan_of(row, seed, threads)
    images, labels = data.train.images, data.train.labels
    preprocessing, augmentation = Preprocessing.from_images(images), parse_augmentation(settings.augment)
    module = fresh(headed(word), data.image_shape, seed, "channels-last")
    optimizer = torch.optim.Adam(module.parameters(), settings.learning_rate, betas=(settings.beta1, settings.beta2))
    rng, size = np.random.default_rng(seed), settings.batch
    steps = settings.epochs * -(-len(images) // size)
    schedule, step, seconds = settings.make_schedule(steps), 0, 0.0
    for epoch in range(settings.epochs):
        order = rng.permutation(len(images))
        for first in range(0, len(images), size):
            picked = order[first : first + size]
            at = {"seed": seed, "epoch": epoch, "position": first}
            shown = augmenting.show(augmentation, preprocessing, images, picked, slice(0, len(picked)), **at).images
            x = torch.from_numpy(shown).permute(0, 3, 1, 2)
            y = torch.from_numpy(labels[picked])
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate(step, steps)
            took = time.perf_counter()
            step_of(module, x, y, optimizer, settings.label_smoothing)()
            seconds += time.perf_counter() - took
            step += 1
    x, y = tensors(data.test.images, data.test.labels, preprocessing, "channels-last")
    module.eval()
    with torch.inference_mode():
        hits = sum((module(a).argmax(1) == b).sum().item() for a, b in zip(x.split(500), y.split(500), strict=True))
    return seconds * settings.members, hits / len(y), word


SIDES = {"convlet": by_convlet, "PyTorch": by_pytorch}


def logged():
    """Every training in the log that today's seeds give again; before numerics 2, members of ensembles shared seeds."""
    found = [json.loads(line) for line in LOG.read_text().splitlines()] if LOG.exists() else []
    return [one for one in found if "best" not in one["row"].split("-") or one.get("numerics") == NUMERICS_VERSION]


def make(row, side, seed, threads):
    """Train once, unless the log has it, and write it there; exits if threads changed convlet's result."""
    same = [one for one in logged() if (one["row"], one["side"], one["seed"]) == (row.name, side, seed)]
    if any(one["threads"] == threads for one in same):
        return
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    seconds, accuracy, word = SIDES[side](row, seed, threads)
    if side == "convlet" and any((one["architecture"], one["accuracy"]) != (word, accuracy) for one in same):
        raise SystemExit(f"{row.name}, seed {seed}: with {threads} threads the accuracy was {accuracy}, before another")
    one = {"row": row.name, "side": side, "seed": seed, "architecture": word, "accuracy": accuracy}
    one |= {
        "numerics": NUMERICS_VERSION,
        "seconds": seconds,
        "threads": threads,
        "load": load,
        "processor": machine()["processor"],
        "versions": versions(),
    }
    with LOG.open("a") as file:
        file.write(json.dumps(one) + "\n")
    print(f"{row.name}, {side}, seed {seed}: {100 * accuracy:.2f} %, {seconds:.1f} s", flush=True)


def summary(row, side, threads):
    """Trainings, accuracies by seed and, of those with so many threads, seconds."""
    own = [one for one in logged() if (one["row"], one["side"]) == (row.name, side)]
    accuracies = {one["seed"]: one["accuracy"] for one in own}
    return own, list(accuracies.values()), [one["seconds"] for one in own if one["threads"] == threads]


def report(table, rows, threads):
    """A row for each recipe, of what the log has."""
    wanted = targets("recipes")
    for row in rows:
        own, accuracies, seconds = summary(row, "convlet", threads)
        _, theirs, their_seconds = summary(row, "PyTorch", threads)
        if not own:
            continue
        deviation = f"{100 * statistics.stdev(accuracies):.2f}" if len(accuracies) > 1 else "-"
        cells = [row.name, own[-1]["architecture"], len(accuracies), spread(accuracies, 100, 2), deviation]
        cells += [f"{100 * wanted[f'{row.name} accuracy']:.2f}", spread(seconds, 1, 1)]
        cells += [f"{wanted[f'{row.name} seconds']:g}", spread(their_seconds, 1, 1), spread(theirs, 100, 2)]
        figures = {"accuracies": accuracies, "seconds": seconds}
        table.row(cells, row=row.name, **figures, pytorch={"accuracies": theirs, "seconds": their_seconds})


def spread(values, scale, places):
    """Mean, least and most; "-" of nothing."""
    if not values:
        return "-"
    mean, least, most = (f"{scale * f(values):.{places}f}" for f in (statistics.fmean, min, max))
    return mean if len(values) == 1 else f"{mean} ({least}-{most})"


def frontier(threads):
    """Error over seconds of each side, a panel for each data set that has several recipes."""
    panels = []
    for data, title in (("mnist", "MNIST"), ("fashion-mnist", "Fashion-MNIST")):
        lines = {}
        for side in SIDES:
            found = [summary(row, side, threads)[1:] for row in ROWS if row.data == data and row.train_images is None]
            line = [(statistics.fmean(s), 100 * (1 - statistics.fmean(a))) for a, s in found if s]
            if line:
                lines[side] = line
        panels.append(Panel(title, "seconds of training", "test error, %", lines, every=False))
    return svg(panels, "Test error against seconds of training on MNIST and Fashion-MNIST, for convlet and PyTorch")


def main():
    parser = options(__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--seeds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--first-seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--pytorch", action="store_true", help="train in PyTorch, not in convlet")
    given = parser.parse_args()
    known = {row.name: row for row in ROWS}
    for name in given.names:
        if name not in known:
            raise SystemExit(f"unknown row '{name}': expected {', '.join(known)}")
    rows = [known[name] for name in (given.names or known)]
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        for row in rows:
            make(row, "PyTorch" if given.pytorch else "convlet", seed, given.threads)
    table = Table("recipes", COLUMNS, given, ["torch"])
    report(table, ROWS if given.write else rows, given.threads)
    table.done()
    if given.write:
        (RESULTS.parent / "frontier.svg").write_text(frontier(given.threads))


if __name__ == "__main__":
    main()
