"""Mirrors that stall, drip, lie, break off or never end, in random orders: the set is whole, or one clear error says why.

python -m tests.torture.downloads COUNT
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from pathlib import Path

from convlet.data import idx, named
from convlet.errors import DownloadError
from tests.data.files import write_idx
from tests.data.server import WAYS, Server, named_set, serving
from tests.torture.trial import Outcome, draws, report


def downloads(count: int) -> Outcome:
    """`count` attempts to get a data set from one to three mirrors."""
    outcome, rng = Outcome(), draws(9)
    named.TIMEOUT_SECONDS, named.MOST_BYTES = 0.2, 2**20
    with tempfile.TemporaryDirectory() as name, serving(write_idx(Path(name) / "origin")) as server:
        for number in range(count):
            folder = Path(name) / f"data{number}"
            os.environ["CONVLET_DATA"] = str(folder)
            ways = _mirrors(rng, number)
            failure = _attempt(server, folder / "tiny", ways)
            outcome.tried(failure and f"{', '.join(ways)}: {failure}")
    return outcome


def _mirrors(rng: random.Random, number: int) -> tuple[str, ...]:
    """Bad mirrors, each kind of them among the first; after half of them a good one."""
    bad = [WAYS[number % len(WAYS)], *rng.sample(WAYS, rng.randrange(2))]
    return (*bad, "good") if rng.randrange(2) else tuple(bad)


def _attempt(server: Server, folder: Path, ways: tuple[str, ...]) -> str | None:
    item = named_set(server, *ways)
    files = {path.name: path.read_bytes() for path in server.folder.iterdir()}
    try:
        named.get(item)
    except DownloadError as error:
        if "good" in ways:
            return f"the good mirror was not used: {error}"
        if any(way.replace(" ", "%20") not in str(error).replace(" ", "%20") for way in ways) or "\n" in str(error):
            return f"the message does not name each mirror: {error}"
        left = list(folder.iterdir()) if folder.exists() else []
        return f"{left[0].name} was left behind" if left else None
    if "good" not in ways:
        return "something was accepted"
    if {path.name: path.read_bytes() for path in folder.iterdir()} != files:
        return "the files differ, or others lie beside them"
    idx.load(folder, 3)
    return None


if __name__ == "__main__":
    report(downloads(int(sys.argv[1])))
