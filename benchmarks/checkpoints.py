"""What checkpoints cost: the share of a training's time that goes into saving, and the seconds of one save.

    python benchmarks/checkpoints.py [--data mnist] [--epochs 10] [--save-every 60] [ARCHITECTURE ...]

Saving may take at most one per cent of a training.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from convlet import data
from convlet.learning.settings import Settings
from convlet.runs.checkpoints import SECONDS, Checkpoints
from convlet.runs.folder import RunFolder, origin
from convlet.training.state import State
from convlet.trials.trial import train_on

ARCHITECTURES = (
    "conv8-relu-pool-conv8-relu-pool",
    "conv24k5v-pool-relu-conv32v-pool-relu-dense256-relu",
    "conv32v-relu-conv64v-relu-pool-dropout0.25-dense128-relu-dropout0.5",
)


def measure(images: Any, word: str, settings: Settings, seconds: float) -> dict[str, float]:
    """Train once, with checkpoints in a temporary folder."""
    spent: list[float] = []
    real = Checkpoints.save

    def save(self: Checkpoints, state: State) -> None:
        began = perf_counter()
        real(self, state)
        spent.append(perf_counter() - began)

    Checkpoints.save = save  # type: ignore[method-assign]
    try:
        with tempfile.TemporaryDirectory() as folder:
            part = RunFolder(Path(folder), seconds).whole(origin(images.describe(), word, settings.as_dict()))
            began = perf_counter()
            trained = train_on(images, word, settings, part=part)
            total = perf_counter() - began
            size = (Path(folder) / "checkpoint.safetensors").stat().st_size
    finally:
        Checkpoints.save = real  # type: ignore[method-assign]
    during = spent[:-1]  # the last one is after the training
    return {
        "train": trained.train_seconds,
        "total": total,
        "saves": len(during),
        "share": sum(during) / trained.train_seconds,
        "one": sum(spent) / len(spent),
        "bytes": size,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("architectures", nargs="*", default=ARCHITECTURES)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save-every", type=float, default=SECONDS)
    given = parser.parse_args()
    images = data.load(given.data)
    settings = Settings(epochs=given.epochs, threads=given.threads)
    print("train s  saves  share of training  ms a save  MiB  architecture")
    for word in given.architectures:
        found = measure(images, word, settings, given.save_every)
        print(
            f"{found['train']:>7.1f} {found['saves']:>6.0f} {found['share']:>18.3%} {1000 * found['one']:>10.1f} "
            f"{found['bytes'] / 2**20:>4.1f}  {word}",
            flush=True,
        )


if __name__ == "__main__":
    main()
