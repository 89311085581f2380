"""Fuzzing of what reads bytes from strangers: a clean error or a value, within a second and 64 MiB.

    python -m tests.torture.fuzz idx|model|words RUNS [plain]

Where atheris is installed (`pip install ".[fuzz]"`) it leads the way by what code each input reaches; `plain`, or a
missing atheris, means random changes of good inputs. Inputs that once failed stay in `tests/torture/found/`; each is
tried first.
"""

from __future__ import annotations

import gzip
import os
import random
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.torture.trial import Memory, Outcome, clean, draws, report

HERE = Path(__file__).parent
FOUND = HERE / "found"
LONGEST = 6000
Target = Callable[[bytes], "str | None"]


def reading_idx(path: Path) -> Target:
    """An IDX file, of images or labels as the last bit of its first byte says."""
    from convlet.data import idx
    from convlet.errors import DataError

    def check(data: bytes) -> str | None:
        axes = 3 if data[:1] and data[0] & 1 else 1
        path.write_bytes(data[1:])
        return clean(lambda: idx.read(path, axes), DataError)

    return check


def reading_models(path: Path) -> Target:
    """A model file: the bytes as they are, or behind a checksum that fits, as the last bit of the first byte says."""
    from convlet.errors import ModelFileError
    from convlet.model import model_file
    from tests.model_files import joined

    def check(data: bytes) -> str | None:
        body = data[1:]
        if data[:1] and data[0] & 1:
            length = int.from_bytes(body[:2], "little")
            body = joined(body[2 : 2 + length], body[2 + length :])
        return clean(lambda: model_file.from_bytes(body), ModelFileError)

    return check


def reading_words(path: Path) -> Target:
    """An architecture word, read and laid out for images of 28x28 pixels."""
    from convlet.errors import ArchitectureError
    from convlet.network.costs import describe
    from convlet.network.word import format_word, parse, with_head

    def read(word: str) -> None:
        network = parse(word)
        assert parse(format_word(network)) == network, "the word of the network is another network's"
        describe(with_head(network, 10), (28, 28, 1))

    def check(data: bytes) -> str | None:
        word = data.decode("utf-8", "surrogateescape")
        return clean(lambda: read(word), ArchitectureError)

    return check


TARGETS: dict[str, Callable[[Path], Target]] = {"idx": reading_idx, "model": reading_models, "words": reading_words}


def seeds(target: str) -> list[bytes]:
    """Good inputs to begin with, and those that once failed."""
    if target == "words":
        words = (
            "conv8-relu-pool",
            "conv16k5s2v-bne0.001m0.99-leakyrelu0.2",
            "res16s2-avgpool3s2-gap-dropout0.5-dense8-silu",
        )
        good = [word.encode() for word in words]
    elif target == "idx":
        images = struct.pack(">HBB3I", 0, 8, 3, 2, 3, 4) + bytes(range(24))
        labels = struct.pack(">HBB1I", 0, 8, 1, 9) + bytes(range(9))
        good = [
            b"\1" + images,
            b"\0" + labels,
            b"\1" + gzip.compress(images, mtime=0),
            b"\0" + gzip.compress(labels, mtime=0),
        ]
    else:
        data = (HERE.parent / "kept" / "model-1-residual.safetensors").read_bytes()
        length = int.from_bytes(data[:8], "little")
        good = [b"\0" + data, b"\1" + length.to_bytes(2, "little") + data[8:]]
    return good + [path.read_bytes() for path in sorted(FOUND.glob(f"{target}-*"))]


PIECES = (
    b"-",
    b"0",
    b"9" * 20,
    b"\xff",
    b"\0",
    b'"',
    b"{",
    b"}",
    b"[",
    b",",
    b"conv",
    b"dense65536",
    b"\x7f\xff\xff\xff",
    b"null",
    b"1e999",
)


def mutated(rng: random.Random, data: bytes) -> bytes:
    """A few random changes: bytes, pieces put in or taken out, parts repeated."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(changed) + 1)
        way = rng.randrange(5)
        if way == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            changed[at:at] = rng.choice(PIECES)
        elif way == 2:
            del changed[at : at + rng.randrange(1, 9)]
        elif way == 3:
            changed[at : at + 4] = rng.randbytes(4)
        else:
            start = rng.randrange(len(changed) + 1)
            changed[at:at] = changed[start : start + rng.randrange(64)]
    return bytes(changed[:LONGEST])


def plain(target: str, count: int) -> Outcome:
    """`count` inputs: the seeds, then random changes of them."""
    outcome, rng = Outcome(notes="random changes"), draws(3)
    with tempfile.TemporaryDirectory(dir=memory_folder()) as folder:
        check, good = TARGETS[target](Path(folder) / "file"), seeds(target)
        memory = Memory()
        for number in range(count):
            data = good[number] if number < len(good) else mutated(rng, rng.choice(good))
            failure = check(data)
            outcome.tried(failure and f"{target}: {failure}: {data[:200]!r}")
        memory.check(outcome)
    return outcome


def guided(target: str, count: int) -> None:
    """`count` inputs chosen by coverage. libFuzzer ends the process, so the outcome is printed by its last input."""
    import atheris

    assert "convlet" not in sys.modules, "what is imported already cannot be followed"
    with atheris.instrument_imports(include=["convlet"]):
        pass
    folder = tempfile.mkdtemp(dir=memory_folder())
    corpus = Path(folder) / "corpus"
    corpus.mkdir()
    for number, data in enumerate(seeds(target)):
        (corpus / str(number)).write_bytes(data)
    check, outcome = TARGETS[target](Path(folder) / "file"), Outcome(notes="guided by coverage")
    memory = Memory()

    def one(data: bytes) -> None:
        failure = check(data)
        outcome.tried(failure and f"{target}: {failure}: {data[:200]!r}")
        if outcome.count == count:
            memory.check(outcome)
            report(outcome)
            sys.stdout.flush()
            import shutil

            shutil.rmtree(folder)
            os._exit(0)

    atheris.Setup(
        [
            sys.argv[0],
            str(corpus),
            f"-max_len={LONGEST}",
            "-len_control=0",
            "-rss_limit_mb=0",
            "-seed=1",
            "-verbosity=0",
        ],
        one,
    )
    atheris.Fuzz()


def memory_folder() -> str | None:
    """A folder whose files lie in memory, where there is one."""
    return "/dev/shm" if os.path.isdir("/dev/shm") else None


def have_atheris() -> bool:
    """Whether coverage can lead the way."""
    import importlib.util

    return importlib.util.find_spec("atheris") is not None


if __name__ == "__main__":
    name, runs = sys.argv[1], int(sys.argv[2])
    if "plain" in sys.argv or not have_atheris():
        report(plain(name, runs))
    else:
        guided(name, runs)
