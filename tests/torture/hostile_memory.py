"""How far memory rises while thousands of damaged files of every kind are read.

python -m tests.torture.hostile_memory LOADS
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from convlet.errors import ConvletError
from convlet.runs import checkpoint_file
from tests.torture import load_paths
from tests.torture.fuzz import memory_folder, mutated
from tests.torture.picture_corpus import _bombs
from tests.torture.trial import Memory, Outcome, clean, draws, report


def hostile_memory(count: int) -> Outcome:
    """Read `count` files: bombs, and random changes of good files."""
    outcome, rng = Outcome(), draws(11)
    with tempfile.TemporaryDirectory(dir=memory_folder()) as name:
        folder = Path(name)
        load_paths.prepare(folder)
        readers = load_paths.readers() | {"checkpoint": checkpoint_file.load}
        load_paths.read_all(folder)
        good = [
            (path.name.split(".")[0].split("-")[0], path.read_bytes())
            for path in sorted(folder.iterdir())
            if path.is_file()
        ]
        good.append(("checkpoint", (folder / "model.safetensors").read_bytes()))
        bombs = [("picture", data) for _, data in _bombs()]
        path, memory = folder / "hostile", Memory()
        for number in range(count):
            kind, data = bombs[number] if number < len(bombs) else rng.choice(good)
            path.write_bytes(data if number < len(bombs) else mutated(rng, data))
            failure = clean(lambda: readers[kind](path), ConvletError)  # noqa: B023
            outcome.tried(failure and f"{kind}: {failure}")
        memory.check(outcome)
    return outcome


if __name__ == "__main__":
    report(hostile_memory(int(sys.argv[1])))
