"""A save that is not atomic, to see that `save_faults` finds it out: the file is written in place.

python -m tests.torture.planted
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from convlet.model import model_file
from convlet.runs import checkpoint_file
from tests.torture import save_faults
from tests.torture.trial import report


def in_place(path: str | Path, parts: Iterable[bytes], refused: type[Exception] = ValueError) -> None:
    """Write a file as one should not."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for part in parts:
        os.write(handle, part)
    os.close(handle)


if __name__ == "__main__":
    checkpoint_file.write_atomically = model_file.write_atomically = in_place
    report(save_faults.save_faults(31))
