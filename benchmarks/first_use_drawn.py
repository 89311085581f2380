"""The first use of networks drawn from the whole grammar: compiled within 10 seconds, or refused with the reason.

    python benchmarks/first_use_drawn.py [--words 60] [--seed 0] [--threads 2] [--json FILE] [WORD ...]

A word has tokens of every kind, with numbers over their whole range, and up to as many tokens as a word may have. Each
is compiled for training and prediction in a process of its own, with an empty cache. Seconds are those of
the checks, the plan and the compilation; CPU seconds are those of the process and its helpers, imports included, half
of which is what two idle cores need. A word that fails in any other way ends the trial.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

import numpy as np

from convlet.errors import ArchitectureError
from convlet.layers.checks import FILTERS_LIMIT, SIZE_LIMIT, STRIDE_LIMIT, UNITS_LIMIT, shorten
from convlet.network.word import WORD_LIMIT, parse, with_head
from measure import Table, options

COLUMNS = ("word", "input", "kernels", "seconds", "CPU seconds", "refused")

MOST_SECONDS = 10
"""What the first use of a network may take on two cores."""

WORD_SECONDS = 600
"""A word that takes longer has failed."""

COMPILED = """
import json, resource, sys, time
import numpy as np
from convlet.network.word import parse, with_head
from convlet.errors import ArchitectureError
from convlet.kernels.compiler.machine_code import addresses
from convlet.training import Settings, Training, check_training, kernels_of

word, threads, *shape = sys.argv[1:]
shape, threads, settings = tuple(map(int, shape)), int(threads), Settings(batch=16)
began, kernels, refused = time.perf_counter(), [], ""
try:
    network = with_head(parse(word), 10)
    check_training(network, shape, settings, 16, threads)
    images = np.zeros((16, *shape), np.uint8)
    kernels = kernels_of([Training(network, images, settings.make_optimizer(), settings.shard)])
    addresses(kernels, processes=threads)
except ArchitectureError as error:
    refused = str(error)
seconds = time.perf_counter() - began
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
cpu = sum(one.ru_utime + one.ru_stime for one in used)
print(json.dumps({"kernels": len(kernels), "seconds": seconds, "cpu_seconds": cpu, "refused": refused}))
"""


def drawn(rng):
    """A word whose layers fit its images, and the images' shape (H, W, C)."""
    shape = (*(int(rng.integers(8, 97)) for _ in range(2)), int(rng.choice([1, 3])))
    tokens, wanted = [], int(np.exp(rng.uniform(0, np.log(WORD_LIMIT / 5))))
    for _ in range(4 * wanted):
        token = drawn_token(rng)
        try:
            with_head(parse("-".join([*tokens, token])), 10).output_shape(shape)
        except ArchitectureError:
            continue
        tokens.append(token)
        if len(tokens) == wanted:
            break
    return "-".join(tokens or ["flatten"]), shape


def drawn_token(rng):
    """A token of any kind, its numbers drawn so that small and large ones are as likely."""

    def upto(limit):
        return int(np.exp(rng.uniform(0, np.log(limit + 1))))

    stride = f"s{upto(STRIDE_LIMIT)}" if rng.random() < 0.2 else ""
    size = upto(SIZE_LIMIT) if rng.random() < 0.5 else 3
    fraction = f"{rng.uniform(0.01, 0.95):.2f}"
    tokens = {
        "conv": f"conv{upto(FILTERS_LIMIT)}k{size}{stride}{'v' if rng.random() < 0.2 else ''}",
        "res": f"res{upto(FILTERS_LIMIT)}{stride}",
        "pool": f"pool{upto(SIZE_LIMIT)}s{upto(STRIDE_LIMIT)}",
        "avgpool": f"avgpool{upto(SIZE_LIMIT)}s{upto(STRIDE_LIMIT)}",
        "dense": f"dense{upto(UNITS_LIMIT)}",
        "dropout": f"dropout{fraction}",
        "leakyrelu": f"leakyrelu{fraction}",
        **{name: name for name in ("gap", "flatten", "bn", "relu", "tanh", "sigmoid", "gelu", "silu")},
    }
    ending = {"gap", "flatten", "dense"}  # after one of these no layer of images fits
    weights = np.array([4 if name in ("conv", "res") else 0.2 if name in ending else 1 for name in tokens], float)
    return tokens[str(rng.choice(list(tokens), p=weights / weights.sum()))]


def first_use(word, shape, threads):
    """What one process says of a word: kernels, seconds, CPU seconds, why it was refused."""
    command = [sys.executable, "-c", COMPILED, word, str(threads), *map(str, shape)]
    with tempfile.TemporaryDirectory() as cache:
        own = os.environ | {"CONVLET_CACHE": cache}
        try:
            ended = subprocess.run(command, env=own, capture_output=True, text=True, timeout=WORD_SECONDS)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"{word} on {shape}: not done after {WORD_SECONDS} seconds") from None
    if ended.returncode:
        raise SystemExit(f"{word} on {shape} ended with {ended.returncode}:\n{ended.stderr}")
    return json.loads(ended.stdout)


def main():
    parser = options(__doc__, threads=2)
    parser.add_argument("--words", type=int, default=60, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("names", nargs="*", metavar="WORD", help="use these on 32x32x3 images and draw none")
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    chosen = [(word, (32, 32, 3)) for word in given.names] or [drawn(rng) for _ in range(given.words)]
    table = Table("first-use-drawn", COLUMNS, given, more={"seed": given.seed})
    slow = refused = 0
    for word, shape in chosen:
        one = first_use(word, shape, given.threads)
        slow += one["cpu_seconds"] / 2 > MOST_SECONDS
        refused += bool(one["refused"])
        cells = [shorten(word), "x".join(map(str, shape)), one["kernels"], f"{one['seconds']:.1f}"]
        cells += [f"{one['cpu_seconds']:.1f}", shorten(one["refused"], 200)]
        table.row(cells, word=word, shape=shape, **one)
    table.note(f"{len(chosen)} words: {refused} refused, {slow} over {MOST_SECONDS} seconds of two cores.")
    table.done()


if __name__ == "__main__":
    main()
