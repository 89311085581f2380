"""Training steps of convlet and PyTorch side by side: the same network, batch and optimizer (Adam), in one process.

    python benchmarks/against_pytorch.py [--threads 2] [--batch 128] [--runs 7] [--json FILE] [--write] [NAME ...]

Checks first that both sides give the same logits and gradients for the same parameters, then times them in turn.
convlet's time includes picking and scaling the batch's images; PyTorch gets them ready. The ratio is to the better of
PyTorch's two memory layouts. Networks are in networks.txt; PyTorch is the extra [bench].
"""

from __future__ import annotations

import torch

from convlet.learning.optimizers import Adam
from in_pytorch import LAYOUTS, Twin, check, step_of, tensors
from measure import Table, interleaved, network_options
from networks import drawn, engine_for, headed, networks, targets
from networks import step_of as own_step_of

COLUMNS = ("network", "convlet ms", "PyTorch ms", "PyTorch channels-last ms", "ratio", "at least")


def times_of(shape, word, given):
    """Seconds of a training step: convlet's, and PyTorch's in each layout."""
    images, labels = drawn(shape, 8 * given.batch)
    network = headed(word)
    engine = engine_for(network, images, given.threads)
    sides = {"convlet": own_step_of(engine, images, labels, given.batch, Adam())}
    for layout in LAYOUTS:
        module = Twin(network, shape, engine.layout.views(engine.parameters), layout).module.train()
        x, y = tensors(images[: given.batch], labels[: given.batch], engine.preprocessing, layout)
        sides[layout] = step_of(module, x, y, torch.optim.Adam(module.parameters(), 1e-3))
    try:
        return interleaved(sides, given.runs)
    finally:
        engine.close()


def main():
    given = network_options(__doc__).parse_args()
    chosen, wanted = networks(given.names), targets("training")
    torch.set_num_threads(given.threads)
    for name, (shape, word) in chosen.items():
        check(name, shape, word, *drawn(shape, min(given.batch, 32)), given.threads)
    table = Table("training", COLUMNS, given, ["torch"], {"batch": given.batch, "runs": given.runs})
    for name, (shape, word) in chosen.items():
        times = times_of(shape, word, given)
        best = min((times[layout] for layout in LAYOUTS), key=lambda own: own.median)
        ratio = best / times["convlet"]
        cells = [name, *(own.shown(1e3) for own in times.values()), ratio.shown(), wanted.get(name, "-")]
        table.row(cells, network=name, architecture=word, input=list(shape), ratio=ratio, seconds_per_step=times)
    table.done()


if __name__ == "__main__":
    main()
