"""The kernel cache under force: damaged entries, and many processes that begin on an empty cache.

    python -m tests.torture_cache

prints counts as JSON and ends with 1 where a result was wrong. The test suite runs a short form of the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

DAMAGES, ROUNDS, PROCESSES = 500, 20, 8

PROGRAM = """
import numpy as np
from convlet.network.word import parse, with_head
from convlet.training import Settings, train
from tests.training.examples import CLASSES, stripes
images = stripes(200)
network = with_head(parse("pool-dense5-tanh"), len(CLASSES))
trained = train(network, images, images, classes=CLASSES, settings=Settings(epochs=2, threads=2))
logits = trained.model.logits(images.images)
print(trained.model.sha256(), logits.sum(dtype=np.float64).hex())
"""


def damage(path: Path, others: list[Path], kind: int, rng: np.random.Generator) -> None:
    """Spoil an entry: a bit, a cut, nothing left, noise of the same length, another kernel's entry, more at the end."""
    whole = path.read_bytes() or b"?"
    if kind == 0:
        changed = bytearray(whole)
        changed[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(changed))
    elif kind == 1:
        path.write_bytes(whole[: rng.integers(len(whole))])
    elif kind == 2:
        path.write_bytes(b"")
    elif kind == 3:
        path.write_bytes(rng.bytes(len(whole)))
    elif kind == 4:
        path.write_bytes(others[rng.integers(len(others))].read_bytes())
    else:
        path.write_bytes(whole + rng.bytes(1 + int(rng.integers(64))))


KINDS = ("bit", "cut", "empty", "noise", "another's", "longer")


def damages(folder: Path, count: int, kernels: list[str] | None = None) -> dict[str, Any]:
    """Damage entries of kernels at random; each must be compiled again and compute what its slow version does."""
    from convlet.kernels.compiler import cache, machine_code, place
    from convlet.kernels.registry import ROWS
    from tests.kernels import naive
    from tests.kernels.harness import run

    os.environ["CONVLET_CACHE"] = str(folder)
    rng = np.random.default_rng(0)
    cases = {name: getattr(naive, name)(np.random.default_rng(1)) for name in kernels or [row.name for row in ROWS]}
    first = {name: case[0] for name, case in cases.items() if len(case) == 4}  # those that are given operands
    names = list(first)
    for kernel in first.values():  # another test may have brought it in from another folder
        machine_code._addresses.pop(kernel, None)
    machine_code.addresses(first.values())
    paths = {name: place.folder() / f"{kernel.symbol}.o" for name, kernel in first.items()}
    counts = {"damages": count, "wrong results": 0, "read all the same": 0, "not kept again": 0}
    for number in range(count):
        name = names[rng.integers(len(names))]
        others = [path for other, path in paths.items() if other != name]
        damage(paths[name], others, number % len(KINDS), rng)
        kernel, operands, fields, expected = getattr(naive, name)(np.random.default_rng(number))
        counts["read all the same"] += cache.read(kernel.symbol) is not None
        machine_code._addresses.pop(kernel, None)
        run(kernel, operands, **fields)
        scales = [np.abs(wanted).max() + 1e-30 for _, wanted in expected]
        right = all(np.abs(came - w).max() <= 2e-6 * s for (came, w), s in zip(expected, scales, strict=True))
        counts["wrong results"] += not right
        counts["not kept again"] += cache.read(kernel.symbol) is None
    return counts


def begin(folder: Path, **environment: str) -> subprocess.Popen[str]:
    """A process that trains and predicts with what the cache in `folder` holds."""
    variables = {name: value for name, value in os.environ.items() if name != "CONVLET_BACKEND"}
    variables |= {"CONVLET_CACHE": str(folder), **environment}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    root = Path(__file__).parent.parent
    return subprocess.Popen([sys.executable, "-c", PROGRAM], env=variables, cwd=root, text=True, **pipes)


def cold_starts(folder: Path, rounds: int, processes: int) -> dict[str, Any]:
    """Let processes begin at once on an empty cache; all must give the same bits, and the next one compiles nothing."""
    counts = {"rounds": rounds, "processes": rounds * processes, "failed": 0, "lines of log": 0, "damaged entries": 0}
    results = set()
    for number in range(rounds):
        place = folder / str(number)
        for done in [begin(place) for _ in range(processes)]:
            out, err = done.communicate()
            counts["failed"] += done.returncode != 0
            counts["lines of log"] += err.count("\n")
            results.add(out)
        counts["damaged entries"] += _damaged(place)
    return counts | {"different results": len(results)}


def _damaged(place: Path) -> int:
    from convlet.kernels.compiler import upkeep

    return sum(upkeep.describe(path).damaged for path in (place / "kernels").iterdir())


def main() -> dict[str, Any]:
    """Everything, in force."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            "damaged entries": damages(Path(folder) / "damages", DAMAGES),
            "cold starts": cold_starts(Path(folder) / "cold", ROUNDS, PROCESSES),
        }


def wrong(counts: dict[str, Any]) -> int:
    """How many of the counts tell of something that must not happen."""
    damaged, cold = counts["damaged entries"], counts["cold starts"]
    bad = [damaged[key] for key in ("wrong results", "read all the same", "not kept again")]
    bad += [cold[key] for key in ("failed", "lines of log", "damaged entries")]
    return sum(bad) + cold["different results"] - 1


if __name__ == "__main__":
    found = main()
    print(json.dumps(found, indent=1))
    sys.exit(1 if wrong(found) else 0)
