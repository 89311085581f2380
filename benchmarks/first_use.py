"""From nothing to one training step, with an empty kernel cache and with a filled one, in processes of their own.

    python benchmarks/first_use.py [--threads 2] [--runs 3] [--json FILE] [--write] [NAME ...]

Each run of a network has a cache of its own: the first process compiles its kernels, the second loads them. Seconds are
those of `convlet.train` for one step, kernels and all, without imports; both processes must give the same parameters,
to the last bit. Networks are in networks.txt.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from measure import Spread, Table, network_options
from networks import networks, targets

COLUMNS = ("network", "compiled, seconds", "at most", "loaded, seconds", "at most")

ONE_STEP = """
import sys, time
import numpy as np
from convlet.network.word import parse, with_head
from convlet.training import Settings, train
from convlet.data.inputs import Labelled

word, *shape, batch, threads = sys.argv[1:]
rng = np.random.default_rng(0)
images = rng.integers(0, 256, (int(batch), *map(int, shape)), np.uint8)
data = Labelled(images, rng.integers(0, 10, int(batch)))
settings = Settings(epochs=1, batch=int(batch), threads=int(threads))
began = time.perf_counter()
model = train(with_head(parse(word), 10), data, classes=tuple("0123456789"), settings=settings).model
print(time.perf_counter() - began, model.parameters.tobytes().hex()[:4096])
"""


def one_process(word, shape, given, cache):
    """Seconds of one training of one step, and how its parameters begin."""
    words = [word, *map(str, shape), str(given.batch), str(given.threads)]
    command = [sys.executable, "-c", ONE_STEP, *words]
    ended = subprocess.run(command, env=os.environ | {"CONVLET_CACHE": cache}, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"{word} ended with {ended.returncode}:\n{ended.stderr}")
    seconds, begins = ended.stdout.split()
    return float(seconds), begins


def main():
    given = network_options(__doc__, runs=3).parse_args()
    wanted = targets("first-use")
    table = Table("first-use", COLUMNS, given, more={"batch": given.batch, "runs": given.runs})
    for name, (shape, word) in networks(given.names).items():
        compiled, loaded = [], []
        for _ in range(given.runs):
            with tempfile.TemporaryDirectory() as cache:
                (first, parameters), (second, again) = (one_process(word, shape, given, cache) for _ in range(2))
            if parameters != again:
                raise SystemExit(f"{name}: kernels from the cache gave other parameters; the same bits were expected")
            compiled.append(first)
            loaded.append(second)
        first, second = Spread(tuple(compiled)), Spread(tuple(loaded))
        cells = [name, first.shown(), wanted["compiled"], second.shown(), wanted["loaded"]]
        table.row(cells, network=name, architecture=word, compiled=first, loaded=second)
    table.done()


if __name__ == "__main__":
    main()
