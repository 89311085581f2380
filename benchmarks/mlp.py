"""Dense networks by convlet and by scikit-learn's MLPClassifier side by side: seconds of training and test accuracy.

    python benchmarks/mlp.py [--threads 2] [--runs 5] [--epochs 5] [--batch 200] [--json FILE] [--write] [WORD ...]

WORD is a network of dense layers with relu, such as dense128-relu (the default, with dense256-relu-dense128-relu). Both
train on MNIST's 60,000 images with Adam at a constant learning rate, without weight decay and without early stopping;
run k has seed k. Checks first that both give the same probabilities and the same gradient for the same weights.
scikit-learn gets float32 images that are scaled already, and the threads that its matrix products take.
"""

from __future__ import annotations

import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from convlet import Settings, load_data, train
from convlet.data import ImageSet
from convlet.layers import Dense, ReLU
from convlet.learning.losses import softmax
from convlet.learning.preprocessing import Preprocessing
from convlet.network.word import parse
from measure import Spread, Table, options, percent
from networks import CLASSES, engine_for, headed, same

DEFAULT = ("dense128-relu", "dense256-relu-dense128-relu")
LEARNING_RATE = 1e-3
COLUMNS = (
    "network",
    "convlet seconds",
    "scikit-learn seconds",
    "ratio",
    "convlet accuracy %",
    "scikit-learn accuracy %",
)


def hidden_of(word):
    """`dense256-relu-dense128-relu` as (256, 128); exits for a word that is no such network."""
    layers = parse(word).layers
    dense, relu = layers[::2], layers[1::2]
    kinds = all(isinstance(own, Dense) for own in dense) and all(isinstance(own, ReLU) for own in relu)
    if not kinds or len(dense) != len(relu):
        raise SystemExit(f"'{word}' is no network of dense layers, each with relu, such as dense128-relu")
    return tuple(layer.units for layer in dense)


def flat(images, preprocessing):
    """Scaled images as scikit-learn takes them: float32 (n, features)."""
    return preprocessing.apply(images).reshape(len(images), -1)


def check(word, images, labels):
    """Exit unless both sides give the same probabilities and gradients for scikit-learn's initial weights."""
    preprocessing = Preprocessing.from_images(images)
    x = flat(images, preprocessing).astype(np.float64)
    # a step of plain gradient descent over all images moves the weights by learning rate times gradient
    theirs = MLPClassifier(
        hidden_of(word),
        solver="sgd",
        alpha=0.0,
        batch_size=len(x),
        learning_rate_init=LEARNING_RATE,
        momentum=0.0,
        nesterovs_momentum=False,
        random_state=0,
    ).partial_fit(x, labels, classes=np.arange(CLASSES))
    before = _flat_weights(theirs)
    expected = theirs.predict_proba(x)
    theirs.partial_fit(x, labels)
    gradient = (before - _flat_weights(theirs)) / LEARNING_RATE
    engine = engine_for(headed(word), images, threads=1)
    try:
        engine.parameters[:] = before
        own = softmax(engine.logits(images))
        engine.gradients(images, labels, np.arange(len(images)), epoch=0, position=0)
        same(f"{word}, probabilities", own, expected)
        same(f"{word}, gradients", engine.gradient, gradient)
    finally:
        engine.close()


def _flat_weights(fitted):
    """Weights and biases of each layer in convlet's order."""
    pairs = zip(fitted.coefs_, fitted.intercepts_, strict=True)
    return np.concatenate([array.ravel() for pair in pairs for array in pair])


def convlet_run(word, shown, tested, given, seed):
    """Seconds and test accuracy of one training by convlet."""
    settings = Settings(
        epochs=given.epochs,
        batch=given.batch,
        optimizer="adam",
        schedule="constant",
        learning_rate=LEARNING_RATE,
        seed=seed,
        threads=given.threads,
    )
    names = tuple(map(str, range(CLASSES)))
    result = train(headed(word), shown, classes=names, settings=settings)
    predicted = result.model.predict(tested.images, given.threads)
    return result.train_seconds, float(np.mean(predicted == tested.labels))


def sklearn_run(word, shown, tested, given, seed):
    """Seconds and test accuracy of one training by scikit-learn."""
    network = MLPClassifier(
        hidden_of(word),
        alpha=0.0,
        batch_size=given.batch,
        learning_rate_init=LEARNING_RATE,
        max_iter=given.epochs,
        n_iter_no_change=given.epochs + 1,
        random_state=seed,
    )
    with warnings.catch_warnings(), threadpool_limits(given.threads):
        warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are few on purpose
        began = time.perf_counter()
        network.fit(*shown)
        seconds = time.perf_counter() - began
    return seconds, network.score(*tested)


def main():
    parser = options(__doc__, runs=5)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--images", type=int, default=60_000, help="training images; default: %(default)s")
    parser.add_argument("--data", default="mnist", help="default: %(default)s")
    given = parser.parse_args()
    data = load_data(given.data, validation=0.0)
    some = ImageSet(data.train.images[: given.images], data.train.labels[: given.images])
    preprocessing = Preprocessing.from_images(some.images)
    shown = flat(some.images, preprocessing), some.labels
    tested = flat(data.test.images, preprocessing), data.test.labels
    for word in given.words or DEFAULT:
        check(word, some.images[:64], some.labels[:64])
    more = {"data": given.data, "training_images": len(some), "epochs": given.epochs, "batch": given.batch}
    table = Table("mlp", COLUMNS, given, ["scipy"], more | {"runs": given.runs})
    for word in given.words or DEFAULT:
        sides = {"convlet": [], "scikit-learn": []}
        for seed in range(given.runs):
            sides["convlet"].append(convlet_run(word, some, data.test, given, seed))
            sides["scikit-learn"].append(sklearn_run(word, shown, tested, given, seed))
        report(table, word, sides)
    table.done()


def report(table, word, sides):
    """A row for one network from each side's (seconds, accuracy) of each run."""
    seconds = {side: Spread(tuple(run[0] for run in runs)) for side, runs in sides.items()}
    accuracies = {side: [run[1] for run in runs] for side, runs in sides.items()}
    ratio = seconds["scikit-learn"] / seconds["convlet"]
    hits = map(percent, accuracies.values())
    cells = [word, *(own.shown() for own in seconds.values()), ratio.shown(), *hits]
    table.row(cells, network=word, seconds=seconds, accuracies=accuracies, ratio=ratio)


if __name__ == "__main__":
    main()
