"""Model files that were damaged or made to harm: each must be refused with the one error class."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from convlet.errors import ModelFileError
from convlet.model import model_file
from tests.model_files import joined, split
from tests.torture.trial import Outcome, draws, refused

KEPT = Path(__file__).parent.parent / "kept"
FOUR_KIB = KEPT / "model-1-conv.safetensors"
"""A model file of exactly 4,096 bytes."""


def truncations_and_flips(step: int = 1) -> Outcome:
    """Every `step`-th truncation and single-bit flip of the 4 KiB file."""
    outcome = Outcome()
    data = bytearray(FOUR_KIB.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        for length in range(0, len(data), step):
            path.write_bytes(data[:length])
            failure = refused(lambda: model_file.load(path), ModelFileError)
            outcome.tried(failure and f"first {length} bytes: {failure}")
        path.write_bytes(data)
        with path.open("r+b", buffering=0) as file:
            for bit in range(0, 8 * len(data), step):
                byte = data[bit // 8]
                _poke(file, bit // 8, byte ^ 1 << bit % 8)
                failure = refused(lambda: model_file.load(path), ModelFileError)
                outcome.tried(failure and f"bit {bit}: {failure}")
                _poke(file, bit // 8, byte)
        model_file.load(path)  # the trial itself must have put everything back
    return outcome


def _poke(file: Any, place: int, value: int) -> None:
    file.seek(place)
    file.write(bytes([value]))


def mutations(count: int) -> Outcome:
    """`count` changes of the header by rule, each with a checksum that fits, so that only the rules can refuse it."""
    outcome, rng = Outcome(), draws(5)
    header, payload = split(FOUR_KIB.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        for number in range(count):
            name, make = MUTATIONS[number % len(MUTATIONS)]
            data = make(rng, json.loads(json.dumps(header)), payload)
            path.write_bytes(data)
            failure = refused(lambda: model_file.load(path), ModelFileError)
            outcome.tried(failure and f"{name}, number {number}: {failure}")
    return outcome


Header = dict[str, Any]
Mutation = Callable[[random.Random, Header, bytes], bytes]
LARGE = (2**31, 2**32, 2**63, 2**63 - 1, 2**64, 10**30)
STRANGE = (None, True, False, -1, 1.5, "1", [], {}, [[]], {"a": 1}, 2**63, "\x00", "é" * 100)


def _arrays(header: Header) -> list[str]:
    return [name for name in header if name != "__metadata__"]


def _entry(rng: random.Random, header: Header) -> Header:
    """One array's entry."""
    entry: Header = header[rng.choice(_arrays(header))]
    return entry


def _offsets(change: Callable[[random.Random, int, int], list[int]]) -> Mutation:
    def make(rng: random.Random, header: Header, payload: bytes) -> bytes:
        entry = _entry(rng, header)
        entry["data_offsets"] = change(rng, *entry["data_offsets"])
        return joined(header, payload)

    return make


def _numbers(values: tuple[int, ...]) -> Mutation:
    def make(rng: random.Random, header: Header, payload: bytes) -> bytes:
        numbers = _entry(rng, header)[rng.choice(("shape", "data_offsets"))]
        numbers[rng.randrange(len(numbers))] = rng.choice(values)
        return joined(header, payload)

    return make


def _wrong_type(rng: random.Random, header: Header, payload: bytes) -> bytes:
    where = rng.choice((header, header["__metadata__"], _entry(rng, header)))
    key = rng.choice([key for key in where if key not in ("sha256", "__metadata__")])
    where[key] = rng.choice([value for value in STRANGE if value != where[key]])
    return joined(header, payload)


def _key(rng: random.Random, header: Header, payload: bytes) -> bytes:
    """One key more, one less, or one renamed."""
    where = rng.choice((header, header["__metadata__"], _entry(rng, header)))
    key, way = rng.choice([key for key in where if key not in ("sha256", "__metadata__")]), rng.randrange(3)
    if way:
        value = where.pop(key)
        if way == 2:
            where[rng.choice((key.upper(), key + " ", f"{key}\x00", "__class__", "__reduce__"))] = value
    else:
        where[f"{key}x"] = where[key]
    return joined(header, payload)


