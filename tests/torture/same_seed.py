"""The same seed gives the same model: networks x numbers of threads x repeats, weights compared.

python -m tests.torture.same_seed NETWORKS
"""

from __future__ import annotations

import sys

from convlet.learning.settings import Settings
from convlet.training.loop import train
from tests.torture.trial import Outcome, report
from tests.training.examples import CLASSES, network, stripes

NETWORKS = (
    ("conv8-relu-pool-conv8-relu-pool", {"optimizer": "adam"}),
    ("conv4-bn-relu-dropout0.3-pool-res8s2-gap", {"optimizer": "adamw", "weight_decay": 0.01, "ema_decay": 0.9}),
    ("conv16k5v-tanh-dropout0.5-conv32v-tanh-dropout0.5", {"optimizer": "sgd", "clip_norm": 1.0}),
    ("avgpool-conv3k5-gelu-pool3s2-dense20-silu", {"optimizer": "rmsprop", "label_smoothing": 0.1}),
    ("dense40-leakyrelu-dense20-sigmoid", {"optimizer": "adagrad", "batch": None}),
)
THREADS = (1, 2, 3, 4, 7)
REPEATS = 2


def same_seed(count: int) -> Outcome:
    """The first `count` networks with each number of threads, twice."""
    outcome, shown = Outcome(), stripes(200)
    for word, settings in NETWORKS[:count]:
        first = None
        for threads in THREADS:
            for repeat in range(REPEATS):
                given = Settings(**{"epochs": 2, "batch": 48, "shard": 8, "threads": threads, "seed": 5} | settings)
                made = train(network(word), shown, classes=CLASSES, settings=given).model.sha256()
                first = first or made
                outcome.tried(None if made == first else f"{word}, {threads} threads, repeat {repeat + 1}: differs")
    return outcome


if __name__ == "__main__":
    report(same_seed(int(sys.argv[1])))