def _duplicate(rng: random.Random, header: Header, payload: bytes) -> bytes:
    key = rng.choice([*_arrays(header), "dtype", "shape", "format", "architecture", "classes"])
    header["__metadata__"]["sha256"] = "0" * 64
    text = json.dumps(header, separators=(",", ":"))
    mark = json.dumps(key) + ":"
    at = text.index(mark)
    value, _ = json.JSONDecoder().raw_decode(text, at + len(mark))
    return joined((text[:at] + mark + json.dumps(value) + "," + text[at:]).encode(), payload)


def _depth(rng: random.Random, header: Header, payload: bytes) -> bytes:
    header["__metadata__"]["sha256"] = "0" * 64
    text, levels = json.dumps(header, separators=(",", ":")), rng.randrange(1, 200_000)
    opened, closed = rng.choice((("[", "]"), ('{"a":', "}")))
    nested = opened * levels + "1" + closed * levels * rng.randrange(2)
    return joined(f'{text[:-1]},"x":{nested}}}'.encode(), payload)


def _architecture(rng: random.Random, header: Header, payload: bytes) -> bytes:
    words = header["__metadata__"]["architecture"].split("-")
    layers = ("exec", "lambda", "conv", "conv0", "conv999999999", "pool0", "dense0", "dropout1.5", "", "os.system")
    extra = ("conv8", "dense5", "bn", "res2", "flatten-flatten", "dense65536-dense65536", "pool9")
    if rng.randrange(2):
        words[rng.randrange(len(words))] = rng.choice(layers)
    else:
        words.insert(rng.randrange(len(words) + 1), rng.choice(extra))
    header["__metadata__"]["architecture"] = "-".join(words)
    return joined(header, payload)


def _input_shape(rng: random.Random, header: Header, payload: bytes) -> bytes:
    """A shape that the arrays do not fit, or that is none."""
    shapes = (
        [0, 8, 1],
        [8, 8],
        [8, 8, 1, 1],
        [-8, 8, 1],
        [8, 8, 2],
        [2**63, 8, 1],
        [65536, 65536, 1],
        [8.0, 8, 1],
        "8x8x1",
        None,
    )
    header["__metadata__"]["input_shape"] = json.dumps(rng.choice(shapes))
    return joined(header, payload)


def _values(rng: random.Random, header: Header, payload: bytes) -> bytes:
    """A number that is not finite, or bytes missing or left over at the end."""
    way, place = rng.randrange(3), 4 * rng.randrange(len(payload) // 4)
    if way == 0:
        bad = rng.choice((b"\0\0\x80\x7f", b"\0\0\x80\xff", b"\1\0\x80\x7f", b"\0\0\xc0\x7f"))
        return joined(header, payload[:place] + bad + payload[place + 4 :])
    return joined(header, payload[:place] if way == 1 else payload + payload[: place + 1])


def _length(rng: random.Random, header: Header, payload: bytes) -> bytes:
    """Another length of the header than it has; the checksum is made for it too."""
    data = joined(header, payload)
    length = int.from_bytes(data[:8], "little")
    wrong = rng.choice([0, 1, length - 1, length + 1, len(data), 2**20, 2**31, 2**63, 2**64 - 1, rng.randrange(2**16)])
    return (wrong if wrong != length else 0).to_bytes(8, "little") + data[8:]


MUTATIONS: tuple[tuple[str, Mutation], ...] = (
    ("overlap", _offsets(lambda rng, a, b: [max(0, a - 4 * rng.randrange(1, 9)), b] if a else [a, b + 4])),
    ("hole", _offsets(lambda rng, a, b: [a + 4 * rng.randrange(1, 99), b + 4 * rng.randrange(1, 99)])),
    ("reversed", _offsets(lambda rng, a, b: [b, a])),
    ("negative", _numbers((-1, -4, -(2**31), -(2**63)))),
    ("large", _numbers(LARGE)),
    ("duplicate key", _duplicate),
    ("wrong type", _wrong_type),
    ("keys", _key),
    ("depth", _depth),
    ("layers", _architecture),
    ("input shape", _input_shape),
    ("values", _values),
    ("header length", _length),
)
"""Every kind of change by its name; each always makes a file that must be refused."""
